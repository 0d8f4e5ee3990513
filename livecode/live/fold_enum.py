"""Folds a rebuilt enum into the one that exists: members keep their identity, new ones come, removed ones go."""

from __future__ import annotations

from typing import Any

from livecode.live.contents import restore_container
from livecode.live.journal import Journal, Step, set_attribute, set_class_attribute

MASKS = ("_flag_mask_", "_singles_mask_", "_all_bits_", "_inverted_", "_boundary_")


def fold_enum(old: Any, new: Any, journal: Journal) -> None:
    """Brings the members of `old` to those of `new`.

    Args:
        old: The enum that exists.
        new: The same enum, built from the new source.
        journal: Notes every change.
    """
    for container in (old._member_map_, old._member_names_, old._value2member_map_):
        journal.note(restore_container(container))
    for name, member in list(old._member_map_.items()):
        if name not in new._member_map_:
            _take_away(old, name, member, journal)
    for name, member in new._member_map_.items():
        mine = old._member_map_.get(name)
        if mine is None:
            _add(old, new, name, member, journal)
        else:
            _update(old, mine, member, journal)
    old._member_names_[:] = new._member_names_
    order = {name: old._member_map_[name] for name in new._member_map_}
    old._member_map_.clear()
    old._member_map_.update(order)
    journal.do(*(set_class_attribute(old, name, new.__dict__[name]) for name in MASKS if name in new.__dict__))


def _take_away(old: Any, name: str, member: Any, journal: Journal) -> None:
    del old._member_map_[name]
    old._value2member_map_.pop(_hashable(member._value_), None)
    if name in old.__dict__:
        value = old.__dict__[name]
        journal.note(lambda: type.__setattr__(old, name, value))
        type.__delattr__(old, name)


def _add(old: Any, new: Any, name: str, member: Any, journal: Journal) -> None:
    if new._member_map_[name]._name_ != name:  # an alias: another name for a member that exists
        mine = old._member_map_[member._name_]
    else:
        mine = _moved(member, old, journal)
        mine._sort_order_ = getattr(member, "_sort_order_", len(old._member_names_))
        value = _hashable(member._value_)
        if value is not None:
            old._value2member_map_[value] = mine
    old._member_map_[name] = mine
    journal.do(set_class_attribute(old, name, mine))


def _moved(member: Any, old: Any, journal: Journal) -> Any:
    """The new member itself, as a member of the class that exists."""
    before = type(member)
    journal.do(Step(lambda: _set_class(member, old), lambda: _set_class(member, before)))
    if "__objclass__" in member.__dict__:
        member.__objclass__ = old
    return member


def _set_class(member: Any, cls: type) -> None:
    object.__setattr__(member, "__class__", cls)


def _update(old: Any, mine: Any, member: Any, journal: Journal) -> None:
    if mine._value_ != member._value_ and mine._name_ == member._name_:
        value = _hashable(mine._value_)
        if value is not None and old._value2member_map_.get(value) is mine:
            del old._value2member_map_[value]
        journal.do(set_attribute(mine, "_value_", member._value_))
        value = _hashable(member._value_)
        if value is not None:
            old._value2member_map_[value] = mine


def _hashable(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return None
    return value
