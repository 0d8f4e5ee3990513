"""`livecode run`: the process becomes a new Python, which runs the program as if it had been started alone.

Running the program in this process would show: our frames in what it prints of its stack, another `__main__`, another
exit. So Python is executed anew (same process id, same flags, same standard streams), with one folder more at the
start of ``PYTHONPATH``, where it finds a `sitecustomize`. That puts the environment back to what it was, opens the
door, and is gone before Python looks at the program. Everything after that is Python's own: `sys.argv`, `__main__`,
errors for a program that is not there, exit code, signals.

What is said in between is one environment variable, `RUN`. This module is imported before click is, and stays small.
"""

from __future__ import annotations

import os
import sys
from collections import namedtuple

from livecode.errors import UsageError
from livecode.fleet.rundir import check_name
from livecode.program.name import name_of_file, name_of_folder, name_of_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

RUN = "LIVECODE_RUN"
"""What `site/sitecustomize.py` is told, in fields between `BETWEEN`: whether there was a PYTHONPATH; where children by
subprocess listen, too, the process id of the program and which Python it is; the name; the module or the folder of the
script; and what is to be watched."""
BETWEEN = "\x1f"
SITE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "site")
CHILDREN = "--children"
SWITCH = "LIVECODE"
PATH = "PYTHONPATH"
MISUSE = 2
WITH_VALUE = "WX"
"""Flags of Python whose value may be the next word."""
PROGRAM = "cm"
"""Flags of Python that begin the program; what follows is the program's."""
LONG_WITH_VALUE = ("--check-hash-based-pycs",)
FIRST_BYTES = 512


class Wish(namedtuple("Wish", ("program", "name", "watched", "children"), defaults=(False,))):
    """What `livecode run` is asked for.

    Attributes:
        program: What follows ``python`` on a command line.
        name: Of the service; empty for one that is made of the program's.
        watched: Folders whose sources go live when they are saved.
        children: True if Python programs that it starts by subprocess listen, too.
    """

    __slots__ = ()
    program: tuple[str, ...]
    name: str
    watched: tuple[str, ...]
    children: bool


def read(words: Sequence[str]) -> Wish | None:
    """What the words after ``livecode run`` ask for; None if that is help, or an error to be explained."""
    given: dict[str, list[str]] = {"--name": [], "--watch": []}
    rest = list(words)
    children = False
    while rest and rest[0].startswith("--") and rest[0] != "--":
        option, equals, value = rest.pop(0).partition("=")
        if option == CHILDREN and not equals:
            children = True
            continue
        if option not in given or not (equals or rest):
            return None
        given[option].append(value if equals else rest.pop(0))
    if rest[:1] == ["--"]:
        del rest[0]
    if not rest or not _is_program(rest):
        return None
    return Wish(tuple(rest), given["--name"][-1] if given["--name"] else "", tuple(given["--watch"]), children)


def _is_program(words: Sequence[str]) -> bool:
    """True for words that begin as Python's own do: -m MODULE, -c CODE, - or a file."""
    first = words[0]
    if first[:2] in ("-m", "-c"):
        return len(first) > 2 or len(words) > 1
    return first == "-" or not first.startswith("-")


def run(words: Sequence[str]) -> None:
    """Becomes the program that the words after ``livecode run`` name; comes back only where they need explaining."""
    wish = read(words)
    if wish is None:
        return
    try:
        start(wish)
    except UsageError as error:
        print(f"livecode: {error}", file=sys.stderr)
        sys.exit(MISUSE)


def start(wish: Wish) -> NoReturn:
    """Becomes the program.

    Raises:
        UsageError: The name cannot be one, a folder to watch is none, the command is no Python script, or Python was
            told to ignore its environment.
    """
    flags, first = python_flags(sys.orig_argv, len(sys.argv) - 1), _script(wish.program[0])
    program, environment = (first, *wish.program[1:]), dict(os.environ)
    if environment.get(SWITCH) != "0":
        _check(wish, flags)
        environment[RUN] = _told(wish, environment.get(PATH))
        known = environment.get(PATH)
        environment[PATH] = f"{SITE}{os.pathsep}{known}" if known else SITE
    os.execve(sys.executable, [sys.executable, *flags, *program], environment)


def python_flags(original: Sequence[str], arguments: int) -> list[str]:
    """The flags that Python itself was given.

    Args:
        original: As in `sys.orig_argv`.
        arguments: How many words at its end are the program's.
    """
    flags: list[str] = []
    words = iter(original[1 : len(original) - arguments])
    for word in words:
        if word in LONG_WITH_VALUE:
            flags += [word, next(words, "")]
            continue
        if not word.startswith("-") or word in ("-", "--"):
            break
        for place, letter in enumerate(word[1:] if word[1] != "-" else "", 1):
            if letter in PROGRAM:
                return [*flags, word[:place]] if place > 1 else flags
            if letter in WITH_VALUE:
                flags += [word] if word[place + 1 :] else [word, next(words, "")]
                break
        else:
            flags.append(word)
    return flags


