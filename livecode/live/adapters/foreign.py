"""Adapters of other packages, as livecode calls them: what is wrong with one is said with its name.

An adapter is asked while a push is planned and while it is staged. So an error in one means a refusal or a roll back,
and the running code stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from livecode.live.adapters.protocol import Adapter, Registry, Step

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

CONTAINERS = "a list, dict, set or deque, or a `Registry`"


class AdapterError(RuntimeError):
    """An adapter of another package cannot be loaded, is no adapter, or failed."""


def load(point: EntryPoint) -> Adapter:
    """The adapter that an entry point names.

    Raises:
        AdapterError: It cannot be loaded, or is none.
    """
    name = f"the adapter {point.value} (entry point {point.name!r} of {getattr(point.dist, 'name', '?')})"
    try:
        made = point.load()()
    except Exception as error:
        raise AdapterError(f"{name} cannot be loaded: {type(error).__name__}: {error}") from error
    missing = [method for method in _METHODS if not callable(getattr(made, method, None))]
    missing += [method for method in _NEEDED if method not in missing and not implements(made, method)]
    if missing or not isinstance(getattr(made, "framework", None), str):
        what = f"does not implement {', '.join(missing)}" if missing else "does not say its `framework`"
        raise AdapterError(f"{name} {what}: see livecode.live.adapters.protocol.Adapter")
    return Foreign(name, made)


def implements(adapter: Any, method: str) -> bool:
    """True if an adapter does not leave a method as the protocol has it."""
    kind = type(adapter.adapter if isinstance(adapter, Foreign) else adapter)
    return getattr(kind, method, None) is not getattr(Adapter, method)


_NEEDED = ("owns", "registries")


_METHODS = ("owns", "registries", "registered", "filled_by", "taken_over", "concerns", "opened", "renewed", "derived")


class Foreign(Adapter):
    """Another package's adapter.

    Args:
        name: How errors call it.
        adapter: It.
    """

    def __init__(self, name: str, adapter: Adapter) -> None:
        self._name, self.adapter = name, adapter
        self.framework = adapter.framework

    def owns(self, thing: object, /) -> bool:
        """See `Adapter.owns`."""
        with self._named("owns"):
            return bool(self.adapter.owns(thing))

    def registries(self, owner: Any, /) -> list[Any]:
        """See `Adapter.registries`."""
        with self._named("registries"):
            found = list(self.adapter.registries(owner))
            wrong = [each for each in found if not _is_registry(each)]
            if wrong:
                raise TypeError(f"{type(wrong[0]).__name__} is no registry; give {CONTAINERS}")
            return found

    def registered(self, owner: Any, entry: Any, /) -> list[object]:
        """See `Adapter.registered`."""
        with self._named("registered"):
            return list(self.adapter.registered(owner, entry))

    def filled_by(self, owner: Any, method: str, /) -> Any:
        """See `Adapter.filled_by`."""
        with self._named("filled_by"):
            return self.adapter.filled_by(owner, method)

    def taken_over(self, owner: Any, thing: object, /) -> Callable[[object], bool] | None:
        """See `Adapter.taken_over`."""
        with self._named("taken_over"):
            return self.adapter.taken_over(owner, thing)

    def concerns(self, owner: Any, items: Iterable[object], /) -> bool:
        """See `Adapter.concerns`."""
        with self._named("concerns"):
            return bool(self.adapter.concerns(owner, items))

    def opened(self, owner: Any, /) -> AbstractContextManager[object]:
        """See `Adapter.opened`."""
        with self._named("opened"):
            return self.adapter.opened(owner)

    def renewed(self, owner: Any, entry: Any, changed: Collection[object], /) -> Any:
        """See `Adapter.renewed`."""
        with self._named("renewed"):
            return self.adapter.renewed(owner, entry, changed)

    def derived(self, owner: Any, /) -> list[Step]:
        """See `Adapter.derived`."""
        with self._named("derived"):
            steps = list(self.adapter.derived(owner))
            wrong = [each for each in steps if not isinstance(each, Step)]
            if wrong:
                raise TypeError(f"{type(wrong[0]).__name__} is no Step")
            return steps

    @contextmanager
    def _named(self, method: str) -> Iterator[None]:
        try:
            yield
        except AdapterError:
            raise
        except Exception as error:
            raise AdapterError(f"{self._name} failed in {method}(): {type(error).__name__}: {error}") from error


def _is_registry(thing: object) -> bool:
    return isinstance(thing, list | dict | set) or type(thing).__name__ == "deque" or isinstance(thing, Registry)
