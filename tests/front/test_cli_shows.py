"""What a terminal shows: colours, widths, and progress that fits."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from livecode.model.columns import columns_of
from tests.front.typed import PRICING
from tests.services import Services

RUN = [sys.executable, "-c", "from livecode.front.cli import main; main()"]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with Services(tmp_path_factory.mktemp("cli")) as started:
        started.threaded("shop", {"pricing_lc.py": PRICING, "größe_価格_lc.py": "X = 1\n"})
        reason = "a reason that is so long that no terminal of eighty columns has room for it beside the rest"
        push = [*RUN, "push", "shop", "pricing_lc", "-", "--reason", reason]
        subprocess.run(push, input=b"X = 1\n", env=started.environment(), check=True, stdout=subprocess.DEVNULL)
        yield started


def on_terminal(services: Services, columns: int, **variables: str) -> str:
    """What `livecode status shop` prints on a terminal."""
    environment = services.environment(TERM="xterm-256color", COLUMNS=str(columns))
    environment.pop("NO_COLOR", None)
    environment.pop("FORCE_COLOR", None)
    leader, follower = pty.openpty()
    process = subprocess.Popen([*RUN, "status", "shop"], stdout=follower, env=environment | variables)
    os.close(follower)
    printed = b""
    try:
        while chunk := os.read(leader, 4096):
            printed += chunk
    except OSError:  # Linux says so when the other end was closed
        pass
    os.close(leader)
    assert process.wait() == 0
    return printed.decode().replace("\r\n", "\n")


def piped(services: Services, **variables: str) -> str:
    environment = services.environment(**variables)
    return subprocess.run([*RUN, "status", "shop"], capture_output=True, text=True, env=environment, check=True).stdout


@pytest.mark.parametrize("columns", [80, 200])
def test_a_table_fits_the_terminal(services: Services, columns: int) -> None:
    """No line is wider, with wide characters in it; where there is room, it is what a pipe gets."""
    shown = on_terminal(services, columns, NO_COLOR="1")
    assert max(columns_of(line) for line in shown.splitlines()) <= columns
    assert "größe_価格_lc" in shown
    if columns == 200:
        assert _ageless(shown) == _ageless(piped(services))


def _ageless(text: str) -> list[list[str]]:
    """The words of each line, without how long ago something was."""
    return [re.sub(r"just now|\d+ \w+ ago", "", line).split() for line in text.splitlines()]


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colours_on_a_terminal(services: Services, variables: dict[str, str], coloured: bool) -> None:
    """Unless somebody does not want them, or the terminal cannot."""
    assert ("\x1b[" in on_terminal(services, 100, **variables)) == coloured


@pytest.mark.parametrize(("force", "coloured"), [("", False), ("0", False), ("1", True)])
def test_colours_in_a_pipe(services: Services, force: str, coloured: bool) -> None:
    """Only where they are asked for, and the words stay the same."""
    printed = piped(services, FORCE_COLOR=force, NO_COLOR="", TERM="xterm")
    assert ("\x1b[" in printed) == coloured
    assert "STATUS" in printed
