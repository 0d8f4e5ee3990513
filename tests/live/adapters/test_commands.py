"""click and Typer: the commands of a group that exists are those of the source."""

from __future__ import annotations

import pytest

from tests.live.adapters.equal import as_fresh
from tests.live.forker import Forker

CLICK = """import click

@click.group()
def cli():
    pass

@cli.command()
@click.option("--n", default=1)
def hello(n):
    click.echo(f"hello {n}")

@cli.command("bye")
def goodbye():
    click.echo("bye")

@cli.group()
def sub():
    pass

@sub.command()
def inner():
    click.echo("inner")
"""
TYPER = """import typer

app = typer.Typer()
sub = typer.Typer()

@app.command()
def hello(n: int = 1):
    typer.echo(f"hello {n}")

@app.command("bye")
def goodbye():
    typer.echo("bye")

@app.callback()
def main(loud: bool = False):
    pass

@sub.command("inner")
def inner():
    typer.echo("inner")

@sub.command("other")
def other():
    typer.echo("other")

app.add_typer(sub, name="sub")
"""
CALLS = ["hello", "hello --n 5", "hello --m 5", "bye", "adieu", "sub inner", "sub new", "new", "--loud bye"]


@pytest.mark.parametrize(
    "edits",
    [
        [('"--n", default=1', '"--n", default=2'), ("hello {n}", "hi {n}")],
        [('"--n", default=1', '"--m", default=2'), ("def hello(n)", "def hello(m)"), ("{n}", "{m}")],
        [('"bye")\ndef', '"adieu")\ndef'), ('echo("bye")', 'echo("adieu")')],
        [('@cli.command("bye")\ndef goodbye():\n    click.echo("bye")\n', "")],
        [("@sub.command()", '@sub.command("new")'), ('"inner")', '"new")')],
        [("@cli.group()\ndef sub", '@cli.command()\ndef new():\n    click.echo("new")\n\n@cli.group()\ndef sub')],
        [("def goodbye", "def farewell"), ('echo("bye")', 'echo("farewell")')],
    ],
)
def test_click(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """A command is replaced under its name, also in groups of groups; the group keeps its identity."""
    as_fresh(frameworks, "click", CLICK, edits, CALLS)


@pytest.mark.parametrize(
    "edits",
    [
        [("n: int = 1", "n: int = 2"), ("hello {n}", "hi {n}")],
        [("hello(n: int = 1)", "hello(m: int = 1)"), ("{n}", "{m}")],
        [('"bye")\ndef', '"adieu")\ndef'), ('echo("bye")', 'echo("adieu")')],
        [('@app.command("bye")\ndef goodbye():\n    typer.echo("bye")\n', "")],
        [('@sub.command("inner")', '@sub.command("new")'), ('echo("inner")', 'echo("new")')],
        [("loud: bool = False", "loud: bool = False, n: int = 3")],
        [("@app.callback()\ndef main(loud: bool = False):\n    pass\n", "")],
    ],
)
def test_typer(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """Commands and callbacks are replaced in the app, which makes its parser of them at every call."""
    pytest.importorskip("typer")
    as_fresh(frameworks, "typer", TYPER, edits, CALLS)
