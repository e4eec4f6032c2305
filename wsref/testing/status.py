"""Status codes and the bodies of Close frames (RFC 6455 §5.5.1, §7.4).

The codes fall into classes, each with a border that implementations get wrong by one::

    0 ─ below ─ 999 │ 1000 ─ named, 1004-1006 not, registered ─ 1014 │ 1015 not │
    1016 ─ reserved ─ 2999 │ 3000 ─ libraries ─ 3999 │ 4000 ─ private ─ 4999 │ 5000 ─ above
"""

from __future__ import annotations

from functools import cache
from typing import Final, Literal, NamedTuple, TypeAlias

from hypothesis import strategies as st

from .utf8 import near_misses, text_bytes
from .wire import Role

__all__ = [
    "ILLEGAL_STATUS_CLASSES",
    "LEGAL_STATUS_CLASSES",
    "IllegalPayload",
    "StatusClass",
    "clause_against",
    "close_payloads",
    "illegal_close_payloads",
    "reasons",
    "status_codes",
]

#: Classes of status codes; see :func:`status_codes`.
StatusClass: TypeAlias = Literal[
    "named", "registered", "libraries", "private", "never", "below", "reserved", "above"
]

#: The classes whose codes may stand in a Close frame.
LEGAL_STATUS_CLASSES: Final[tuple[StatusClass, ...]] = (
    "named",
    "registered",
    "libraries",
    "private",
)
#: The classes whose codes may not.
ILLEGAL_STATUS_CLASSES: Final[tuple[StatusClass, ...]] = ("never", "below", "reserved", "above")

_NAMED: Final = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011)

#: Codes that mean something, but only to an application: the clauses that keep them off the wire.
_NEVER: Final = {
    1004: "RFC6455-7.4.1-06",
    1005: "RFC6455-7.4.1-07",
    1006: "RFC6455-7.4.1-08",
    1015: "RFC6455-7.4.1-16",
}

_FIXED: Final[dict[StatusClass, tuple[int, ...]]] = {
    "named": _NAMED,
    "registered": (1012, 1013, 1014),
    "never": (1005, 1006, 1015, 1004),
}

#: The classes that are ranges, with the code to shrink to.
_RANGES: Final[dict[StatusClass, tuple[int, int]]] = {
    "libraries": (3000, 3999),
    "private": (4000, 4999),
    "below": (0, 999),
    "reserved": (1016, 2999),
    "above": (5000, 65535),
}


class IllegalPayload(NamedTuple):
    """A payload that breaks a requirement.

    Attributes:
        data: the payload, not masked.
        clauses: the ids of the requirements broken; the first names the fault best.
        status_codes: the codes that fit a Close because of it, the best first.
    """

    data: bytes
    clauses: tuple[str, ...]
    status_codes: tuple[int, ...]


def clause_against(code: int) -> str | None:
    """Return the id of the requirement that keeps *code* off the wire; None if it is legal."""
    if code in _NEVER:
        return _NEVER[code]
    if code < 1000:
        return "RFC6455-7.4.2-01"
    if 1016 <= code <= 2999:
        return "RFC6455-7.4.2-02"
    return "RFC6455-7.4.2-06" if code >= 5000 else None


def status_codes(*classes: StatusClass, role: Role = "client") -> st.SearchStrategy[int]:
    """Draw a status code (RFC 6455 §7.4).

    ============== ========================================================= ==============
    class          codes                                                     may be sent
    ============== ========================================================= ==============
    ``named``      1000 to 1003 and 1007 to 1011 (1010 by clients only)      yes
    ``registered`` 1012 to 1014, registered with IANA after the RFC          yes
    ``libraries``  3000 to 3999, for libraries, frameworks, applications     yes
    ``private``    4000 to 4999, for private agreements                      yes
    ``never``      1004, 1005, 1006, 1015                                    no
    ``below``      0 to 999                                                  no
    ``reserved``   1016 to 2999                                              no
    ``above``      5000 to 65535                                             no
    ============== ========================================================= ==============

    Args:
        classes: which to draw; those that may be sent by default.
        role: who sends the code.

    Shrinks to the first of the classes, and there to its first code: 1000 by default.
    """
    return _status_codes(classes or LEGAL_STATUS_CLASSES, role)


