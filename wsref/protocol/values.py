"""Immutable objects with slots, for what is not a tuple.

Events are values, but no tuples: two of different classes are never equal, whatever they
hold.  The standard library's frozen dataclasses would do; but making twenty of them
takes longer than importing all the rest of the core.
"""

from __future__ import annotations

from typing import ClassVar, Final

__all__ = ["Value", "put"]

#: Fills in an attribute of a value that is being made.
put: Final = object.__setattr__


class Value:
    """Immutable, and equal to others of its class that hold the same.

    A subclass names what counts in ``__match_args__``, in the order of its constructor's
    arguments.
    """

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()

    def content(self) -> tuple[object, ...]:
        """Return what counts, in order."""
        return tuple([getattr(self, name) for name in self.__match_args__])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Value) or other.__class__ is not self.__class__:
            return NotImplemented
        return self.content() == other.content()

    def __hash__(self) -> int:
        return hash((self.__class__, self.content()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
        return f"{self.__class__.__name__}({shown})"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{self.__class__.__name__}.{name} cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{self.__class__.__name__}.{name} cannot be deleted")
