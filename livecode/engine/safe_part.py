"""The part of an edit that can be applied: the new source with the refused statements put back as they were.

    old forms, new forms ── edits ──▶ Edit*        what the new source does, one statement each
    Edit, refusals       ── refused ──▶ Edit*      what must not be done
    Edit*                ── without ──▶ source     true text: what it says is what will run
    Edit*                ── orphans ──▶ Edit*      what makes no sense without them

`livecode.live.narrow` plans what comes out again, until nothing in it is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from livecode.engine.diff import diff
from livecode.engine.facts import absolute
from livecode.engine.forms import Form, Kind, source_lines
from livecode.model.report import Refusal


@dataclass(frozen=True, slots=True)
class Edit:
    """What became of one statement.

    Attributes:
        old: As it runs, None if it is added.
        new: As it is in the new source, None if it is removed.
    """

    old: Form | None
    new: Form | None

    @property
    def form(self) -> Form:
        """The new one, or the old one where it is removed."""
        found = self.new or self.old
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class Version:
    """One module before and after.

    Attributes:
        package: What its relative imports start from.
        old: The source that runs, as forms.
        new: The source to come, as forms.
    """

    package: str
    old: tuple[Form, ...]
    new: tuple[Form, ...]

    def edits(self) -> tuple[Edit, ...]:
        """What the new source does to the old one, lines that only move left out."""
        change = diff(self.old, self.new)
        pairs = [Edit(pair.old, pair.new) for pair in (*change.edited, *change.changed)]
        added, removed = [Edit(None, form) for form in change.added], [Edit(form, None) for form in change.removed]
        return (*pairs, *added, *removed)


def refused(module: str, edits: Sequence[Edit], refusals: Iterable[Refusal]) -> tuple[Edit, ...]:
    """The edits of a module that these refusals are about, by line."""
    found: dict[int, Edit] = {}
    for refusal in refusals:
        for edit in edits if refusal.module == module else ():
            if _is_about(refusal, edit):
                found[id(edit)] = edit
    return tuple(found.values())


def _is_about(refusal: Refusal, edit: Edit) -> bool:
    if refusal.code == "LC101":
        return edit.form.kind is Kind.FUTURE
    if refusal.old_line:
        return edit.old is not None and edit.old.start <= refusal.old_line <= edit.old.end
    return edit.new is not None and edit.new.start <= refusal.line <= edit.new.end


def without(old: str, new: str, version: Version, edits: Sequence[Edit]) -> str:
    """The new source without these edits.

    A changed statement gets its old text, an added one is left out, a removed one is put back behind the one that it
    stood behind, together with the comments before it.

    Args:
        old: The source that runs.
        new: The source to come.
        version: Both as forms.
        edits: Some of `version.edits()`.
    """
    old_lines, new_lines = source_lines(old), source_lines(new)
    replaced: dict[int, tuple[int, list[str]]] = {}
    for edit in edits:
        if edit.new is not None:
            replaced[edit.new.start - 1] = (edit.new.end, source_lines(edit.old.text) if edit.old else [])
    inserted: dict[int, list[str]] = {}
    for position, lines in _put_back(old_lines, version, edits):
        inserted.setdefault(position, []).extend(lines)
    made: list[str] = []
    number = 0
    while number <= len(new_lines):
        made += inserted.get(number, ())
        if number in replaced:
            number, lines = replaced[number]
            made += lines
        else:
            made += new_lines[number : number + 1]
            number += 1
    return "".join(made)


def _put_back(old_lines: Sequence[str], version: Version, edits: Sequence[Edit]) -> Iterator[tuple[int, list[str]]]:
    """For every removed statement of `edits` the number of new lines before it, and its lines."""
    wanted = {id(edit.old) for edit in edits if edit.new is None}
    change = diff(version.old, version.new)
    partner = {id(pair.old): pair.new for pair in (*change.same, *change.edited, *change.changed)}
    position, before = version.new[0].start - 1 if version.new else 0, 0
    for form in version.old:
        if id(form) in wanted:
            yield position, list(old_lines[before or form.start - 1 : form.end])
        elif id(form) in partner:
            position = partner[id(form)].end
        before = form.end if position else 0


def orphans(versions: Mapping[str, Version], wished: Mapping[str, Sequence[Form]]) -> dict[str, tuple[Edit, ...]]:
    """By module, the edits that cannot stand without what was left out before.

    A statement that names what only a statement that is left out would bind goes with it; a removed statement stays if
    one that was put back names what it binds.

    Args:
        versions: What runs, and what is left of the edit.
        wished: The forms of the whole edit.
    """
    here = {name: _bound(version.new) for name, version in versions.items()}
    lost = {name: _bound(wished[name]) - here[name] for name in versions}
    gone = {name: _bound(version.old) - here[name] for name, version in versions.items()}
    found: dict[str, tuple[Edit, ...]] = {}
    for name, version in versions.items():
        edits = version.edits()
        back = _needed({form.text for form in wished[name]}, name, versions, gone)
        found[name] = tuple(
            edit
            for edit in edits
            if (edit.new is not None and _needs(edit.new, name, version.package, lost))
            or (edit.new is None and edit.old is not None and back.intersection(edit.old.names.binds))
        )
    return {name: edits for name, edits in found.items() if edits}


def _bound(forms: Iterable[Form]) -> set[str]:
    return {name for form in forms for name in form.names.binds}


def _needs(form: Form, module: str, package: str, missing: Mapping[str, set[str]]) -> bool:
    """True if a statement of `module` names, or imports, what is missing."""
    return bool(form.shape.mentions & missing[module]) or any(
        item.name in missing.get(absolute(package, item.module, item.level), ()) for item in form.names.imports
    )


def _needed(kept: set[str], module: str, versions: Mapping[str, Version], gone: Mapping[str, set[str]]) -> set[str]:
    """The names that `module` no longer binds, but that a statement needs which was put back.

    Args:
        kept: The texts of the statements that `module` was to have.
        module: The module.
        versions: What runs, and what is left of the edit.
        gone: The names that each module no longer binds.
    """
    put_back = [form for form in versions[module].new if form.text not in kept]
    return {name for form in put_back for name in gone[module] & form.shape.mentions}
