"""The restarts as a picture: how long each way took until all processes ran the new code, and what it cost."""

from __future__ import annotations

from html import escape

from tests.bench.fleet.restarts import Rolled

WIDTH, ROW, TOP, LEFT, SCALE = 860, 46, 60, 200, 230
STYLE = """
text { font: 14px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 12px; fill: #57606a }
.ours { fill: #1a7f37 } .other { fill: #bc4c00 } .back { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 } .back { fill: #0d1117 }
  .ours { fill: #3fb950 } .other { fill: #db6d28 }
}
"""


def drawing(rows: tuple[Rolled, ...]) -> str:
    """An SVG: one bar a way, as long as it took, and in words what customers and memory lost."""
    height, longest = TOP + ROW * len(rows) + 12, max(row.new_s for row in rows)
    bars = "".join(_bar(row, TOP + ROW * number, longest) for number, row in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'role="img" aria-label="Time until all processes run the new code">\n<style>{STYLE}</style>\n'
        f'<rect class="back" width="{WIDTH}" height="{height}" rx="8"/>\n'
        f'<text x="16" y="26">Seconds until all processes run the new code</text>\n'
        f'<text class="small" x="16" y="44">and what it cost</text>\n{bars}</svg>\n'
    )


def _bar(row: Rolled, y: int, longest_s: float) -> str:
    length, name = max(2.0, SCALE * row.new_s / longest_s), row.way.name.replace("`", "")
    kind = "ours" if row.forgot == 0 else "other"
    return (
        f'<text x="{LEFT - 10}" y="{y + 17}" text-anchor="end">{escape(name)}</text>\n'
        f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{length:.1f}" height="24" rx="3"/>\n'
        f'<text x="{LEFT + length + 8:.1f}" y="{y + 11}">{row.new_s:.2f} s</text>\n'
        f'<text class="small" x="{LEFT + length + 8:.1f}" y="{y + 26}">{escape(cost(row))}</text>\n'
    )


def cost(row: Rolled) -> str:
    """What it cost, in words; none is said as well."""
    lost = f"memory of {row.forgot} of {row.way.workers}" if row.forgot else "no memory"
    return f"{row.dropped} of {row.sockets} websockets dropped, {lost} lost, stall {row.stall_s:.2f} s"
