"""What ``%hotattach`` takes and does: finds the service that the magics act on from then on."""

from __future__ import annotations

from argparse import Namespace

from livecode.errors import UsageError
from livecode.fleet.discovery import running
from livecode.fleet.service import Service, attach
from livecode.front.arguments import argument

ATTACH_HELP = (
    "Left out: the only one that runs. Elsewhere: ssh://HOST/NAME, docker://CONTAINER/NAME, kubectl://POD/NAME."
)
ATTACH_ARGUMENTS = (
    argument("service", nargs="?", metavar="NAME|URL|PID", help=ATTACH_HELP),
    argument("--store", default="", metavar="URL", help="Where its workers report, if none is on this machine."),
)


def attached(args: Namespace) -> Service:
    """The service that is named, or the only one that runs.

    Raises:
        UsageError: None is named, and several run; lists them.
        LivecodeError: What `livecode.attach` raises.
    """
    name = args.service and (int(args.service) if args.service.isdigit() else args.service)
    if name is None and not args.store:
        _must_be_one()
    return attach(name, store=args.store)


def _must_be_one() -> None:
    """Attaching without a name needs exactly one service; says which ones run."""
    counts: dict[str, int] = {}
    for worker in running():
        counts[worker.service] = counts.get(worker.service, 0) + 1
    if len(counts) > 1:
        listed = ", ".join(f"{name} ({n} worker{'s' * (n != 1)})" for name, n in sorted(counts.items()))
        raise UsageError(f"{len(counts)} services run: {listed}; name one: %hotattach {min(counts)}")
