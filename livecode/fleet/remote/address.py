"""What a URL of a service elsewhere means. Pure: nothing is looked up, nothing started.

    ssh://[user@]host[:port]/shop        as `ssh host` understands them, with the user's configuration
    docker://[user@]container/shop       as `docker exec` does
    kubectl://[namespace/]pod/shop       as `kubectl exec` does; kubectl://namespace/pod/ for the only service there

    ?python=/srv/venv/bin/python         whose livecode relays
    &dir=/run/shop                       where the service has its doors: its LIVECODE_DIR
    &context=prod  &container=web        of kubectl (context also of docker)

In place of a service's name there may be a process id, or nothing for the only service. What begins with a hyphen or
holds anything that a name does not is refused: a part of a URL never becomes an option or a command.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, unquote

from livecode.errors import UsageError
from livecode.fleet.rundir import check_name


class Way(Enum):
    """The program that starts something there."""

    SSH = "ssh"
    DOCKER = "docker"
    KUBECTL = "kubectl"


EXAMPLES: Mapping[Way, str] = {
    Way.SSH: "ssh://user@host:22/shop",
    Way.DOCKER: "docker://container/shop",
    Way.KUBECTL: "kubectl://pod/shop or kubectl://namespace/pod/shop",
}
OPTIONS: Mapping[Way, tuple[str, ...]] = {
    Way.SSH: ("python", "dir"),
    Way.DOCKER: ("python", "dir", "context"),
    Way.KUBECTL: ("python", "dir", "context", "container"),
}

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?\]")
_USER = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.+@\\-]*[A-Za-z0-9_.+@-])?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_CONTEXT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+=-]*")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\\\"'`<>{}|^#\u2028\u2029]")
"""In a URL as it is typed; what is needed of them is written as %20."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service is, and how to get there.

    Attributes:
        typed: The URL as it was typed, for the commands that are proposed next.
        way: What gets there.
        host: The host, container or pod.
        service: Its name, or a process id in digits; empty for the only one there.
        user: Whom to be there; empty for whom the program chooses.
        port: Of the host; 0 for what the program chooses.
        namespace: Of the pod; empty for the current one.
        container: In the pod; empty for its default one.
        context: Of docker or kubectl; empty for the current one.
        python: The interpreter whose livecode relays; empty for the first that is found.
        directory: Where the service has its doors; empty for the user's usual place.
    """

    typed: str
    way: Way
    host: str
    service: str = ""
    user: str = ""
    port: int = 0
    namespace: str = ""
    container: str = ""
    context: str = ""
    python: str = ""
    directory: str = ""

    @property
    def place(self) -> str:
        """The machine alone, for people: ``ssh://host``, ``kubectl://namespace/pod``."""
        host = f"{self.namespace}/{self.host}" if self.namespace else self.host
        user, port = f"{self.user}@" if self.user else "", f":{self.port}" if self.port else ""
        return f"{self.way.value}://{user}{host}{port}"


def is_address(name: object) -> bool:
    """True if what is to be attached to is a URL, whether a good one or not."""
    return isinstance(name, str) and "://" in name


def parse(url: str) -> Address:
    """The address that a URL names.

    Raises:
        UsageError: It names none; says which part cannot be meant, and what is accepted. A password is not repeated.
    """
    way = _way(url)
    before, _, query = url.partition("://")[2].partition("?")
    place, _, path = before.partition("/")
    if ":" in place.rpartition("@")[0]:
        raise UsageError(
            "a password in a URL stays in histories and process lists, so none is taken: use a key, ssh-agent, or the "
            f"prompt of {way.value}"
        )
    if found := _FORBIDDEN.search(url):
        raise UsageError(f"{url!r} holds {found[0]!r}, which is not part of a URL: write it as {_percent(found[0])}")
    options = _options(way, query, url)
    segments = [_decoded(part, url) for part in path.split("/")]
    match way:
        case Way.SSH:
            return _ssh(url, place, segments, options)
        case Way.DOCKER:
            return _docker(url, place, segments, options)
        case Way.KUBECTL:
            return _kubectl(url, place, segments, options)


def _way(url: str) -> Way:
    scheme = url.partition("://")[0]
    if scheme not in {way.value for way in Way}:
        accepted = ", ".join(EXAMPLES.values())
        raise UsageError(f"{scheme}:// is no way to a service: {accepted}, or a name alone for one on this machine")
    return Way(scheme)


