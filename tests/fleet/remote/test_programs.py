"""What is started to get to a relay, and what is said where that fails."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from livecode.fleet.remote.address import parse
from livecode.fleet.remote.programs import CANDIDATES, Prompts, advice, by_hand, install, is_absent, starts

OCI = (
    "OCI runtime exec failed: exec failed: unable to start container process: "
    'exec: "livecode": executable file not found in $PATH: unknown'
)


def commands(url: str, prompts: Prompts = Prompts.NOBODY) -> list[list[str]]:
    """The command lines for a URL."""
    return [list(start.command) for start in starts(parse(url), prompts)]


def test_ssh_is_called_once_and_opens_no_port() -> None:
    """One login, in which sh looks for a livecode; forwardings of the user's configuration stay closed."""
    (command,) = commands("ssh://ann@host:2222/shop")
    assert command[0] == "ssh"
    assert {"-T", "-oClearAllForwardings=yes", "-oBatchMode=yes"} <= set(command)
    assert command[command.index("-p") :][:-1] == ["-p", "2222", "-l", "ann", "--", "host"]
    assert command[-1].startswith("exec sh -c ")


def test_ssh_may_ask_at_a_terminal_only() -> None:
    """Elsewhere nobody would see the question."""
    assert "-oBatchMode=yes" not in commands("ssh://host/shop", Prompts.TERMINAL)[0]


def test_the_command_for_ssh_is_one_argument_of_sh() -> None:
    """A path with blanks and quotes arrives as it was given; nothing in it is run."""
    python = "/srv/it's; $(touch x) `touch y`/python"
    (command,) = commands(
        "ssh://host/shop?python=" + python.replace(" ", "%20").replace("'", "%27").replace("`", "%60")
    )
    assert shlex.split(command[-1]) == ["exec", python, "-m", "livecode", "relay"]


def test_a_path_in_the_home_of_the_other_side() -> None:
    """Its shell knows where that is."""
    (command,) = commands("ssh://host/shop?python=~/my%20venv/bin/python")
    assert command[-1] == "exec ~/'my venv/bin/python' -m livecode relay"


def test_the_search_is_sh() -> None:
    """It parses in the sh of this machine, and ends with 127 where there is no livecode."""
    (command,) = commands("ssh://host/shop")
    assert "\n" not in command[-1]
    script = shlex.split(command[-1])[-1]
    empty = {"PATH": "/nonexistent", "HOME": "/nonexistent"}
    assert subprocess.run(["/bin/sh", "-c", script], env=empty, check=False).returncode == 127


def test_docker_and_kubectl_take_a_program_as_it_is() -> None:
    """Options where their manuals have them, then the command, word by word; several, as there may be no sh."""
    assert commands("docker://app@box/shop?context=far")[0] == [
        "docker", "--context", "far", "exec", "-i", "--user", "app", "box", "livecode", "relay",
    ]  # fmt: skip
    assert commands("kubectl://prod/pod/shop?container=web") == [
        ["kubectl", "--namespace", "prod", "exec", "-i", "pod", "--container", "web", "--", *relay]
        for relay in map(list, CANDIDATES)
    ]  # fmt: skip
    assert commands("docker://box/shop?python=/opt/venv/bin/python") == [
        ["docker", "exec", "-i", "box", "/opt/venv/bin/python", "-m", "livecode", "relay"]
    ]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (127, ""),
        (127, "bash: line 1: exec: /srv/python: not found"),
        (127, OCI),
        (126, OCI),
        (1, 'error: Internal error occurred: exec: "livecode": executable file not found in $PATH: unknown'),
        (1, "/usr/bin/python: No module named livecode"),
        (1, "command terminated with exit code 127"),
    ],
)
def test_what_means_that_there_is_no_livecode(status: int, said: str) -> None:
    """Another one may be there."""
    assert is_absent(parse("docker://box/shop"), status, said)


@pytest.mark.parametrize(
    ("url", "said", "then"),
    [
        (
            "ssh://host/s",
            "ssh: Could not resolve hostname host: Name or service not known",
            "~/.ssh/config",
        ),
        (
            "ssh://ann@host:23/s",
            "Host key verification failed.",
            "ssh -p 23 -l ann host shows it",
        ),
        (
            "ssh://host/s",
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            "before you do anything else",
        ),
        (
            "ssh://host/s",
            "ann@host: Permission denied (publickey,password).",
            "ssh-add",
        ),
        (
            "ssh://host/s",
            "ssh: connect to host h port 22: Connection refused",
            "the port of its sshd",
        ),
        (
            "docker://box/s",
            "Error response from daemon: No such container: box",
            "docker ps",
        ),
        (
            "docker://box/s",
            "Error response from daemon: container 1f is not running",
            "docker start box",
        ),
        (
            "docker://box/s",
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
            "docker context show",
        ),
        (
            "docker://me@box/s",
            "unable to find user me: no matching entries in passwd file",
            "no user 'me'",
        ),
        (
            "kubectl://prod/pod/s",
            'Error from server (NotFound): pods "pod" not found',
            "kubectl get pods --namespace prod",
        ),
        (
            "kubectl://prod/pod/s",
            'Error from server (NotFound): namespaces "prod" not found',
            "kubectl get namespaces",
        ),
        (
            "kubectl://pod/s",
            "Error from server (BadRequest): container web is not valid for pod pod",
            "kubectl describe pod pod",
        ),
        (
            "kubectl://pod/s",
            'Error from server (Forbidden): pods "pod" is forbidden: User "a" cannot create resource "pods/exec"',
            "verb create on pods/exec",
        ),
        (
            "kubectl://pod/s",
            "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
            "does kubectl get pods work",
        ),
        (
            "kubectl://pod/s",
            "Error in configuration: context was not found for specified context: x",
            "config get-contexts",
        ),
    ],
)
def test_what_to_do_about_what_a_program_says(url: str, said: str, then: str) -> None:
    """Every failure that is known names the next step; none of them passes for a livecode that is missing."""
    assert then in advice(parse(url), Prompts.NOBODY, said)
    assert not is_absent(parse(url), 126, said)


def test_a_livecode_that_is_too_old() -> None:
    """It has no relay, or lacks what it needs."""
    url = parse("ssh://host/shop")
    assert "older: python3 -m pip install" in advice(url, Prompts.NOBODY, "Error: No such command 'relay'.")
    assert "pip install" in advice(url, Prompts.NOBODY, "ModuleNotFoundError: No module named 'click'")


def test_the_same_place_by_hand() -> None:
    """What a user can type to see for themselves."""
    assert by_hand(parse("ssh://ann@host/shop")) == "ssh -l ann host"
    assert by_hand(parse("docker://box/shop")) == "docker exec -i box true"
    assert by_hand(parse("kubectl://prod/pod/shop")) == "kubectl --namespace prod exec -i pod -- true"


def test_what_to_install_names_the_interpreter() -> None:
    """The one that was asked for, or any."""
    assert install(parse("ssh://h/s?python=/v/bin/python")).startswith("/v/bin/python -m pip install 'livecode==")
    assert "?python=" in install(parse("ssh://h/s"))
