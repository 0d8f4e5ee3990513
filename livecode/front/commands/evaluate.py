"""`livecode eval`: what an expression is in a service."""

from __future__ import annotations

import sys

import click

from livecode.errors import UsageError
from livecode.fleet.chosen import EVALUATION_S
from livecode.front.commands.common import json_option, name_argument, print_json, service_named, store_option
from livecode.front.commands.completing import module_names, worker_names
from livecode.front.commands.reading import standard_input
from livecode.front.ending import REFUSED_OR_FAILED, UNKNOWN, reader_may_leave
from livecode.front.evaluate import RICH_BYTES, EvalRequest, evaluate
from livecode.front.terminal import show
from livecode.model.evaluated import evaluated_sheet


@click.command("eval")
@name_argument
@click.argument("expression")
@click.option(
    "--worker", "workers", multiple=True, metavar="W", shell_complete=worker_names, help="Ask w3; repeatable."
)
@click.option("--all", "everywhere", is_flag=True, help="Ask every worker.")
@click.option(
    "-m", "--module", default="", metavar="MODULE", shell_complete=module_names, help="Use its own names, too."
)
@click.option("--timeout", type=float, default=EVALUATION_S, show_default=True, metavar="SECONDS", help="Give up then.")
@click.option("--rich", is_flag=True, help="With --json: its HTML, pictures, …, too; up to 8 MB.")
@store_option
@json_option
def eval_command(
    name: str,
    expression: str,
    workers: tuple[str, ...],
    everywhere: bool,
    module: str,
    timeout: float,
    rich: bool,
    store: str,
    as_json: bool,
) -> None:
    """Print what EXPRESSION is in the first worker of the service NAME (or pid); - reads it from standard input.

    Its names are loaded modules: livecode eval shop 'len(shop.pricing.CACHE)'. It is evaluated in a thread of its own,
    and stopped when its time is up; what it awaits runs on the event loop. What it prints comes on standard error. It
    may begin with statements that bind names of its own. What it calls, it calls: there is no sandbox.
    """
    if rich and not as_json:
        raise UsageError("--rich is what --json prints, too: a terminal shows text")
    text = standard_input("the expression") if expression == "-" else expression
    request = EvalRequest(text, workers, everywhere, module, timeout, RICH_BYTES if rich and as_json else 0)
    found = evaluate(request, service_named(name, store))
    with reader_may_leave():
        if as_json:
            print_json(found)
        else:
            for each in found:
                click.echo(each.printed, err=True, nl=False)
            show(evaluated_sheet(found, text.strip()))
    lost = any(each.lost for each in found)
    sys.exit(UNKNOWN if lost else 0 if all(each.ok for each in found) else REFUSED_OR_FAILED)
