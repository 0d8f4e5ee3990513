"""What became of saving, in words: the same in a terminal, in a notebook and in a log. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from livecode.model.headline import version
from livecode.model.html import sheet_html
from livecode.model.saving import FileSaved, SaveReport, SaveVerdict
from livecode.model.sheet import IN_NOTEBOOK, Commands, Entry, Head, Item, Note, Sheet, Tone
from livecode.model.text import sheet_text

_GLYPHS = {
    SaveVerdict.SAVED: ("✔", Tone.GOOD),
    SaveVerdict.SAME: ("○", Tone.CALM),
    SaveVerdict.REFUSED: ("■", Tone.BAD),
    SaveVerdict.UNDONE: ("▲", Tone.WARN),
    SaveVerdict.PARTLY: ("▲", Tone.WARN),
    SaveVerdict.UNKNOWN: ("?", Tone.WARN),
}
_CHANGED = "LC412"
_WORDS = {
    SaveVerdict.REFUSED: "refused",
    SaveVerdict.UNDONE: "not written",
    SaveVerdict.PARTLY: "has the new text",
    SaveVerdict.UNKNOWN: "not known",
}


def save_text(report: SaveReport, commands: Commands = IN_NOTEBOOK) -> str:
    """A SaveReport as people read it in a terminal or a log."""
    return sheet_text(save_sheet(report, commands))


def save_html(report: SaveReport, commands: Commands = IN_NOTEBOOK) -> str:
    """A SaveReport as an HTML fragment."""
    return sheet_html(save_sheet(report, commands))


def save_sheet(report: SaveReport, commands: Commands = IN_NOTEBOOK) -> Sheet:
    """The verdict, the files, and what stood in the way."""
    glyph, tone = _GLYPHS[report.verdict]
    head = Head(glyph, report.verdict.value, tone, *_title(report))
    items: list[Item] = [*_files(report), *_refusals(report.files), *_failures(report.files), *_remarks(report)]
    return Sheet(head, (*items, *_next(report, commands)))


def _title(report: SaveReport) -> tuple[str, tuple[str, ...]]:
    files = report.files
    if len(files) == 1:
        return _one(files[0])
    modules = tuple(dict.fromkeys(file.module for file in files))
    subject = ", ".join(modules) if len(modules) < 4 else f"{len(modules)} modules"
    match report.verdict:
        case SaveVerdict.SAVED:
            count = sum(file.verdict is SaveVerdict.SAVED for file in files)
            return subject, (f"{count} file{'s' * (count != 1)} written",)
        case SaveVerdict.SAME:
            said = ("the files say what runs: nothing written",) if files else ("nothing written",)
            return subject or "nothing differs from disk", said
        case SaveVerdict.PARTLY:
            return subject, ("not every file says what runs",)
    return subject, () if report.verdict is SaveVerdict.UNKNOWN else ("no file was changed",)


def _one(file: FileSaved) -> tuple[str, tuple[str, ...]]:
    what = _what(file)
    match file.verdict:
        case SaveVerdict.SAVED:
            return f"{what} → {_path(file)} ({_size(file)})", ()
        case SaveVerdict.SAME:
            return what, (f"{_path(file)} says that already: nothing written",)
        case SaveVerdict.REFUSED | SaveVerdict.UNDONE:
            return what, (f"not saved: {_path(file) or 'its file'} is as it was",)
    return what, (_path(file),)


def _files(report: SaveReport) -> Iterator[Entry]:
    """One line a file, where there are several."""
    if len(report.files) == 1:
        return
    several_hosts = len({file.host for file in report.files}) > 1
    for file in report.files:
        where = f"{file.host}: {_path(file)}" if several_hosts else _path(file)
        digest = [version(file.version)] if file.version else []
        match file.verdict:
            case SaveVerdict.SAVED:
                yield Entry("+" if file.is_new else "~", file.module, " ".join([*digest, f"→ {where}"]), _size(file))
            case SaveVerdict.SAME:
                yield Entry("=", file.module, " ".join([*digest, where]), "says that already")
            case _:
                mark = "!" if file.verdict is not SaveVerdict.UNDONE else "="
                yield Entry(mark, file.module, " ".join([*digest, where]), _WORDS[file.verdict])


def _refusals(files: Sequence[FileSaved]) -> Iterator[Entry]:
    modules = {file.module for file in files}
    for refusal in dict.fromkeys(refusal for file in files for refusal in file.refusals):
        who = f"{refusal.module}: " if len(modules) > 1 and refusal.module not in refusal.what else ""
        yield Entry("", refusal.code, who + refusal.what, f"→ {refusal.way_out}" if refusal.way_out else "")


def _failures(files: Sequence[FileSaved]) -> Iterator[Note]:
    for file in files:
        if file.failure:
            yield Note(f"{_path(file)}: {file.failure}", mark="!")


def _remarks(report: SaveReport) -> Iterator[Note]:
    for file in report.files:
        if file.link and file.verdict is SaveVerdict.SAVED:
            yield Note(f"{_path(file)} is a link: {file.path} was written, the link is as it was")
        for remark in file.remarks if file.verdict is SaveVerdict.SAVED else ():
            yield Note(f"{_path(file)}: {remark}" if len(report.files) > 1 else remark, mark="!")
    for remark in report.remarks:
        yield Note(remark, mark="!")


def _next(report: SaveReport, commands: Commands) -> Iterator[Item]:
    """The next commands, where a file was changed by somebody else."""
    changed: Iterable[str] = dict.fromkeys(
        file.module for file in report.files if any(refusal.code == _CHANGED for refusal in file.refusals)
    )
    for module in changed:
        if commands.diff:
            yield Note(f"compare:  {commands.diff.format(module)}")
        if commands.save:
            yield Note(f"overwrite it:  {commands.save.format(module)} --force")


def _what(file: FileSaved) -> str:
    return f"{file.module} {version(file.version)}" if file.version else file.module


def _path(file: FileSaved) -> str:
    return file.shown or file.link or file.path


def _size(file: FileSaved) -> str:
    if file.is_new:
        return f"new file, {file.added} line{'s' * (file.added != 1)}"
    return f"+{file.added} −{file.removed}"
