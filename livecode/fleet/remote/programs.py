"""What is started to get to a relay, and what it means where that fails. Pure.

    ssh       one call: sh there looks for a livecode, so that nobody types a password twice
    docker    a call a candidate, as an image may have no sh: the next one where a command is not there
    kubectl   the same

Only what `livecode.fleet.remote.address` has checked gets into a command line, each part as an argument of its own.
Nothing that is asked of a service is part of one.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from livecode import __version__
from livecode.fleet.remote.address import Address, Way


class Prompts(Enum):
    """Who could answer if a program asks for a password."""

    TERMINAL = "terminal"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Start:
    """One way to start a relay.

    Attributes:
        command: What is run here.
        relay: What it runs there, for people.
    """

    command: tuple[str, ...]
    relay: str


CANDIDATES = (("livecode", "relay"), ("python", "-m", "livecode", "relay"), ("python3", "-m", "livecode", "relay"))

SEARCH = (
    "command -v livecode >/dev/null 2>&1 && exec livecode relay; "
    '[ -x "$HOME/.local/bin/livecode" ] && exec "$HOME/.local/bin/livecode" relay; '
    "for each in python3 python; do "
    '"$each" -c "import livecode" </dev/null >/dev/null 2>&1 && exec "$each" -m livecode relay; done; '
    "exit 127"
)
"""For sh, on one line, without what csh and fish understand in another way inside of single quotes. ssh runs commands
with a short PATH, which lacks what pip installs for a user."""

SEARCHED = "livecode (on the PATH that ssh gives), ~/.local/bin/livecode, python3 -m livecode, python -m livecode"

SSH = ("ssh", "-T", "-x", "-oClearAllForwardings=yes", "-oPermitLocalCommand=no", "-oRemoteCommand=none")
"""No terminal, and none of the forwardings that the configuration may have for this host: no port is opened.
Source: what scp(1) and sftp(1) add to the user's configuration (scp.c, main)."""


def starts(address: Address, prompts: Prompts) -> tuple[Start, ...]:
    """The ways to start a relay there, in the order in which they are tried."""
    match address.way:
        case Way.SSH:
            return (_ssh(address, prompts),)
        case Way.DOCKER:
            begin = ("docker", *_option("--context", address.context), "exec", "-i", *_option("--user", address.user))
            there = (*begin, address.host)
        case Way.KUBECTL:
            more = (*_option("--context", address.context), *_option("--namespace", address.namespace))
            begin = ("kubectl", *more, "exec", "-i", address.host)
            there = (*begin, *_option("--container", address.container), "--")
    if address.python:
        relay = (address.python, "-m", "livecode", "relay")
        return (Start((*there, *relay), shlex.join(relay)),)
    return tuple(Start((*there, *relay), shlex.join(relay)) for relay in CANDIDATES)


def _option(name: str, value: str) -> tuple[str, ...]:
    return (name, value) if value else ()


def _ssh(address: Address, prompts: Prompts) -> Start:
    command = SSH if prompts is Prompts.TERMINAL else (*SSH, "-oBatchMode=yes")
    port = ("-p", str(address.port)) if address.port else ()
    to = (*command, *port, *_option("-l", address.user), "--", address.host)
    if address.python:
        run = f"{_quoted(address.python)} -m livecode relay"
        return Start((*to, f"exec {run}"), run)
    return Start((*to, f"exec sh -c {shlex.quote(SEARCH)}"), SEARCHED)


def _quoted(path: str) -> str:
    """A path for the shell of the other side; ``~/`` is the home there."""
    return f"~/{shlex.quote(path[2:])}" if path.startswith("~/") else shlex.quote(path)


def is_absent(address: Address, status: int, said: str) -> bool:
    """True if a start failed because what it runs is not there, so that another one may do.

    Args:
        address: Where it was to be.
        status: The exit status of the program.
        said: What it printed on standard error.
    """
    if _ABSENT.search(said):
        return True
    return status in (126, 127) and not any(re.search(pattern, said) for pattern, _ in WHY[address.way])


