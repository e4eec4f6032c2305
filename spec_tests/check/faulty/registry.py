"""The list of faulty servers, and that of servers that are unusual but right.

A fault is a class with a decorator::

    @fault("constant-accept", "RFC6455-4.2.2-19")
    class ConstantAccept(EchoServer):
        '''Sends the same Sec-WebSocket-Accept whatever the key.'''

Its name is that of its module and the one given, its description is its docstring.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, TypeVar

from .server import EchoServer

__all__ = ["Fault", "Level", "Variation", "fault", "faults", "legal", "variations"]

Level: TypeAlias = Literal["MUST", "SHOULD"]
Class = TypeVar("Class", bound=type[EchoServer])


@dataclass(frozen=True)
class Fault:
    """A server with one fault.

    Attributes:
        name: topic and name, such as ``framing/little-endian-16``.
        requirement_ids: what it breaks; a checker should cite one of them.
        level: whether that is a MUST, or a SHOULD or a matter that the table of ambiguities
            has as a warning.
        description: what it does.
        server_class: the server.
    """

    name: str
    requirement_ids: tuple[str, ...]
    level: Level
    description: str
    server_class: type[EchoServer]

    @property
    def topic(self) -> str:
        """The module that it is in."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class Variation:
    """A server that does something unusual that is legal.

    Attributes:
        name: topic and name, such as ``legal/fragmented-echo``.
        requirement_ids: what permits it.
        description: what it does.
        server_class: the server.
    """

    name: str
    requirement_ids: tuple[str, ...]
    description: str
    server_class: type[EchoServer]


_FAULTS: Final[dict[str, Fault]] = {}
_VARIATIONS: Final[dict[str, Variation]] = {}


def fault(name: str, *requirement_ids: str, level: Level = "MUST") -> Callable[[Class], Class]:
    """Register a class as a server with one fault; its docstring says which."""

    def register(server_class: Class) -> Class:
        full = _full_name(name, server_class)
        _FAULTS[full] = Fault(
            full, requirement_ids, level, _description(server_class), server_class
        )
        return server_class

    return register


def legal(name: str, *requirement_ids: str) -> Callable[[Class], Class]:
    """Register a class as a server that is unusual but right."""

    def register(server_class: Class) -> Class:
        full = _full_name(name, server_class)
        _VARIATIONS[full] = Variation(
            full, requirement_ids, _description(server_class), server_class
        )
        return server_class

    return register


def faults(topic: str | None = None) -> Mapping[str, Fault]:
    """Return the faults by their names: all of them, or those of one topic."""
    _import_all()
    return MappingProxyType(
        {name: entry for name, entry in _FAULTS.items() if topic in (None, entry.topic)}
    )


def variations() -> Mapping[str, Variation]:
    """Return the legal variations by their names."""
    _import_all()
    return MappingProxyType(_VARIATIONS)


def _import_all() -> None:
    for path in sorted(Path(__file__).parent.glob("*.py")):
        import_module(f"{__package__}.{path.stem}")


def _full_name(name: str, server_class: type[EchoServer]) -> str:
    full = f"{server_class.__module__.rpartition('.')[2]}/{name}"
    if full in _FAULTS or full in _VARIATIONS:
        raise ValueError(f"two servers are called {full}")
    return full


def _description(server_class: type[EchoServer]) -> str:
    if "__doc__" not in vars(server_class) or not server_class.__doc__:
        raise ValueError(f"{server_class.__name__} does not say what is wrong with it")
    return cleandoc(server_class.__doc__)
