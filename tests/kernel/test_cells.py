"""Cells inside a service: what they print and show, how they stop, and what the service notices of it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
import zmq

from livecode.fleet.client import RemoteWorker
from tests.kernel.inside import WAIT_S, Notebook, connected, notebook_in
from tests.services import RunningService, wait_until

PEAK = "int(__import__('resource').getrusage(__import__('resource').RUSAGE_SELF).ru_maxrss) // 1024"
"""The most memory that a process ever had, in MiB (on Linux)."""


def test_a_cell_sees_what_the_service_runs(shared: Notebook, shop: RunningService) -> None:
    """A cell is in the process itself: it reads and changes the objects that requests use."""
    assert shared.run("import os, pricing; pricing.CACHE.append(7); os.getpid(), __name__ == '__main__'").value == (
        f"({shop.pid}, False)"
    )
    assert shop.get("pricing.CACHE") == "[7]"
    shared.run("pricing.CACHE.clear()")


def test_prints_of_cells_and_of_the_service_do_not_mix(shared: Notebook, shop: RunningService) -> None:
    """A cell prints to its notebook and the service to its log, at the same time."""
    request = shared.send("import time\nfor number in range(40): print('cell', number); time.sleep(0.02)")
    for _ in range(10):
        shop.get("print('service', file=sys.stdout)")
        shop.get("print('trouble', file=sys.stderr)")
    printed = shared.answer(request).printed
    assert printed == "".join(f"cell {number}\n" for number in range(40))
    wait_until(lambda: shop.get("sys.stdout.flush()") and shop.printed().count("service\n") >= 10, "it is logged", shop)
    assert shop.printed().count("trouble\n") == 10
    assert "cell 3" not in shop.printed()


@pytest.mark.parametrize(
    "cell",
    [
        "while True: pass",
        "import time\ntime.sleep(300)",
        "from time import sleep\ndef wait(): sleep(300)\nwait()",
        "await asyncio.sleep(300)",
        "async def spin():\n    while True: pass\nawait spin()",
        "async def wait():\n    time.sleep(300)\nawait wait()",
        "try:\n    while True: pass\nfinally:\n    over = True",
        "%time time.sleep(300)",
    ],
)
def test_an_interrupt_stops_the_cell(shared: Notebook, shop: RunningService, cell: str) -> None:
    """Whatever Python code it runs, and the service goes on serving."""
    request = shared.send(f"import asyncio, time\nprint('on')\n{cell}" if cell[0] != "%" else f"print('on')\n{cell}")
    assert shared.wait_for_print(request) == "on\n"
    assert shop.get("pricing.quote(2)") == "4"
    shared.interrupt()
    assert shared.answer(request).error == "KeyboardInterrupt: "
    assert shared.run("1 + 1").value == "2"
    assert shop.process.poll() is None


def test_what_front_ends_ask_while_somebody_types(shared: Notebook) -> None:
    """Completion, help, history and whether a line is complete are answered, also where warnings are errors."""
    client = shared.client
    shared.run("import pricing")
    asked = {
        client.complete("pricing.quo"): lambda found: "quote" in str(found["matches"]),
        client.inspect("pricing.quote"): lambda found: "pricing.py" in str(found["data"]),
        client.history(hist_access_type="tail", n=1): lambda found: found["status"] == "ok",
        client.is_complete("for x in y:"): lambda found: found["status"] == "incomplete",
        client.kernel_info(): lambda found: "live inside shop" in found["banner"],
        client.comm_info(): lambda found: found["comms"] == {},
    }
    for _ in range(len(asked)):
        reply = client.get_shell_msg(timeout=WAIT_S)
        assert asked[reply["parent_header"]["msg_id"]](reply["content"]), reply["content"]


def test_a_command_opens_no_door(shared: Notebook, worker: RemoteWorker) -> None:
    """`!command` in a cell is a fork of the service that runs a program, and no worker of it."""
    assert shared.run("!echo hello").printed.strip() == "hello"
    mine = Path(worker.path)
    assert [file.name for file in mine.parent.glob("shop-*.sock")] == [mine.name]


def test_an_interrupt_between_cells_stops_nothing(shared: Notebook) -> None:
    """There is nothing to stop, and the next cell runs."""
    for _ in range(3):
        shared.interrupt()
        assert shared.run("sum(range(10))").value == "45"


def test_c_code_is_told_and_stops_when_it_returns(shared: Notebook) -> None:
    """What cannot be interrupted says so in the notebook."""
    request = shared.send("import threading\nprint('on')\nthreading.Event().wait(4)\nnever = 1")
    shared.wait_for_print(request)
    shared.interrupt()
    answer = shared.answer(request)
    assert "the cell is inside C code (" in answer.printed
    assert answer.error == "KeyboardInterrupt: "


@pytest.mark.parametrize("cell", ["exit", "quit", "exit()", "quit()"])
def test_exit_leaves(shared: Notebook, shop: RunningService, cell: str) -> None:
    """The front end is told to leave and to keep the kernel."""
    shared.run("kept = 1")
    assert shared.run(cell).payload == [{"source": "ask_exit", "keepkernel": True}]
    assert shared.run("kept").value == "1"
    assert shop.process.poll() is None


@pytest.mark.parametrize(
    "cell",
    [
        "import sys; sys.exit(1)",
        "raise SystemExit",
        "import _thread; _thread.exit()",
        "import asyncio; asyncio.get_running_loop().call_soon(__import__('sys').exit); await asyncio.sleep(0.1)",
        "import asyncio; asyncio.get_running_loop().stop()",
        "raise KeyboardInterrupt",
        "import threading; threading.Thread(target=__import__('sys').exit).start()",
        "raise GeneratorExit",
    ],
)
def test_nothing_ends_by_a_cell_that_wants_to_end(shared: Notebook, shop: RunningService, cell: str) -> None:
    """Neither the thread of the cells nor the service."""
    shared.run(cell)
    assert shared.run("6 * 7").value == "42"
    assert shop.get("pricing.quote(1)") == "2"


def test_the_streams_of_the_process_cannot_be_taken(shared: Notebook, shop: RunningService) -> None:
    """A cell that replaces sys.stdout is told that it is the service's, and both go on printing where they did."""
    answer = shared.run("import io, sys; mine = sys.stdout = io.StringIO(); print('swallowed')")
    assert "[livecode] sys.stdout is the whole service's" in answer.printed
    assert shared.run("print('heard')").printed == "heard\n"
    shop.get("print('still logged', flush=True)")
    wait_until(lambda: "still logged" in shop.printed(), "the service's print is in its log", shop)


