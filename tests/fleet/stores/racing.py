"""Publishers that race each other, in threads and in processes.

python -m tests.fleet.stores.racing URL SERVICE NAME PUSHES     says as JSON which generations it got
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from livecode.errors import StaleBaseError
from livecode.fleet.store import Head, Store, open_store
from tests.services import ROOT


def publish_often(store: Store, name: str, pushes: int) -> list[int]:
    """The generations that were acknowledged to this publisher."""
    acknowledged = []
    base = store.head().generation
    while len(acknowledged) < pushes:
        try:
            store.publish(base, Head(base + 1, f"{name} {base + 1}"))
        except StaleBaseError as stale:
            base = stale.found
        else:
            base += 1
            acknowledged.append(base)
    return acknowledged


def in_threads(stores: dict[str, Store], pushes: int) -> dict[str, list[int]]:
    """What each of the publishers got who raced in threads of this process."""
    with ThreadPoolExecutor(len(stores)) as pool:
        racers = {name: pool.submit(publish_often, store, name, pushes) for name, store in stores.items()}
        return {name: racer.result() for name, racer in racers.items()}


def in_processes(names: tuple[str, ...], url: str, service: str, pushes: int) -> dict[str, list[int]]:
    """What each of the publishers got who raced in processes of their own."""
    command = [sys.executable, "-m", "tests.fleet.stores.racing", url, service]
    environment = {**os.environ, "PYTHONPATH": ROOT}
    racers = {
        name: subprocess.Popen([*command, name, str(pushes)], stdout=subprocess.PIPE, cwd=ROOT, env=environment)
        for name in names
    }
    answers = {name: racer.communicate(timeout=60)[0] for name, racer in racers.items()}
    return {name: json.loads(answer) for name, answer in answers.items()}


if __name__ == "__main__":
    url, service, name, pushes = sys.argv[1:]
    store = open_store(url, service)
    print(json.dumps(publish_often(store, name, int(pushes))))
    store.close()
