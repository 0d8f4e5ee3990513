"""What is in the way of a relay is said: what was tried, what the program said, and what to do next."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from livecode.errors import LivecodeError, ProtocolError, RelayError, ServiceNotFoundError
from livecode.fleet.remote import dial as dialling
from livecode.fleet.remote.programs import Prompts
from livecode.fleet.service import attach
from tests.fleet.remote.far import WORKERS, Far
from tests.services import free_port


def said(url: str, kind: type[LivecodeError] = RelayError) -> str:
    """What is said where an attach fails."""
    with pytest.raises(kind) as error:
        attach(url)
    assert type(error.value) is kind
    return str(error.value)


def python(machine: Far, name: str, code: str) -> str:
    """The query of a URL whose interpreter runs that code, whatever it is given."""
    return "?python=" + machine.script(name, f"exec {shlex.quote(sys.executable)} -c {shlex.quote(code)}")


@pytest.mark.parametrize(
    ("url", "what", "then"),
    [
        ("docker://nobody/shop", "No such container: nobody", "docker ps lists those that run"),
        ("docker://stopped/shop", "is not running", "docker start stopped"),
        ("docker://ann@box/shop", "unable to find user ann", "the container has no user 'ann'"),
        ("docker://box/shop?context=far", "not found", "docker context ls"),
        ("kubectl://nobody/shop", 'pods "nobody" not found', "kubectl get pods lists"),
        ("kubectl://test/pod/shop", 'namespaces "test" not found', "kubectl get namespaces"),
        ("kubectl://pod/shop?container=db", "container db is not valid", "kubectl describe pod pod names them"),
        (
            "kubectl://pod/shop?context=far",
            "context was not found for specified context: far",
            "kubectl config get-contexts",
        ),
    ],
)
def test_containers_and_pods(machine: Far, url: str, what: str, then: str) -> None:
    """What docker and kubectl say is quoted, without the lines of their logs."""
    machine.container("stopped", state="not running")
    error = said(url)
    assert what in error
    assert then in error
    assert "a line of its log" not in error
    assert error.startswith(url.rpartition("/shop")[0])


def test_ssh(machine: Far) -> None:
    """Each failure of ssh has another way out; none waits for a password that nobody can type."""
    machine.host("no-key", machine.port, IdentityFile="/nonexistent", HostKeyAlias=f"[127.0.0.1]:{machine.port}")
    machine.host("stranger", machine.port, UserKnownHostsFile="/dev/null")
    machine.host("down", free_port())
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(machine.folder / "other_key")], check=True)
    kind, key = (machine.folder / "other_key.pub").read_text().split()[:2]
    other = machine.folder / "known_otherwise"
    other.write_text(f"[127.0.0.1]:{machine.port} {kind} {key}\n")
    machine.host("changed", machine.port, UserKnownHostsFile=str(other))
    assert "nobody can type a password here" in said("ssh://no-key/shop")
    assert "another one before you do anything else" in said("ssh://changed/shop")
    assert "its key is not known here: ssh stranger shows it" in said("ssh://stranger/shop")
    assert "is that the port of its sshd?" in said("ssh://down/shop")
    assert "~/.ssh/config" in said("ssh://no-such-host.invalid/shop")


def test_a_program_that_is_missing(machine: Far, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is named."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for way in ("ssh", "docker", "kubectl"):
        assert f"{way} is not on the PATH of this process" in said(f"{way}://box/shop")


@pytest.mark.parametrize("way", ["docker", "kubectl"])
def test_a_place_without_livecode(machine: Far, way: str) -> None:
    """All that was tried is listed, and what to install."""
    bare = {"PATH": "/usr/bin:/bin", "HOME": "/"}
    for name in ("bare", "empty"):
        machine.container(name, environment={**bare, "PATH": bare["PATH"] if name == "bare" else "/nonexistent"})
        error = said(f"{way}://{name}/shop")
        assert "has no livecode that was found" in error
        assert "tried: livecode relay, python -m livecode relay, python3 -m livecode relay" in error
        assert "python3 -m pip install 'livecode==" in error


@pytest.mark.parametrize("way", ["ssh", "docker", "kubectl"])
def test_an_interpreter_that_is_not_there(machine: Far, way: str) -> None:
    """Only the one that was asked for is tried."""
    error = said(machine.url(way, query="?python=/nonexistent/python"))
    assert "tried: /nonexistent/python -m livecode relay" in error
    assert "/nonexistent/python -m pip install" in error


def test_another_livecode(machine: Far) -> None:
    """Two protocols do not meet: both versions are named, and nothing is asked."""
    code = (
        "import livecode, livecode.fleet.remote as remote\n"
        "livecode.__version__, remote.RELAY_PROTOCOL = '99.9', 99\n"
        "from livecode.fleet.remote.relay import relay\nrelay()\n"
    )
    error = said(machine.url("docker", query=python(machine, "newer", code)), ProtocolError)
    assert "docker://box has livecode 99.9 (relay protocol 99" in error
    assert "this side has livecode" in error
    assert "pip install 'livecode==99.9' here" in error


def test_a_login_that_prints(machine: Far) -> None:
    """What comes before the relay is skipped."""
    script = machine.script("greets", f"echo Welcome; echo no mail; exec {machine.folder}/programs/livecode relay")
    service = attach(machine.url("ssh", query=f"?python={script}"))
    assert len(service.workers()) == WORKERS
    service.close()


def test_a_relay_whose_process_prints(machine: Far) -> None:
    """Only frames go through its standard output, whatever runs beside it."""
    code = (
        "import os, threading, time\n"
        "from livecode.fleet.remote.relay import relay\n"
        "def chatter():\n"
        "    while True:\n"
        "        print('printed', flush=True); os.write(1, b'written'); os.system('echo spoken'); time.sleep(0.001)\n"
        "threading.Timer(0.05, chatter).start()\n"
        "relay()\nos._exit(0)\n"
    )
    service = attach(machine.url("docker", query=python(machine, "chats", code)))
    for _ in range(50):
        assert len(service.workers()) == WORKERS
    service.close()


def test_a_login_that_only_prints(machine: Far) -> None:
    """What it says in place of a relay is the news."""
    script = machine.script("nologin", "echo This account is currently not available.; exit 1")
    assert "This account is currently not available; try ssh far" in said(machine.url("ssh", query=f"?python={script}"))


def test_a_place_that_never_answers(machine: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is an end to the wait, and the program is gone."""
    monkeypatch.setitem(dialling.DIAL_S, Prompts.NOBODY, 0.3)
    script = machine.script("sleeps", "exec sleep 600")
    assert "did not answer in time: try docker" in said(machine.url("docker", query=f"?python={script}"))


def test_no_such_service(machine: Far) -> None:
    """Who listens there is said; where nobody does, who the relay is and where it looks."""
    error = said(machine.url("ssh", "shopp"), ServiceNotFoundError)
    assert "no service named 'shopp' is listening; listening now: shop" in error
    nobody = said(machine.url("docker", "shop", "?dir=/nonexistent"), ServiceNotFoundError)
    assert "looks in /nonexistent" in nobody
    assert "one with LIVECODE_DIR by ?dir=" in nobody
