"""Where a store is, and the errors that say so: which store, what happened, what to do, and never the password."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from livecode.errors import StoreError
from livecode.fleet.store import without_password

CONNECT_S = 2.0
"""How long a connection may take to be made. Nothing that a worker does may hang on a store."""

ANSWER_S = 5.0
"""How long a store may take to answer one command."""


@dataclass(frozen=True, slots=True)
class Place:
    """The address of a store.

    Attributes:
        url: What to connect to, with its password.
        shown: The same without it: for people.
    """

    url: str = field(repr=False)
    shown: str

    @classmethod
    def of(cls, url: str) -> Place:
        """The place that a URL names."""
        return cls(url, without_password(url))

    def unreachable(self, error: BaseException | str, advice: str) -> StoreError:
        """The error for a store that does not answer; `advice` is what a person can do about it."""
        return StoreError(f"the store {self.shown} does not answer ({self._clean(error)}): {advice}")

    def refusing(self, error: BaseException | str, advice: str) -> StoreError:
        """The error for a store that answers, and refuses; `advice` is what a person can do about it."""
        return StoreError(f"the store {self.shown} refuses ({self._clean(error)}): {advice}")

    def closed(self) -> StoreError:
        """The error for a store that this process has let go."""
        return StoreError(f"the store {self.shown} was closed in this process: open it again")

    def _clean(self, error: BaseException | str) -> str:
        text = " ".join(str(error).split()) or type(error).__name__
        password = urlsplit(self.url).password
        if not password:
            return text
        return text.replace(password, "***").replace(unquote(password), "***")