def _ssh(url: str, place: str, segments: list[str], options: Mapping[str, str]) -> Address:
    user, host, port = _split_place(place)
    name, number = _must(_HOST, host, "a host", url, Way.SSH), _port(port, url)
    service = _service(_only(segments, url, Way.SSH), url)
    return replace(Address(url, Way.SSH, name.strip("[]"), service, _user(user, url), number), **_own(options, url))


def _docker(url: str, place: str, segments: list[str], options: Mapping[str, str]) -> Address:
    user, _, host = place.rpartition("@")
    name = _must(_NAME, host, "a container", url, Way.DOCKER)
    service = _service(_only(segments, url, Way.DOCKER), url)
    return replace(Address(url, Way.DOCKER, name, service, _user(user, url)), **_own(options, url))


def _kubectl(url: str, place: str, segments: list[str], options: Mapping[str, str]) -> Address:
    if "@" in place:
        raise UsageError(f"{url!r}: kubectl exec has no user; the relay runs as the container's own")
    if len(segments) > 2:
        raise UsageError(f"{url!r} has {len(segments) + 1} parts: {EXAMPLES[Way.KUBECTL]}")
    first = _must(_NAME, place, "a pod", url, Way.KUBECTL)
    if len(segments) == 1:
        return replace(Address(url, Way.KUBECTL, first, _service(segments[0], url)), **_own(options, url))
    pod = _must(_NAME, segments[0], "a pod", url, Way.KUBECTL)
    return replace(Address(url, Way.KUBECTL, pod, _service(segments[1], url), namespace=first), **_own(options, url))


def _split_place(place: str) -> tuple[str, str, str]:
    """User, host and port of ``user@host:port``, where the host may be ``[::1]``."""
    user, _, host = place.rpartition("@")
    if host.startswith("["):
        address, bracket, port = host.partition("]")
        return user, address + bracket, port
    name, colon, port = host.partition(":")
    return user, name, colon + port


def _port(text: str, url: str) -> int:
    if not text:
        return 0
    digits = text.removeprefix(":")
    if not (text.startswith(":") and digits.isascii() and digits.isdigit() and 0 < int(digits) < 65536):
        raise UsageError(f"{url!r}: {text!r} is no port; after the host there may be one such as :22")
    return int(digits)


def _only(segments: list[str], url: str, way: Way) -> str:
    if len(segments) > 1:
        raise UsageError(f"{url!r} has a slash too many: {EXAMPLES[way]}")
    return segments[0]


def _service(name: str, url: str) -> str:
    if not name or (name.isascii() and name.isdigit()):
        return name
    try:
        return check_name(name)
    except UsageError as error:
        raise UsageError(f"{url!r}: {error}") from error


def _user(text: str, url: str) -> str:
    name = _decoded(text, url)
    if name and not _USER.fullmatch(name):
        raise UsageError(f"{url!r}: {name!r} cannot be the name of a user")
    return name


def _must(pattern: re.Pattern[str], text: str, what: str, url: str, way: Way) -> str:
    if not pattern.fullmatch(text):
        missing = f"names no {what.split()[-1]}" if not text else f"{text!r} cannot be the name of {what}"
        raise UsageError(f"{url!r}: {missing}; {EXAMPLES[way]}")
    return text


def _options(way: Way, query: str, url: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in OPTIONS[way]:
            raise UsageError(f"{way.value}:// has no option {key!r}; it has: {', '.join(OPTIONS[way])}")
        if key in found or not value:
            raise UsageError(f"{url!r}: {key}= must be given once, and must say something")
        found[key] = value
    return found


def _own(options: Mapping[str, str], url: str) -> dict[str, Any]:
    """The fields of an address that options are; each is checked for what could be mistaken for something else."""
    fields = {"directory" if key == "dir" else key: value for key, value in options.items()}
    for key in ("python", "directory"):
        value = fields.get(key, "")
        if value.startswith("-") or not value.isprintable():
            raise UsageError(f"{url!r}: {value!r} is no path")
    if (folder := fields.get("directory")) and not folder.startswith("/"):
        raise UsageError(f"{url!r}: dir= is an absolute path there, such as /run/shop")
    for key, pattern in (("context", _CONTEXT), ("container", _NAME)):
        if key in fields and not pattern.fullmatch(fields[key]):
            raise UsageError(f"{url!r}: {fields[key]!r} cannot be the name of a {key}")
    return fields


def _decoded(part: str, url: str) -> str:
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError as error:
        raise UsageError(f"{url!r}: {part!r} is not UTF-8 when decoded") from error


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())