def test_output_within_a_block_can_be_caught(shared: Notebook) -> None:
    """`redirect_stdout` works in a cell."""
    cell = "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as got: print('x')\ngot.getvalue()"
    answer = shared.run(cell)
    assert (answer.value, answer.printed) == ("'x\\n'", "")


def test_a_cell_prints_in_bounded_memory(worker: RemoteWorker, shop: RunningService) -> None:
    """A hundred megabytes arrive, and the service has not held them."""
    with notebook_in(worker, "talkative") as notebook:
        notebook.run("line = 'x' * 999")
        before = int(shop.get(PEAK))
        answer = notebook.run("for _ in range(100_000): print(line)")
        assert answer.error == ""
        assert len(answer.printed) == 100_000_000
        assert int(shop.get(PEAK)) - before < 40


def test_a_front_end_that_does_not_read_holds_up_nobody(worker: RemoteWorker, shop: RunningService) -> None:
    """One that is suspended loses what it does not read; the others get all, and the service does not hold it."""
    information = worker.open_kernel("one is stuck")
    with zmq.Context() as context, context.socket(zmq.SUB) as stuck:
        stuck.linger, stuck.rcvhwm, stuck.rcvbuf = 0, 1, 4096
        stuck.connect(f"ipc://{information['ip']}-{information['iopub_port']}")
        stuck.subscribe(b"")
        with notebook_in(worker, "one is stuck") as notebook:
            notebook.run("line = 'x' * 99_999")
            before = int(shop.get(PEAK))
            assert len(notebook.run("for _ in range(1000): print(line)").printed) == 100_000_000
            assert int(shop.get(PEAK)) - before < 80


def test_each_notebook_has_names_of_its_own(worker: RemoteWorker, shared: Notebook) -> None:
    """Two notebooks in one process do not see each other's names, values or prints."""
    with notebook_in(worker, "second") as second:
        shared.run("mine = 'first'")
        running = shared.send("import time; time.sleep(1); print(mine)\nmine")
        assert second.run("'mine' in globals()").value == "False"
        second.run("mine = 'second'; print(mine)")
        assert second.run("mine").value == "'second'"
        answer = shared.answer(running)
        assert (answer.value, answer.printed) == ("'first'", "first\n")