def program_of(original: Sequence[str]) -> tuple[str, str]:
    """The module that a Python runs, or else the folder of its script; empty where it has none.

    Args:
        original: As in `sys.orig_argv`.
    """
    first, *more = [*original[1 + len(python_flags(original, 0)) :], ""]
    if first.startswith("-m"):
        return first[2:] or more[0], ""
    if not first or first.startswith("-"):
        return "", ""
    return "", os.path.abspath(first if os.path.isdir(first) else os.path.dirname(first) or ".")


def _check(wish: Wish, flags: Sequence[str]) -> None:
    if wish.name:
        check_name(wish.name)
    if sys.flags.ignore_environment or sys.flags.no_site:
        raise UsageError(
            f"Python was started with {' '.join(flags)}, and then it takes no notice of its environment, through which "
            "livecode gets into the program: leave out -I, -E and -S"
        )
    if os.pathsep in SITE:
        raise UsageError(f"livecode is installed in {SITE}, and PYTHONPATH cannot name a folder with {os.pathsep!r}")
    for folder in wish.watched:
        if not os.path.isdir(folder):
            what = "is a file" if os.path.exists(folder) else "does not exist"
            raise UsageError(f"cannot watch {folder!r}: it {what}; give a folder of Python source")


def _told(wish: Wish, python_path: str | None) -> str:
    """What the program's Python is told: see `RUN`."""
    first = wish.program[0]
    module = (first[2:] or wish.program[1]) if first.startswith("-m") else ""
    folder = "" if first.startswith("-") else first if os.path.isdir(first) else os.path.dirname(first) or "."
    had = "0" if python_path is None else "1"
    heir = f"{os.getpid()} {sys.hexversion} {sys.prefix}" if wish.children else ""
    watched = (os.path.abspath(each) for each in wish.watched)
    name = wish.name or _name(wish.program)
    return BETWEEN.join((had, heir, name, module, folder and os.path.abspath(folder), *watched))


def _name(program: Sequence[str]) -> str:
    """The name of a service that is this program."""
    first = program[0]
    if first.startswith("-m"):
        return name_of_module(first[2:] or program[1], os.getcwd())
    if first.startswith("-") or _is_command(first):
        return name_of_folder(os.getcwd())
    return name_of_file(first)


def _is_command(word: str) -> bool:
    """True for what stands for a script elsewhere, as in a shell."""
    is_file = os.path.exists(word) or os.sep in word or word.endswith((".py", ".pyw", ".pyz"))
    return not is_file and not word.startswith("-")


def _script(word: str) -> str:
    """What Python is given for the first word of a program.

    A command such as ``gunicorn`` is the script of that name beside this Python, or on the PATH.

    Raises:
        UsageError: It is a command, and none of this Python's.
    """
    if not _is_command(word):
        return word
    beside = os.path.join(os.path.dirname(sys.executable), word)
    if os.path.isfile(beside):
        found: str | None = beside
    else:
        from shutil import which

        found = which(word)
    if found is None:
        return word  # Python says best what is wrong
    python = shebang(found)
    if not python:
        raise UsageError(f"{word} is no Python script ({found}): give a script, or -m and a module")
    if not _is_this_python(python):
        raise UsageError(
            f"{word} ({found}) runs with another Python, {python}, and this one is {sys.executable}: install livecode "
            f"there, or try livecode run -m {word}"
        )
    return found


def shebang(path: str) -> str:
    """The Python that a script names in its first lines; empty if it names none."""
    try:
        with open(path, "rb") as file:
            start = file.read(FIRST_BYTES)
    except OSError:
        return ""
    first, _, rest = start.partition(b"\n")
    words = os.fsdecode(first.removeprefix(b"#!")).split() if first.startswith(b"#!") else []
    if not words:
        return ""
    if os.path.basename(words[0]) == "env":
        return next((word for word in words[1:] if "python" in word), "")
    if words[0] == "/bin/sh" and b"'''exec'" in rest:  # pip and uv write this where the path is too long for a shebang
        return os.fsdecode(rest.partition(b"'''exec'")[2].split()[0].strip(b"\"'"))
    return words[0] if "python" in os.path.basename(words[0]) else ""


def _is_this_python(python: str) -> bool:
    """True for this very interpreter: in a virtual environment the folder tells, as the file is a link."""
    if os.sep not in python:
        from shutil import which

        python = which(python) or python
    same_folder = os.path.realpath(os.path.dirname(python)) == os.path.realpath(os.path.dirname(sys.executable))
    return same_folder and os.path.realpath(python) == os.path.realpath(sys.executable)
