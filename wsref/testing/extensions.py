"""Sec-WebSocket-Extensions and permessage-deflate (RFC 6455 §9.1, RFC 7692 §7).

A header can be good, break the grammar, or be good and still offer what cannot be accepted:
:func:`extension_headers`, :func:`broken_extension_headers`, :func:`declinable_offers`.  Only the
second is an error of the handshake; the third is merely declined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Final, NamedTuple, TypeAlias, TypeVar

from hypothesis import strategies as st

from ..protocol.deflate import PERMESSAGE_DEFLATE, DeflateOffer, DeflateParameters, offer_extension
from ..protocol.headers import Extension, is_token

__all__ = [
    "BrokenHeader",
    "Declined",
    "ExtensionHeader",
    "broken_extension_headers",
    "declinable_offers",
    "deflate_offers",
    "deflate_parameters",
    "extension_headers",
    "extensions",
    "misfitting_answers",
    "spellings",
    "tokens",
]

_TOKEN_CHARACTERS: Final = "".join(chr(code) for code in range(0x7F) if is_token(chr(code)))


class ExtensionHeader(NamedTuple):
    """Values of Sec-WebSocket-Extensions, and what they say.

    Attributes:
        values: of one field or several, to be sent in this order.
        extensions: what they list.
    """

    values: tuple[str, ...]
    extensions: tuple[Extension, ...]


class BrokenHeader(NamedTuple):
    """A value of Sec-WebSocket-Extensions that breaks the grammar.

    Attributes:
        value: the value.
        clauses: the ids of the requirements broken.
    """

    value: str
    clauses: tuple[str, ...]


class Declined(NamedTuple):
    """An element of Sec-WebSocket-Extensions that is good grammar and bad permessage-deflate.

    Attributes:
        extension: the element.
        clauses: the ids of the requirements because of which it is declined or refused.
    """

    extension: Extension
    clauses: tuple[str, ...]


def tokens(max_size: int = 12) -> st.SearchStrategy[str]:
    """Draw a token of HTTP: visible ASCII without separators (RFC 6455 §4.3).

    Args:
        max_size: the most characters.

    Shrinks to ``"0"``.
    """
    return _tokens(max_size)


@cache
def _tokens(max_size: int) -> st.SearchStrategy[str]:
    return st.text(_TOKEN_CHARACTERS, min_size=1, max_size=max_size)


def extensions() -> st.SearchStrategy[Extension]:
    """Draw an extension with parameters, with and without values: any tokens (RFC 6455 §9.1).

    Shrinks to one called ``"0"`` without parameters.
    """
    return _EXTENSIONS


_EXTENSIONS: Final = st.builds(
    Extension,
    tokens(),
    st.lists(st.tuples(tokens(), st.one_of(st.none(), tokens())), max_size=3).map(tuple),
)


def extension_headers(
    elements: st.SearchStrategy[Extension] | None = None, *, max_size: int = 3
) -> st.SearchStrategy[ExtensionHeader]:
    """Draw values of Sec-WebSocket-Extensions, spelled in any legal way (RFC 6455 §9.1).

    Args:
        elements: the extensions to list; any by default.
        max_size: the most extensions.

    Shrinks to one extension in the plainest spelling.
    """
    listed = st.lists(elements or extensions(), min_size=1, max_size=max_size)
    return listed.flatmap(
        lambda chosen: spellings(tuple(chosen)).map(
            lambda values: ExtensionHeader(values, tuple(chosen))
        )
    )


def spellings(listed: tuple[Extension, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    """Draw a way to write *listed* in Sec-WebSocket-Extensions (RFC 6455 §9.1).

    White space around separators, values in quotes with or without backslashes, elements in one
    field or in several, empty elements between commas: none of that means anything.

    Args:
        listed: at least one extension.

    Shrinks to one field with ``"; "`` and ``", "`` as separators and nothing in quotes.
    """
    return _spelled(listed)


@st.composite
def _spelled(draw: st.DrawFn, listed: tuple[Extension, ...]) -> tuple[str, ...]:
    return spell(draw, listed)


def spell(draw: st.DrawFn, listed: tuple[Extension, ...]) -> tuple[str, ...]:
    """Write *listed* as :func:`spellings` does, where something else is being drawn."""
    elements: list[str] = []
    for name, parameters in listed:
        element = name
        for parameter, value in parameters:
            element += f"{draw(_SPACE)};{draw(_BEHIND)}{parameter}"
            if value is not None:
                element += f"{draw(_SPACE)}={draw(_SPACE)}{draw(_QUOTING)(value)}"
        elements.append(element)
    return join(draw, elements)


def join(draw: st.DrawFn, elements: Iterable[str]) -> tuple[str, ...]:
    """Write a list: in one field or in several, with or without white space and empty elements."""
    fields: list[str] = []
    for element in elements:
        comma = draw(_COMMA)
        if fields and comma != "\n":
            fields[-1] += comma + element
        else:  # a field of its own
            fields.append(element)
    return tuple(fields)


_SPACE: Final = st.sampled_from(["", " ", "\t "])
_BEHIND: Final = st.sampled_from([" ", "", "\t "])
_COMMA: Final = st.sampled_from([", ", ",", " ,\t", ", ,", "\n"])
_QUOTING: Final[st.SearchStrategy[Callable[[str], str]]] = st.sampled_from(
    [
        lambda value: value,
        lambda value: f'"{value}"',
        lambda value: '"' + "".join(f"\\{character}" for character in value) + '"',
        lambda value: f'"\\{value}"',
    ]
)


def broken_extension_headers(*clauses: str) -> st.SearchStrategy[BrokenHeader]:
    """Draw a value of Sec-WebSocket-Extensions that breaks the grammar (RFC 6455 §9.1, §4.3).

    An endpoint that reads it does not open the connection.

    Args:
        clauses: the ids of the requirements to break; any of them by default.

    Raises:
        ValueError: no value breaks these.

    Shrinks to ``";"``.
    """
    return _breaking(_BROKEN, clauses)


#: What cannot be an extension with its parameters, the shortest first.
_NOT_ELEMENTS: Final = (
    ";",
    "=",
    "@",
    "\xe9",
    "0;",
    "0 0",
    "0/0",
    '"0"',
    "0;; 0",
    "0; @",
    "0; =0",
    "0; 0=",
    "0; 0=;",
    "0; 0 0",
    '0; 0="0',
    '0; 0="0\\',
    '0; 0="0"0',
    "0; 0=0 0",
    "0; 0=0=0",
    "0; 0=(0)",
)

#: Quoted values that are no tokens once the quotes are gone.
_NOT_TOKENS: Final = (
    '0; 0=""',
    '0; 0=" "',
    '0; 0="0 0"',
    '0; 0="0,0"',
    '0; 0="\\""',
    '0; 0="\xe9"',
)


def _broken(elements: tuple[str, ...], clauses: _Clauses) -> st.SearchStrategy[BrokenHeader]:
    return st.tuples(
        st.sampled_from(["", "permessage-deflate, ", "0, "]),
        st.sampled_from(elements),
        st.sampled_from(["", ", permessage-deflate"]),
    ).map(lambda parts: BrokenHeader("".join(parts), clauses))


_Clauses: TypeAlias = tuple[str, ...]
_T = TypeVar("_T")

_GRAMMAR: Final = ("RFC6455-9.1-01", "RFC6455-4.3-02")
_QUOTED: Final = ("RFC6455-4.3-01", "RFC6455-9.1-02")

_BROKEN: Final[dict[_Clauses, st.SearchStrategy[BrokenHeader]]] = {
    _GRAMMAR: _broken(_NOT_ELEMENTS, _GRAMMAR),
    _QUOTED: _broken(_NOT_TOKENS, _QUOTED),
}


def _breaking(
    branches: dict[_Clauses, st.SearchStrategy[_T]], clauses: _Clauses
) -> st.SearchStrategy[_T]:
    """Choose the branches that break one of *clauses*; all if there are none."""
    chosen = [
        branch
        for broken, branch in branches.items()
        if not clauses or not set(clauses).isdisjoint(broken)
    ]
    if not chosen:
        raise ValueError(f"clauses: no such thing breaks any of {', '.join(clauses)}")
    return st.one_of(chosen)


# permessage-deflate

_BITS: Final = st.sampled_from([15, 14, 13, 12, 11, 10, 9, 8])


def deflate_parameters() -> st.SearchStrategy[DeflateParameters]:
    """Draw what can be agreed on about permessage-deflate (RFC 7692 §7.1).

    Shrinks to the default: context takeover and 15 bits in both directions.
    """
    return _PARAMETERS


_PARAMETERS: Final = st.builds(DeflateParameters, st.booleans(), st.booleans(), _BITS, _BITS)


def deflate_offers() -> st.SearchStrategy[DeflateOffer]:
    """Draw a legal offer of permessage-deflate (RFC 7692 §7.1).

    :func:`wsref.protocol.deflate.offer_extension` gives the element that makes it.

    Shrinks to the offer without any parameters.
    """
    return _OFFERS


_OFFERS: Final = st.builds(
    DeflateOffer,
    st.booleans(),
    st.booleans(),
    st.one_of(st.none(), _BITS),
    st.one_of(st.none(), st.just(True), _BITS),
)

_Parameter: TypeAlias = tuple[str, str | None]

_FLAGS: Final = ("server_no_context_takeover", "client_no_context_takeover")
_WINDOWS: Final = ("server_max_window_bits", "client_max_window_bits")

#: Values that no window has: out of range, with zeros before or behind, not decimal.
_NO_BITS: Final = ("16", "7", "0", "08", "015", "8.0", "0x8", "-8", "+8", "a", "1e1", "108")


def declinable_offers(*clauses: str) -> st.SearchStrategy[Declined]:
    """Draw an offer of permessage-deflate that a server has to decline (RFC 7692 §7).

    The handshake is good; the answer is a 101 that does not accept this offer.

    Args:
        clauses: the ids of the requirements to break; any of them by default.

    Raises:
        ValueError: no offer breaks these.

    Shrinks to ``permessage-deflate; x``, a parameter that nobody knows.
    """
    return _breaking(_DECLINABLE, clauses)


def misfitting_answers(*clauses: str) -> st.SearchStrategy[Declined]:
    """Draw an answer that a client has to refuse, whatever it offered (RFC 7692 §7).

    Nothing else is wrong if the offer was ``permessage-deflate; client_max_window_bits``.

    Args:
        clauses: the ids of the requirements to break; any of them by default.

    Raises:
        ValueError: no answer breaks these.

    Shrinks to ``permessage-deflate; x``.
    """
    return _breaking(_MISFITTING, clauses)


def _among_others(parameters: list[_Parameter], clause: str) -> st.SearchStrategy[Declined]:
    """Put one of *parameters*, which are bad, among good ones."""

    def element(parts: tuple[_Parameter, DeflateParameters, int]) -> Declined:
        parameter, others, position = parts
        # With values for both windows they are good in an offer and in an answer.
        good = offer_extension(DeflateOffer(*others)).parameters
        listed = [other for other in good if other[0] != parameter[0]]
        listed.insert(position, parameter)
        return Declined(Extension(PERMESSAGE_DEFLATE, tuple(listed)), (clause,))

    return st.one_of(
        st.sampled_from(parameters).map(
            lambda parameter: Declined(Extension(PERMESSAGE_DEFLATE, (parameter,)), (clause,))
        ),
        st.tuples(st.sampled_from(parameters), _PARAMETERS, st.integers(0, 4)).map(element),
    )


def _twice(clause: str) -> st.SearchStrategy[Declined]:
    """Give one parameter twice, with values that are good."""
    return st.tuples(st.sampled_from(_FLAGS + _WINDOWS), _BITS, _BITS).map(
        lambda parts: Declined(
            Extension(
                PERMESSAGE_DEFLATE,
                tuple((parts[0], None if parts[0] in _FLAGS else str(bits)) for bits in parts[1:]),
            ),
            (clause,),
        )
    )


_UNKNOWN: Final[list[_Parameter]] = [("x", None), ("max_window_bits", "8"), ("Server_x", "0")]
_WRONG_BITS: Final[list[_Parameter]] = [(name, bits) for name in _WINDOWS for bits in _NO_BITS]
_VALUED_FLAGS: Final[list[_Parameter]] = [(name, "1") for name in _FLAGS]
_NO_VALUES: Final[list[_Parameter]] = [(name, None) for name in _WINDOWS]

_DECLINABLE: Final[dict[_Clauses, st.SearchStrategy[Declined]]] = {
    ("RFC7692-7-01",): _among_others(_UNKNOWN, "RFC7692-7-01"),
    ("RFC7692-7-02",): _among_others(_WRONG_BITS, "RFC7692-7-02"),
    ("RFC7692-7-03",): _among_others(_VALUED_FLAGS, "RFC7692-7-03"),
    ("RFC7692-7-04",): _among_others(_NO_VALUES[:1], "RFC7692-7-04"),
    ("RFC7692-7-05",): _twice("RFC7692-7-05"),
}
_MISFITTING: Final[dict[_Clauses, st.SearchStrategy[Declined]]] = {
    ("RFC7692-7-07",): _among_others(_UNKNOWN, "RFC7692-7-07"),
    ("RFC7692-7-08",): _among_others([*_WRONG_BITS, *_VALUED_FLAGS, *_NO_VALUES], "RFC7692-7-08"),
    ("RFC7692-7-09",): _twice("RFC7692-7-09"),
}
