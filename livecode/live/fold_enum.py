"""Folds a rebuilt enum into the one that exists: members keep their identity, new ones come, removed ones go.

A member that is also an int, a str, … cannot become another one: where its value changes, the new one takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from livecode.live.journal import Journal, Step, delete_class_attribute, delete_item, set_class_attribute, set_item

MASKS = ("_flag_mask_", "_singles_mask_", "_all_bits_", "_inverted_", "_boundary_")


def fold_enum(old: Any, new: Any, journal: Journal) -> None:
    """Brings the members of `old` to those of `new`.

    Args:
        old: The enum that exists.
        new: The same enum, built from the new source.
        journal: Notes every change.
    """
    members = _members(old, new)
    for name, member in members.items():
        if member is new._member_map_[name]:
            journal.do(*_moved(member, old))
        elif member._name_ == name:
            journal.do(*_updated(member, new._member_map_[name]))
        if old.__dict__.get(name) is not member:
            journal.do(set_class_attribute(old, name, member))
    gone = [name for name in old._member_map_ if name not in members and name in old.__dict__]
    journal.do(*(delete_class_attribute(old, name) for name in gone))
    composed = {value: item for value, item in old._value2member_map_.items() if item._name_ not in old._member_map_}
    by_value = {value: members.get(item._name_, item) for value, item in new._value2member_map_.items()}
    journal.do(
        *_refilled(old._member_map_, members, old.__name__),
        *_refilled(old._value2member_map_, composed | by_value, old.__name__),
        _replaced(old._member_names_, new._member_names_),
        *(set_class_attribute(old, name, new.__dict__[name]) for name in MASKS if name in new.__dict__),
    )


def _members(old: Any, new: Any) -> dict[str, Any]:
    """Name → the member that it stands for from now on; names may be aliases."""
    members: dict[str, Any] = {}
    for name, member in new._member_map_.items():
        mine = old._member_map_.get(name)
        if member._name_ != name:
            members[name] = members[member._name_]
        elif mine is None or mine._name_ != name or not _can_take_over(mine, member):
            members[name] = member
        else:
            members[name] = mine
    return members


def _can_take_over(mine: Any, member: Any) -> bool:
    """True unless the value is what the member itself is made of."""
    if mine._value_ == member._value_:
        return True
    return not isinstance(mine, int | str | float | bytes | tuple | frozenset | complex)


def _moved(member: Any, old: Any) -> Iterator[Step]:
    """The new member itself, as a member of the class that exists."""
    before = type(member)
    put = partial(object.__setattr__, member, "__class__")
    yield Step(partial(put, old), partial(put, before))
    if "__objclass__" in member.__dict__:
        yield set_item(member.__dict__, "__objclass__", old)


def _updated(mine: Any, member: Any) -> Iterator[Step]:
    """What the new member has is given to the one that stays: its value, and what its `__init__` set."""
    for name, value in member.__dict__.items():
        if name != "__objclass__" and (name not in mine.__dict__ or mine.__dict__[name] is not value):
            yield replace(set_item(mine.__dict__, name, value), also=_seen_as(mine, name))
    for name in [name for name in mine.__dict__ if name not in member.__dict__ and name != "__objclass__"]:
        yield replace(delete_item(mine.__dict__, name), also=_seen_as(mine, name))


def _seen_as(mine: Any, name: str) -> tuple[str, ...]:
    """Code gets at what a member has by the names of the enum and of the member, or holds it and asks for its value."""
    return type(mine).__name__, mine._name_, *(("value",) if name == "_value_" else ())


def _refilled(container: dict[Any, Any], content: dict[Any, Any], name: str) -> Iterator[Step]:
    before = container.copy()
    yield Step(container.clear, partial(container.update, before), name=name)
    yield Step(partial(container.update, content), container.clear)


def _replaced(container: list[Any], content: list[Any]) -> Step:
    put = partial(container.__setitem__, slice(None))
    return Step(partial(put, list(content)), partial(put, list(container)))
