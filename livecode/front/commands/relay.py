"""`livecode relay`: what is started on another machine, in a container or a pod."""

from __future__ import annotations

import click

from livecode.fleet.remote.relay import relay as serve


@click.command()
def relay() -> None:
    """Act on the services of this user for somebody elsewhere, over standard input and output.

    Nobody types it: `livecode status ssh://host/shop` starts it as `ssh host livecode relay`, docker:// and kubectl://
    through docker exec and kubectl exec. It opens no port and ends with its input.
    """
    serve()
