"""A quicker way to build the values that every step builds.

Calling a NamedTuple's class runs a function written in Python; ``tuple.__new__`` does the
same work in half the time.  It checks neither the number of fields nor their types, so
it is for the few places that are passed with every frame.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, TypeVar, cast

__all__ = ["new_record"]

_Record = TypeVar("_Record", bound=tuple[object, ...])


class _NewRecord(Protocol):
    def __call__(self, cls: type[_Record], fields: tuple[object, ...], /) -> _Record: ...


# Typeshed leaves the type of what a tuple is made from open.
new_record: Final = cast(
    _NewRecord,
    cast(Callable[..., object], tuple.__new__),  # pyright: ignore[reportUnknownMemberType]
)