@cache
def _status_codes(classes: tuple[StatusClass, ...], role: Role) -> st.SearchStrategy[int]:
    return st.one_of([_of_class(one, role) for one in classes])


def _of_class(one: StatusClass, role: Role) -> st.SearchStrategy[int]:
    if one in _FIXED:
        excluded = 1010 if role == "server" else None
        return st.sampled_from([code for code in _FIXED[one] if code != excluded])
    first, last = _RANGES[one]
    return st.one_of(st.sampled_from([first, last]), st.integers(first, last))


def reasons(max_size: int = 123) -> st.SearchStrategy[bytes]:
    """Draw the reason of a Close, encoded (RFC 6455 §5.5.1).

    Args:
        max_size: the most bytes; 123 are what fits.

    Shrinks to ``b""``, then to ``b"0"``.  Full length is drawn now and then.
    """
    return _reasons(max_size)


@cache
def _reasons(max_size: int) -> st.SearchStrategy[bytes]:
    full = st.sampled_from([b"0" * max_size, b"a" * max_size])
    return st.one_of(text_bytes(max_size), full)


def close_payloads(role: Role = "client") -> st.SearchStrategy[bytes]:
    """Draw the body of a legal Close: nothing, or a code and perhaps a reason (§5.5.1).

    Args:
        role: who sends it.

    Shrinks to ``b""``, then to code 1000 without a reason.
    """
    return _close_payloads(role)


@cache
def _close_payloads(role: Role) -> st.SearchStrategy[bytes]:
    bodies = st.tuples(status_codes(role=role), st.one_of(st.just(b""), reasons()))
    return st.one_of(st.just(b""), bodies.map(lambda body: _packed(body[0]) + body[1]))


def illegal_close_payloads(*clauses: str) -> st.SearchStrategy[IllegalPayload]:
    r"""Draw the body of a Close that breaks one requirement (RFC 6455 §5.5.1, §7.4).

    A body of one byte, a code that is never on the wire, or a reason that is not UTF-8.  None
    is longer than 125 bytes: that would be a fault of the frame.

    Args:
        clauses: the ids of the requirements to break; any of them by default.

    Raises:
        ValueError: no body of a Close breaks these.

    Shrinks to ``b"\x00"``, one byte.
    """
    return _illegal_close_payloads(clauses)


@cache
def _illegal_close_payloads(clauses: tuple[str, ...]) -> st.SearchStrategy[IllegalPayload]:
    one_byte = st.integers(0, 255).map(
        lambda byte: IllegalPayload(bytes((byte,)), ("RFC6455-5.5.1-03",), (1002,))
    )
    branches: dict[str, st.SearchStrategy[IllegalPayload]] = {"RFC6455-5.5.1-03": one_byte}
    reason = st.one_of(st.just(b""), reasons())
    for code, clause in sorted(_NEVER.items()):
        branches[clause] = _with_code(st.just(code), clause, reason)
    for one in ILLEGAL_STATUS_CLASSES[1:]:
        against = clause_against(_RANGES[one][0])
        if against is not None:
            branches[against] = _with_code(status_codes(one), against, reason)
    branches["RFC6455-5.5.1-05"] = st.tuples(status_codes("named"), near_misses(max_size=123)).map(
        lambda body: IllegalPayload(
            _packed(body[0]) + body[1].data, ("RFC6455-5.5.1-05",), (1007, 1002)
        )
    )
    unknown = [clause for clause in clauses if clause not in branches]
    if unknown:
        raise ValueError(f"clauses: no body of a Close breaks {unknown[0]}")
    return st.one_of([branches[clause] for clause in clauses or branches])


def _with_code(
    codes: st.SearchStrategy[int], clause: str, reason: st.SearchStrategy[bytes]
) -> st.SearchStrategy[IllegalPayload]:
    return st.tuples(codes, reason).map(
        lambda body: IllegalPayload(_packed(body[0]) + body[1], (clause,), (1002,))
    )


def _packed(code: int) -> bytes:
    return code.to_bytes(2, "big")
