"""Measures and prints: `python -m tests.bench.fleet [--svg FILE] [saturated] [restarts] [light]`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

from tests.bench.fleet import light, plot, restarts, saturated

PARTS = ("saturated", "restarts", "light")


def main(arguments: list[str]) -> None:
    """Prints the tables of the parts that are named, all without names; draws the restarts into a file if asked."""
    options = argparse.ArgumentParser(prog="python -m tests.bench.fleet")
    options.add_argument("parts", nargs="*", metavar="|".join(PARTS), help="all, if none is named")
    options.add_argument("--svg", type=Path, help="draw the restarts into this file")
    asked = options.parse_args(arguments)
    parts = asked.parts or PARTS
    if unknown := set(parts).difference(PARTS):
        options.error(f"no such part: {', '.join(unknown)}")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    if "saturated" in parts:
        saturated.show(saturated.measure())
    if "restarts" in parts:
        rows = tuple(restarts.measure(way) for way in restarts.WAYS)
        restarts.show(rows)
        if asked.svg is not None:
            asked.svg.write_text(plot.drawing(rows), "utf-8")
    if "light" in parts:
        light.show(tuple(light.measure(number) for number in light.COUNTS), light.idle_percent())
    print(f"\nload {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main(sys.argv[1:])
