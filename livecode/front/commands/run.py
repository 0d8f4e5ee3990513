"""`livecode run`: a program, unchanged, with a door from its first import on.

Here it is explained; what is understood is done before click is imported (`livecode.program.start`).
"""

from __future__ import annotations

import click

from livecode.program import start


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--name", metavar="NAME", help="Of the service; by default, what the script, module or folder is called.")
@click.option("--watch", metavar="FOLDER", multiple=True, help="Push what is saved below it; may be given again.")
@click.option(
    "--children",
    is_flag=True,
    help="What it starts by subprocess in this Python listens, too.",
)
@click.argument("program", nargs=-1, type=click.UNPROCESSED, metavar="PROGRAM [ARGS]...")
def run(name: str | None, watch: tuple[str, ...], children: bool, program: tuple[str, ...]) -> None:
    """Run a Python program, unchanged, as a service that takes pushes.

    The program is what would follow `python`, or a command that is a Python script:

    \b
        livecode run -m uvicorn app:app --workers 4
        livecode run --name shop --watch src gunicorn app:app
        livecode run jobs/nightly.py --all
        livecode run --children manage.py runserver
        python -O -m livecode run jobs/nightly.py

    It runs as without livecode: arguments, __main__, exit code, signals, tracebacks. Its own forks, and children of
    multiprocessing, listen too: the workers of uvicorn (--workers, --reload), gunicorn, granian, Celery.

    What it starts by subprocess, or becomes by os.exec, does not listen: the reloaders of Django's runserver, Flask and
    Tornado. With --children it does, if it is the same Python and inherits the environment; LIVECODE_RUN and a longer
    PYTHONPATH stay in that then. With LIVECODE=0 in the environment, nothing is opened.
    """
    words = [*(["--children"] * children), *([f"--name={name}"] if name is not None else [])]
    wish = start.read([*words, *(f"--watch={each}" for each in watch), *program])
    if wish is None:
        raise click.UsageError(_explained(program))
    start.start(wish)


def _explained(program: tuple[str, ...]) -> str:
    """What is wrong with the words that were given for a program."""
    if not program:
        return "no program is given: for example, livecode run -m uvicorn app:app"
    first = program[0]
    if first in ("-m", "-c"):
        return f"{first} needs {'a module' if first == '-m' else 'code'} after it, as for python"
    return (
        f"a program begins with a file, a command, -m, -c or -, and not with {first}; flags of Python come before: "
        f"python {first} -m livecode run ..."
    )
