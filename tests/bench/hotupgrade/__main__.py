"""See the package's docstring."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.bench.hotupgrade.packages import UPGRADES
from tests.bench.hotupgrade.prepare import prepare

TIMEOUT_S = 600


def run(root: Path, engine: str, name: str) -> dict[str, Any]:
    """The result of one upgrade in a process of its own; also written below ROOT/results."""
    upgrade, home = UPGRADES[name], root / name.replace(":", "-")
    work = home / f"run-{engine}"
    shutil.rmtree(work, ignore_errors=True)
    (work / "src").mkdir(parents=True)
    (work / "src/livecode").symlink_to(Path(__file__).parents[3] / "livecode")
    out = work / "result.json"
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", PYTHONHASHSEED="0", PYTHONPATH=str(work / "src"))
    child = [str(home / "env/bin/python"), str(Path(__file__).with_name("inside.py")), str(home), engine, str(out)]
    with (work / "output").open("w") as output:
        try:
            words = [*child, json.dumps(upgrade.imports), upgrade.tests]
            subprocess.run(
                words, env=env, cwd=work, timeout=TIMEOUT_S, stdout=output, stderr=subprocess.STDOUT, check=False
            )
            result = json.loads(out.read_text()) if out.exists() else {"note": "it died: " + str(work / "output")}
        except subprocess.TimeoutExpired:
            result = {"note": f"not done after {TIMEOUT_S} s"}
    target = root / "results" / engine / f"{name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result))
    return dict(result)


def scores(result: dict[str, Any], fresh: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Each score as (so many, of so many)."""
    if "shapes" not in result or "stale" not in result:
        return dict.fromkeys(("live", "lines", "class", "same", "tests"), (0, 1))
    wanted, passed = fresh.get("passed", {}), result.get("passed", {})
    differ = sum(result["shapes"].get(name) != shape for name, shape in fresh["shapes"].items())
    return {
        "live": (result["changed"] - len(result["stale"]), result["changed"]),
        "lines": (result["held"] - len(result["astray"]), result["held"]),
        "class": (result["classes"] - len(result["split"]), result["classes"]),
        "same": (len(fresh["shapes"]) - differ, len(fresh["shapes"])),
        "tests": (sum(min(passed.get(node, 0), count) for node, count in wanted.items()), sum(wanted.values())),
    }


def line(root: Path, engine: str, name: str) -> str:
    """One upgrade, as people read it."""
    result, fresh = (_read(root, each, name) for each in (engine, "fresh"))
    if engine == "fresh":
        return f"{name:18} fresh      tests {sum(result.get('passed', {}).values())} {result.get('note', '')[:300]}"
    said = [f"{key} {good}/{all_}{'' if good == all_ else ' !'}" for key, (good, all_) in scores(result, fresh).items()]
    said += [f"SILENT {len(silent)}"] if (silent := result.get("silent")) else []
    notes = [*result.get("stale", [])[:3], *result.get("split", [])[:3], result.get("note", "")[:600]]
    return f"{name:18} {engine:10} {'  '.join(said)}  secs {result.get('secs', 0):.2f}  {' '.join(filter(None, notes))}"


def rows(root: Path) -> Iterator[str]:
    """Markdown: every upgrade of livecode, then the means of all engines."""
    names = [name for name in UPGRADES if (root / "results/fresh" / f"{name}.json").exists()]
    yield "| package | releases | live | lines | class | same | tests | secs |"
    yield "|---|---|---|---|---|---|---|---|"
    for name in (name for name in names if _read(root, "livecode", name)):
        result = _read(root, "livecode", name)
        cells = [f"{good}/{all_}" for good, all_ in scores(result, _read(root, "fresh", name)).values()]
        upgrade = UPGRADES[name]
        releases = f"{name.partition(':')[0]} | {upgrade.old} → {upgrade.new}"
        yield f"| {releases} | {' | '.join(cells)} | {result.get('secs', 0):.2f} |"
    yield ""
    yield "| engine | packages | live | lines | class | same | tests | all tests pass | secs, median / worst |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for engine in ("nothing", "livecode", "reload", "autoreload", "jurigged"):
        done = [(_read(root, engine, name), _read(root, "fresh", name)) for name in names]
        done = [pair for pair in done if pair[0]]
        if done:
            yield _mean_row(engine, done)


def _mean_row(engine: str, done: list[tuple[dict[str, Any], dict[str, Any]]]) -> str:
    every = [scores(*pair) for pair in done]
    means = [f"{100 * _mean(good / all_ for good, all_ in (s[k] for s in every) if all_):.1f} %" for k in every[0]]
    whole = sum(score["tests"][0] == score["tests"][1] for score in every)
    secs = sorted(result.get("secs", 0.0) for result, _ in done)
    return f"| {engine} | {len(done)} | {' | '.join(means)} | {whole} | {secs[len(secs) // 2]:.2f} / {secs[-1]:.2f} |"


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / max(1, len(found))


def _read(root: Path, engine: str, name: str) -> dict[str, Any]:
    path = root / "results" / engine / f"{name}.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def main(words: list[str]) -> int:
    """The command line."""
    if len(words) < 2 or words[0] not in ("prepare", "run", "table"):
        print("usage: python -m tests.bench.hotupgrade prepare ROOT [NAME…] | run ROOT ENGINE [NAME…] | table ROOT")
        return 2
    what, root = words[0], Path(words[1]).resolve()
    if what == "table":
        print("\n".join(rows(root)))
        return 0
    names = words[3 if what == "run" else 2 :] or list(UPGRADES)
    for name in names:
        if what == "prepare":
            try:
                print(f"{name:18} {prepare(root, name)}", flush=True)
            except subprocess.CalledProcessError as error:
                print(f"{name:18} cannot be prepared: {(error.stderr or str(error)).strip()[-400:]}", flush=True)
        elif (root / name.replace(":", "-") / "prepared").exists():
            run(root, words[2], name)
            print(line(root, words[2], name), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
