"""Grammar of the Sec-WebSocket-* headers: tokens, lists, extensions (RFC 6455 §4.3, §9.1).

A list of extensions is written like this::

    permessage-deflate; client_max_window_bits; server_max_window_bits="10", x-other
    └───── name ─────┘  └──── parameter ─────┘  └──── parameter ─────┘ └┬─┘  └ name┘
                                                                      value

A header may be split over several fields; they count as one list, in order.  Commas with
nothing between them are allowed, as in all lists of HTTP, and so is white space around
every separator.  A value can be quoted, with backslashes as escapes; what is left without
them has to be a token all the same, so quoting never changes what a value means.

Each parser walks over its input once: the time is linear whatever a peer sends.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from .violations import Violation

__all__ = [
    "Extension",
    "is_token",
    "parse_extensions",
    "parse_tokens",
    "serialize_extensions",
    "shown",
]

_TOKEN_CHARACTERS: Final = frozenset(
    "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
_SPACE: Final = " \t"


class Extension(NamedTuple):
    """An extension as a header lists it: offered, or accepted.

    Attributes:
        name: a token.
        parameters: names with their values, both tokens, in order; None where there is no
            value.  Names may repeat: whether that is an error is for the extension to say.
    """

    name: str
    parameters: tuple[tuple[str, str | None], ...] = ()


def is_token(text: str) -> bool:
    """Whether *text* is a token of HTTP: visible ASCII without separators, not empty.

    The names of extensions and subprotocols are (RFC 6455 §11.4, §11.5).
    """
    return bool(text) and _TOKEN_CHARACTERS.issuperset(text)


def parse_tokens(values: Iterable[str], clause: str = "RFC6455-4.3-06") -> tuple[str, ...]:
    """Read a comma list of tokens.

    Args:
        values: the values of all fields of one header, in order.
        clause: the requirement that is broken if an element is not a token.

    Returns:
        The tokens as written; none if there are only empty elements.

    Raises:
        Violation: an element is not a token.
    """
    tokens: list[str] = []
    for value in values:
        for element in value.split(","):
            token = element.strip(_SPACE)
            if is_token(token):
                tokens.append(token)
            elif token:
                raise Violation(clause, f"{shown(token)} in a list of tokens is not a token")
    return tuple(tokens)


def parse_extensions(values: Iterable[str]) -> tuple[Extension, ...]:
    """Read the header Sec-WebSocket-Extensions (RFC 6455 §9.1, §11.3.2).

    Args:
        values: the values of all its fields, in order; none if there is no such header.

    Raises:
        Violation: the header breaks the grammar, or is there and names no extension.
    """
    fields = tuple(values)
    extensions: list[Extension] = []
    for value in fields:
        extensions.extend(_Reader(value).read_list())
    if fields and not extensions:
        raise Violation("RFC6455-9.1-01", "Sec-WebSocket-Extensions names no extension")
    return tuple(extensions)


def serialize_extensions(extensions: Iterable[Extension]) -> str:
    """Write extensions as one value of the header Sec-WebSocket-Extensions.

    Raises:
        ValueError: a name or value is not a token, or there is no extension: then the header
            has to be left out (RFC 6455 §4.2.2).
    """
    elements: list[str] = []
    for name, parameters in extensions:
        parts = [_checked_token(name)]
        for parameter, value in parameters:
            part = _checked_token(parameter)
            parts.append(part if value is None else f"{part}={_checked_token(value)}")
        elements.append("; ".join(parts))
    if not elements:
        raise ValueError("extensions: a header has to name at least one")
    return ", ".join(elements)


def shown(text: str, length: int = 64) -> str:
    """Return a peer's text as a message may show it: escaped, and at most *length* of it."""
    return repr(text) if len(text) <= length else f"{text[:length]!r}..."


def _checked_token(text: str) -> str:
    if not is_token(text):
        raise ValueError(f"extensions: {text!r} is not a token")
    return text


class _Reader:
    """A position in one field of Sec-WebSocket-Extensions that only moves forward."""

    def __init__(self, value: str) -> None:
        self._value = value
        self._position = 0

    def read_list(self) -> list[Extension]:
        extensions: list[Extension] = []
        self._skip_space()
        while character := self._next():
            if character == ",":
                self._step_over()
                continue
            extensions.append(self._read_extension())
            if self._next() not in ("", ","):
                raise self._broken(f"unexpected {self._next()!r}")
        return extensions

    def _read_extension(self) -> Extension:
        name = self._read_token("the name of an extension")
        parameters: list[tuple[str, str | None]] = []
        while self._next() == ";":
            self._step_over()
            parameter = self._read_token("the name of a parameter")
            value: str | None = None
            if self._next() == "=":
                self._step_over()
                quoted = self._next() == '"'
                value = self._read_quoted() if quoted else self._read_token("a parameter's value")
            parameters.append((parameter, value))
        return Extension(name, tuple(parameters))

    def _read_token(self, what: str) -> str:
        start = self._position
        while (character := self._next()) and character in _TOKEN_CHARACTERS:
            self._position += 1
        if self._position == start:
            raise self._broken(f"{what} is missing")
        token = self._value[start : self._position]
        self._skip_space()
        return token

    def _read_quoted(self) -> str:
        characters: list[str] = []
        self._position += 1
        while (character := self._next()) != '"':
            if character == "\\":  # the next one counts as it is
                self._position += 1
                character = self._next()
            if not character:
                raise self._broken("a quoted value does not end")
            characters.append(character)
            self._position += 1
        self._step_over()
        value = "".join(characters)
        if not is_token(value):
            raise Violation(
                "RFC6455-4.3-01", f"the quoted value {shown(value)} of a parameter is not a token"
            )
        return value

    def _next(self) -> str:
        """Return the character at the position, or an empty string at the end."""
        return self._value[self._position : self._position + 1]

    def _step_over(self) -> None:
        """Pass a separator and the white space behind it."""
        self._position += 1
        self._skip_space()

    def _skip_space(self) -> None:
        while (character := self._next()) and character in _SPACE:
            self._position += 1

    def _broken(self, what: str) -> Violation:
        where = f"at index {self._position} of {shown(self._value)}"
        return Violation("RFC6455-9.1-01", f"Sec-WebSocket-Extensions: {what} {where}")
