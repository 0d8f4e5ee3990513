"""`livecode keygen`: a token for the HTTP endpoint."""

from __future__ import annotations

import json
import os
import secrets
import shlex
from dataclasses import asdict, dataclass

import click

from livecode.errors import UsageError
from livecode.front.commands.options import json_option
from livecode.front.terminal import is_terminal, say
from livecode.http.tokens import ENVIRONMENT, FILE_ENVIRONMENT, Keyring, Role, Token, tokens_in

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Made:
    """A token that was made.

    Attributes:
        name: The author of what is pushed with it.
        role: ``read`` or ``push``.
        secret: What the client sends; empty where it was written to a file.
        entry: What the service is told, ``name:role:secret``; empty where it was written to a file.
        file: Where it was written; empty if it was printed.
    """

    name: str
    role: str
    secret: str
    entry: str
    file: str = ""


@click.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.READ.value,
    show_default=True,
    help="What it is good for: push is all that read is.",
)
@click.option("--file", metavar="F", help="Add it to the tokens in F, which only you can read, and do not print it.")
@json_option
def keygen(name: str, role: str, file: str | None, as_json: bool) -> None:
    """Make a token for the HTTP endpoint of a service, and say where it goes; NAME is whose it is, such as ci.

    In a pipe, only NAME:ROLE:SECRET is printed. It is kept nowhere; with --file F, in F.

    \b
    export LIVECODE_HTTP_TOKENS="$(livecode keygen ci --role push)"
    livecode keygen ci --role push --file /etc/shop/tokens
    """
    token = Token(name, secrets.token_urlsafe(SECRET_BYTES), Role(role))
    entry = f"{name}:{role}:{token.secret}"
    if file is not None:
        add(entry, file)
    made = Made(name, role, *(("", "", file) if file is not None else (token.secret, entry)))
    if as_json:
        click.echo(json.dumps(asdict(made), ensure_ascii=False))
    elif file is not None or is_terminal():
        say(_words(made))
    else:
        click.echo(entry)


def add(entry: str, path: str) -> None:
    """Adds a token to a file, which is made with mode 0600 if it is not there.

    Raises:
        UsageError: Others can read it, it holds something else, or a token of that name; it is as it was.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    with open(descriptor, "r+", encoding="utf-8") as file:
        if (mode := os.fstat(descriptor).st_mode) & 0o077:
            raise UsageError(f"others can read or write {path} (mode {mode & 0o777:o}): chmod 600 {shlex.quote(path)}")
        try:
            file.seek(0)
            before = file.read()
            Keyring((*tokens_in(before), *tokens_in(entry)))
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is no text: give a file that holds tokens, or none yet") from error
        except UsageError as error:
            raise UsageError(f"{path} is as it was: {error}") from error
        file.write(f"{chr(10) if before and not before.endswith(chr(10)) else ''}{entry}\n")


def _words(made: Made) -> str:
    """What is said of it, and what to do with it."""
    may = "may push" if made.role == Role.PUSH else "may read"
    first = f"● TOKEN  {made.name}  {may}"
    if made.file:
        path = shlex.quote(os.path.abspath(made.file))
        return (
            f"{first}  added to {made.file}\n"
            f"  the service:  export {FILE_ENVIRONMENT}={path}\n"
            f"  the client:   Authorization: Bearer $(grep '^{made.name}:' {path} | cut -d: -f3)"
        )
    return (
        f"{first}  shown this once, kept nowhere\n"
        f'  the service:  export {ENVIRONMENT}="{made.entry}"\n'
        f"  the client:   Authorization: Bearer {made.secret}\n"
        "  several tokens are separated by spaces"
    )