def test_the_same_session_finds_its_kernel(worker: RemoteWorker) -> None:
    """Who asks again for the kernel of a session gets that one, with its names."""
    with notebook_in(worker, "again") as first:
        first.run("kept = 41")
        with_same = worker.open_kernel("again")
        assert with_same == worker.open_kernel("again")
        assert first.run("kept + 1").value == "42"


def test_subshells_lose_nothing(shared: Notebook) -> None:
    """Cells that finish together in subshells all show their value."""
    number = 6
    subshells = [str(shared.ask("create_subshell_request", {})["subshell_id"]) for _ in range(number)]
    requests = {}
    for subshell in subshells:
        message = shared.client.session.msg("execute_request", CELL)
        message["header"]["subshell_id"] = subshell
        shared.client.shell_channel.send(message)
        requests[message["header"]["msg_id"]] = subshell
    shown = []
    assert shared.hears(lambda heard: _is_last(heard, requests, shown, number))
    for subshell in subshells:
        shared.ask("delete_subshell_request", {"subshell_id": subshell})
    assert sorted(shown) == sorted(requests)


CELL = {
    "code": "import time; time.sleep(0.3 - time.time() % 0.3); 'value'",
    "silent": False,
    "store_history": False,
    "user_expressions": {},
    "allow_stdin": False,
    "stop_on_error": True,
}


def _is_last(message: dict[str, object], requests: dict[str, str], shown: list[str], number: int) -> bool:
    """Collects the values that are shown; true for the last idle of all requests."""
    parent = message["parent_header"]
    assert isinstance(parent, dict)
    request = str(parent.get("msg_id"))
    if request in requests and message["msg_type"] == "execute_result":
        shown.append(request)
    content = message["content"]
    assert isinstance(content, dict)
    if request in requests and content.get("execution_state") == "idle":
        _idle.add(request)
    return len(_idle & set(requests)) == number


_idle: set[str] = set()


def test_what_a_front_end_does_when_it_is_killed(worker: RemoteWorker, shop: RunningService) -> None:
    """A front end that is gone without a word leaves a kernel that others can use, and a service that serves."""
    information = worker.open_kernel("killed")
    with connected(information) as notebook:
        notebook.run("survived = 1")
    with connected(worker.open_kernel("killed")) as another:
        assert another.run("survived").value == "1"
    assert worker.close_kernel("killed")
    assert not worker.close_kernel("killed")
    assert shop.get("pricing.quote(1)") == "2"


def test_a_shutdown_ends_the_kernel_alone(worker: RemoteWorker, shop: RunningService) -> None:
    """Its sockets and threads go; the next one of that session is a fresh one."""
    with notebook_in(worker, "shut down") as notebook:
        notebook.run("kept = 1")
        assert notebook.ask("shutdown_request", {"restart": True})["status"] == "ok"
    with notebook_in(worker, "shut down") as notebook:
        assert notebook.run("'kept' in globals()").value == "False"
    assert shop.process.poll() is None


def test_an_endless_cell_ends_with_its_kernel(worker: RemoteWorker, shop: RunningService) -> None:
    """Closing a kernel whose cell runs stops the cell first."""
    with notebook_in(worker, "endless") as notebook:
        notebook.wait_for_print(notebook.send("print('on')\nwhile True: pass"))
    names = shop.get("[t.name for t in __import__('threading').enumerate()].count('livecode-cell')")
    assert names in ("0", "1")  # the one that is shared by these tests


def test_many_cells_at_once(worker: RemoteWorker, shop: RunningService) -> None:
    """Notebooks whose cells run at the same time get their own values."""
    with ExitStack() as stack:
        notebooks = [stack.enter_context(notebook_in(worker, f"one of many {number}")) for number in range(4)]
        for turn in range(5):
            cells = [f"import time; time.sleep(0.1)\n{number} * 1000 + {turn}" for number in range(4)]
            requests = [notebook.send(cell) for notebook, cell in zip(notebooks, cells, strict=True)]
            values = [notebook.answer(request).value for notebook, request in zip(notebooks, requests, strict=True)]
            assert values == [str(number * 1000 + turn) for number in range(4)]
    assert shop.get("pricing.quote(1)") == "2"
