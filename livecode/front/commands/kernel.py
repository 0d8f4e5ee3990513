"""`livecode kernel`: notebooks inside a running service."""

from __future__ import annotations

import json
import sys

import click

from livecode.front.commands.common import json_option
from livecode.kernel import places
from livecode.kernel.reach import kernels_here, pid_of, worker_for
from livecode.kernel.specs import install as install_spec
from livecode.kernel.specs import installed
from livecode.kernel.specs import remove as remove_spec

CONSOLE = "console"
"""The session of who attaches by a connection file; --new makes another."""

worker_option = click.option("--worker", default="", metavar="W", help="w2, a pid or host:pid, instead of the first.")


@click.group()
def kernel() -> None:
    """Notebooks inside a running service: a kernel in its process, with names of its own."""


@kernel.command(short_help='Put "NAME (live)" into the launcher of JupyterLab.')
@click.argument("name")
@worker_option
@click.option("--user", "where", flag_value="user", default=True, help="For this user (the default).")
@click.option("--sys-prefix", "where", flag_value="sys-prefix", help="For the environment of this Python.")
@click.option("--prefix", metavar="DIR", help="For the environment there.")
def install(name: str, worker: str, where: str, prefix: str | None) -> None:
    """Put "NAME (live)" into the launcher of JupyterLab and of other front ends."""
    chosen = prefix or (sys.prefix if where == "sys-prefix" else None)
    folder = install_spec(name, worker, user=chosen is None, prefix=chosen)
    click.echo(f'"{name} (live)" is in the launcher now: {folder}\ntake it out: livecode kernel remove {name}')


@kernel.command()
@click.argument("name")
def remove(name: str) -> None:
    """Take "NAME (live)" out of the launchers."""
    click.echo(f"removed {remove_spec(name)}")


@kernel.command(name="list", short_help="Show the cards in launchers, and the kernels inside now.")
@json_option
def list_kernels(as_json: bool) -> None:
    """Show what is in the launchers, and the kernels that are inside services now."""
    specs, running = installed(), kernels_here()
    if as_json:
        told = [{"service": spec.service, "worker": spec.worker, "folder": spec.folder} for spec in specs]
        inside = [{**card["livecode"], "file": card["path"]} for card in running]
        click.echo(json.dumps({"installed": told, "running": inside}, ensure_ascii=False))
        return
    for spec in specs:
        click.echo(f"in the launcher   {spec.service}{' ' + spec.worker if spec.worker else ''} (live)   {spec.folder}")
    for card in running:
        click.echo(f"inside now   {card['livecode']['service']} (pid {pid_of(card)})   {card['path']}")
    if not specs and not running:
        click.echo("none: livecode kernel install NAME puts a service into the launcher of JupyterLab")


@kernel.command(short_help="Start a kernel inside NAME for jupyter console --existing.")
@click.argument("name")
@worker_option
@click.option("--new", is_flag=True, help="A kernel of its own, instead of the one that this command found before.")
@json_option
def connect(name: str, worker: str, new: bool, as_json: bool) -> None:
    """Start a kernel inside the service NAME, and print its connection file, for jupyter console --existing."""
    door = worker_for(name, worker)
    session = f"{CONSOLE}-{name}" if not new else f"{CONSOLE}-{name}-{places.new_session()}"
    information = door.open_kernel(session)
    path = f"{information['ip']}.json"
    if as_json:
        click.echo(json.dumps({"service": name, "pid": pid_of(information), "file": path}, ensure_ascii=False))
    elif sys.stdout.isatty():
        click.echo(f"a kernel inside {name}, pid {pid_of(information)}\n  jupyter console --existing {path}")
    else:
        click.echo(path)
