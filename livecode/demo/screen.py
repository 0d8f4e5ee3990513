"""What the demo prints: the notebook's text, its cells, their outputs, and what was seen from outside."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from livecode.demo.excerpt import excerpt
from livecode.demo.spoken import text_of
from livecode.demo.traffic import Facts

_PLAIN_WIDTH = 110  # where the output is no terminal
_THEME = Theme({"markdown.code": "cyan"})  # rich's own puts it on black, also in a light terminal
_STYLES = {"✔": "bold green", "○": "bold cyan", "✖": "bold red", "■": "bold yellow", "▲": "bold yellow"}


class Screen:
    """Prints to the terminal with colours, elsewhere plain text."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, theme=_THEME)
        if not self.console.is_terminal:
            self.console = Console(highlight=False, theme=_THEME, width=_PLAIN_WIDTH, file=self.console.file)
        self._modules: dict[str, str] = {}

    def note(self, text: str) -> None:
        """One line on what the demo itself does."""
        self.console.print(Text(f"· {text}", style="dim"), soft_wrap=True)

    def lines(self, lines: Sequence[str]) -> None:
        """Lines as they are."""
        for line in lines:
            self.console.print(Text(line), soft_wrap=True)

    def markdown(self, source: str) -> None:
        """A Markdown cell: its heading as a rule, its text below."""
        head, _, rest = source.partition("\n")
        if head.startswith("#"):
            self.console.print()
            self.console.print(Rule(Text(head.lstrip("# "), style="bold"), align="left", style="blue"))
            source = rest.strip()
        else:
            self.console.print()
        if source:
            self.console.print(Markdown(source))

    def code(self, number: int, source: str) -> None:
        """A code cell; of a module's source only what is new."""
        head, _, body = source.partition("\n")
        self.console.print()
        self.console.print(Text(f"In [{number}]", style="bold blue"))
        if head.startswith("%%"):
            self._print_module(head, body)
        else:
            self._print_python(source)

    def outputs(self, outputs: Sequence[object]) -> None:
        """What a cell put out."""
        for output in outputs:
            text = text_of(output).rstrip("\n")  # type: ignore[arg-type]
            for line in text.split("\n") if text else ():
                style = _STYLES.get(line[:1], "")
                self.console.print(Text("  ").append_text(_styled(line, style)), soft_wrap=True)

    def outside(self, before: Facts, now: Facts, coffee: float) -> None:
        """What customers see at this moment."""
        prices = " and ".join(f"{price:.2f}" for price in now.prices)
        said = (
            f"  outside: {now.open} of {now.opened} websockets open, counts {before.lowest} → {now.lowest}, "
            f"all say {prices}; GET /price/coffee → {coffee:.2f}; "
            f"{now.served - before.served} requests served, {now.failed - before.failed} failed"
        )
        good = now.dropped == now.failed == 0
        self.console.print(Text(said, style="dim" if good else "bold red"), soft_wrap=True)

    def table(self, title: str, rows: Sequence[tuple[str, str]]) -> None:
        """The end: two columns."""
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_header=False)
        table.add_column()
        table.add_column(justify="right")
        for name, value in rows:
            table.add_row(name, value)
        self.console.print()
        self.console.print(table)

    def verdict(self, problems: Sequence[str]) -> None:
        """The last lines."""
        for problem in problems:
            self.console.print(Text(f"✖ {problem}", style="bold red"), soft_wrap=True)
        if not problems:
            good = "✔ every request was answered, every websocket stayed open, every verdict was as expected"
            self.console.print(Text(good, style="bold green"), soft_wrap=True)

    def know(self, module: str, source: str) -> None:
        """Remember a module's shipped source: of a cell that pushes it, only what is new is shown."""
        self._modules[module] = source

    def _print_module(self, head: str, body: str) -> None:
        self.console.print(Text(f"  {head}"), soft_wrap=True)
        target = head.split()[-1].removesuffix(".py").replace("/", ".")
        shipped = next((text for module, text in self._modules.items() if target.endswith(module)), "")
        for line in excerpt(body, shipped):
            mark, style = ("+", "green") if line.new else (" ", "dim")
            self.console.print(Text(f"{mark} {line.text}", style=style), soft_wrap=True)

    def _print_python(self, source: str) -> None:
        if self.console.is_terminal:
            syntax = Syntax(source, "python", theme="ansi_dark", background_color="default")
            self.console.print(Padding(syntax, (0, 0, 0, 2)))
            return
        for line in source.split("\n"):
            self.console.print(Text(f"  {line}"), soft_wrap=True)


def _styled(line: str, style: str) -> Text:
    text = Text.from_ansi(line)
    if style and not text.spans:
        text.stylize(style, 0, 2 + len(line[2:].split("  ", 1)[0]))
    return text
