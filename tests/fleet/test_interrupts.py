"""Ctrl-C never leaves a rollout half way."""

from __future__ import annotations

import signal
import threading

import pytest

from livecode.fleet.interrupts import interrupts_deferred


def test_the_first_interrupt_waits_for_the_end_of_the_block() -> None:
    """What was begun is ended, then the interrupt is raised."""
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts_deferred():
        signal.raise_signal(signal.SIGINT)
        done.append("ended")
    assert done == ["ended"]


def test_the_second_interrupt_is_raised_at_once() -> None:
    """Who insists is not kept waiting."""
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts_deferred():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        done.append("ended")
    assert done == []


def test_the_handler_is_put_back_as_it_was_found() -> None:
    """The service's own handler is the handler afterwards, whatever happened."""
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError), interrupts_deferred():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is before


def test_nothing_is_changed_outside_the_main_thread() -> None:
    """Signal handlers belong to the main thread."""
    seen = []

    def work() -> None:
        with interrupts_deferred():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
