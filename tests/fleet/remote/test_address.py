"""What URLs mean, and what is refused of them before anything is started."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecode.errors import UsageError
from livecode.fleet.remote.address import Address, Way, is_address, parse
from livecode.fleet.remote.programs import Prompts, starts


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ssh://host/shop", {"way": Way.SSH, "host": "host", "service": "shop"}),
        ("ssh://ann@host:2222/shop", {"way": Way.SSH, "host": "host", "service": "shop", "user": "ann", "port": 2222}),
        ("ssh://host", {"way": Way.SSH, "host": "host"}),
        ("ssh://host/", {"way": Way.SSH, "host": "host"}),
        ("ssh://host/4711", {"way": Way.SSH, "host": "host", "service": "4711"}),
        ("ssh://[::1]:22/shop", {"way": Way.SSH, "host": "::1", "service": "shop", "port": 22}),
        ("ssh://Work_1.lan/a.b-c", {"way": Way.SSH, "host": "Work_1.lan", "service": "a.b-c"}),
        ("ssh://CORP%5Cann@host/shop", {"way": Way.SSH, "host": "host", "service": "shop", "user": "CORP\\ann"}),
        ("ssh://h/s?python=/v%20e/python", {"way": Way.SSH, "host": "h", "service": "s", "python": "/v e/python"}),
        ("ssh://h/s?dir=/run/shop", {"way": Way.SSH, "host": "h", "service": "s", "directory": "/run/shop"}),
        ("docker://Box_1/shop", {"way": Way.DOCKER, "host": "Box_1", "service": "shop"}),
        (
            "docker://app@box/s?context=c",
            {"way": Way.DOCKER, "host": "box", "service": "s", "user": "app", "context": "c"},
        ),
        ("kubectl://pod-1/shop", {"way": Way.KUBECTL, "host": "pod-1", "service": "shop"}),
        ("kubectl://prod/pod-1/shop", {"way": Way.KUBECTL, "host": "pod-1", "service": "shop", "namespace": "prod"}),
        ("kubectl://prod/pod-1/", {"way": Way.KUBECTL, "host": "pod-1", "namespace": "prod"}),
        (
            "kubectl://pod/shop?container=web&context=a:b/c@d",
            {"way": Way.KUBECTL, "host": "pod", "service": "shop", "container": "web", "context": "a:b/c@d"},
        ),
    ],
)
def test_what_a_url_means(url: str, expected: dict[str, object]) -> None:
    """Each part goes where its program expects it; what was typed is kept for the commands that are proposed next."""
    assert parse(url) == Address(**{"typed": url, **expected})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://host/shop", "ftp:// is no way to a service"),
        ("ssh:///shop", "names no host"),
        ("ssh://-oProxyCommand=touch%20x/shop", "cannot be the name of a host"),
        ("ssh://-oProxyCommand=touch/shop", "cannot be the name of a host"),
        ("ssh://host;reboot/shop", "cannot be the name of a host"),
        ("ssh://$(reboot)/shop", "cannot be the name of a host"),
        ("ssh://host`reboot`/shop", "write it as %60"),
        ("ssh://ho st/shop", "write it as %20"),
        ("ssh://host\n/shop", "write it as %0A"),
        ("ssh://ho%20st/shop", "cannot be the name of a host"),
        ("ssh://-l@host/shop", "cannot be the name of a user"),
        ("ssh://a%3Breboot@host/shop", "cannot be the name of a user"),
        ("ssh://host:99999/shop", "is no port"),
        ("ssh://host:-1/shop", "is no port"),
        ("ssh://host:22x/shop", "is no port"),
        ("ssh://host/sh op", "write it as %20"),
        ("ssh://host/sh%20op", "cannot be the name of a service"),
        ("ssh://host/$(reboot)", "cannot be the name of a service"),
        ("ssh://host/a/b", "a slash too many"),
        ("ssh://[/shop", "cannot be the name of a host"),
        ("ssh://host/%FF", "is not UTF-8"),
        ("ssh://host/shop#x", "write it as %23"),
        ("ssh://host/shop?pyton=x", "has no option 'pyton'; it has: python, dir"),
        ("ssh://host/shop?container=x", "has no option 'container'"),
        ("ssh://host/shop?python=", "must say something"),
        ("ssh://host/shop?python=a&python=b", "must be given once"),
        ("ssh://host/shop?python=-c", "is no path"),
        ("ssh://host/shop?python=a%0Ab", "is no path"),
        ("ssh://host/shop?dir=shop", "an absolute path"),
        ("docker://-v/shop", "cannot be the name of a container"),
        ("docker://box:1/shop", "cannot be the name of a container"),
        ("docker://box/shop?context=-x", "cannot be the name of a context"),
        ("kubectl://user@pod/shop", "kubectl exec has no user"),
        ("kubectl://a/b/c/d", "has 4 parts"),
        ("kubectl://-pod/shop", "cannot be the name of a pod"),
        ("kubectl://pod/shop?container=-c", "cannot be the name of a container"),
    ],
)
def test_what_is_refused(url: str, why: str) -> None:
    """Misuse is said before anything is started, with the part that cannot be meant and what is accepted."""
    assert is_address(url)
    with pytest.raises(UsageError) as error:
        parse(url)
    assert why in str(error.value)


def test_a_password_is_not_taken_and_not_repeated() -> None:
    """It would stay in the history of the shell, and an error in its log."""
    for way in Way:
        with pytest.raises(UsageError) as error:
            parse(f"{way.value}://ann:secret@host/shop")
        assert "secret" not in str(error.value)
        assert "password" in str(error.value)


@given(st.sampled_from(["ssh", "docker", "kubectl"]), st.text(), st.text(), st.text())
def test_no_part_of_a_url_becomes_an_option(scheme: str, host: str, service: str, python: str) -> None:
    """Whatever is typed is refused, or ends as an argument without a hyphen in front or a control character."""
    try:
        address = parse(f"{scheme}://{host}/{service}?python={python}")
    except UsageError:
        return
    for prompts in Prompts:
        for start in starts(address, prompts):
            given_by_user = {address.host, address.user, address.namespace, address.python} - {""}
            assert not any(word.startswith("-") or not word.isprintable() for word in given_by_user)
            assert address.host in start.command