_ABSENT = re.compile(
    r"executable file not found|No module named '?livecode'?\b|exec: \"[^\"]*\": (?:stat .*: )?no such file"
    r"|command terminated with exit code 12[67]"
)

_Known = Sequence[tuple[str, str]]

WHY: Mapping[Way, _Known] = {
    Way.SSH: (
        (r"REMOTE HOST IDENTIFICATION HAS CHANGED", "find out why its key is another one before you do anything else"),
        (r"Host key verification failed|No .* host key is known", "its key is not known here: {by_hand} shows it"),
        (r"Could not resolve hostname", "is that its name, or one of ~/.ssh/config?"),
        (r"Permission denied|Too many authentication failures", "{login}"),
        (r"Connection refused|timed out|No route to host|unreachable", "is it up, and is that the port of its sshd?"),
        (r"remote port forwarding failed|administratively prohibited", "{by_hand} says more"),
    ),
    Way.DOCKER: (
        (r"context .*not found|unable to resolve docker endpoint", "docker context ls lists those that there are"),
        (r"[Nn]o such container", "docker ps lists those that run"),
        (r"is not running|is paused|is restarting", "docker start {host}, or look at docker ps --all"),
        (r"permission denied", "may you use docker here? docker ps says it"),
        (r"Cannot connect to the Docker daemon|failed to connect to the docker API|error during connect", "{daemon}"),
        (r"unable to find user|no matching entries in passwd", "the container has no user {user!r}"),
    ),
    Way.KUBECTL: (
        (r"pods? \"[^\"]*\" not found|\(NotFound\).*pods", "kubectl get pods{namespace} lists those that there are"),
        (r"namespaces? \"[^\"]*\" not found", "kubectl get namespaces lists those that there are"),
        (
            r"container .*(?:not found|not valid)|invalid container",
            "kubectl describe pod {host}{namespace} names them",
        ),
        (r"[Ff]orbidden|cannot create resource", "whoever you are there needs the verb create on pods/exec"),
        (r"Unauthorized|must be logged in|getting credentials", "log in to the cluster again"),
        (
            r"context was not found|context .* does not exist|no context exists",
            "kubectl config get-contexts lists those that there are",
        ),
        (r"refused|Unable to connect|no such host|i/o timeout", "does kubectl get pods work here?"),
        (r"completed pod|not running|unable to upgrade connection", "kubectl get pods{namespace} says how it is"),
    ),
}
"""Way → (what is said on standard error, what to do)."""

LOGINS: Mapping[Prompts, str] = {
    Prompts.TERMINAL: "it knows neither a key of yours nor the password",
    Prompts.NOBODY: (
        "nobody can type a password here, and it knows no key of yours: load one with ssh-add, or use a terminal"
    ),
}


def advice(address: Address, prompts: Prompts, said: str) -> str:
    """What to do about what a program said; empty where it says nothing that is known."""
    found = next((then for pattern, then in WHY[address.way] if re.search(pattern, said)), "")
    if "ModuleNotFoundError" in said:
        return install(address)
    if "No such command 'relay'" in said:
        return f"the livecode there is older: {install(address)}"
    return found.format(
        host=address.host,
        user=address.user,
        by_hand=by_hand(address),
        login=LOGINS[prompts],
        daemon="docker context show says which daemon is asked",
        namespace=f" --namespace {address.namespace}" if address.namespace else "",
    )


def by_hand(address: Address) -> str:
    """A command that gets to the same place, without livecode."""
    if address.way is Way.SSH:
        port = ["-p", str(address.port)] if address.port else []
        return shlex.join(["ssh", *port, *_option("-l", address.user), address.host])
    command = starts(address, Prompts.NOBODY)[0].command
    return shlex.join([*command[: -len(CANDIDATES[0])], "true"]) if not address.python else shlex.join(command)


def install(address: Address) -> str:
    """What to install there."""
    python = address.python or "python3"
    hint = "" if address.python else ", or name its interpreter: ?python=/path/to/python"
    return f"{python} -m pip install 'livecode=={__version__}' there{hint}"
