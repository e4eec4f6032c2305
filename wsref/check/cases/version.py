"""Versions of the protocol (RFC 6455 §4.2.2, §4.3, §4.4, §11.3.5).

A server that does not support the version asked for refuses it, and says which it supports: so a
client learns what to ask for next.  A version that is missing, repeated or no number is a
malformed request like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from ..catalogue import Case, Facts, Judge
from ..judgements import Gravity, answer_of
from ..opening import Change, adding, repeating, replacing, sending_headers, without
from ..record import Record
from ..verdicts import Finding, fail, info, warn
from .handshakes import accepting, refused_properly, refusing

__all__ = ["CASES", "refuses_version"]

_VERSION: Final = "Sec-WebSocket-Version"

_UNSUPPORTED: Final = "RFC6455-4.2.2-07"
_LISTS_ALL: Final = "RFC6455-4.4-01"
_NUMBERS: Final = "RFC6455-4.3-07"
_IN_REFUSALS: Final = "RFC6455-11.3.5-04"
_MALFORMED: Final = "RFC6455-4.3-04"
_ONCE: Final = "RFC6455-11.3.5-03"
_MISSING: Final = "RFC6455-4.2.1-11"
_BY_RULE: Final = "RFC6455-4.2.1-01"

#: How a version is written: 0 to 255, without zeros before it.
_WRITTEN: Final = frozenset(map(str, range(256)))

#: What is spoken here.
_OURS: Final = "13"


def refuses_version(asked: str, *, gravity: Gravity = fail) -> Judge:
    """Want a version to be refused by an HTTP error that lists those that are supported.

    Args:
        asked: the version.
        gravity: how bad it is to accept it.
    """

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        del facts
        if record.is_open:
            yield gravity(_UNSUPPORTED, f"version {asked} of the protocol was accepted with 101")
        elif record.response is None:
            if record.has_ended and not record.received:
                yield warn(_UNSUPPORTED, f"{answer_of(record)}, which tells no version")
            else:
                yield from refused_properly(record)
        elif record.status is not None and 300 <= record.status < 400:
            yield info(_UNSUPPORTED, f"{answer_of(record)}, which redirects")
        elif record.status is None or not 400 <= record.status <= 599:
            yield fail(_UNSUPPORTED, f"{answer_of(record)}, which is no HTTP error")
        else:
            yield from refused_properly(record)
            yield from _judge_list(record, asked)

    return judge


def _judge_list(record: Record, asked: str) -> Iterator[Finding]:
    """Judge the versions that a refusal lists."""
    assert record.response is not None
    if record.response.get_all(_VERSION):
        listed = _listed(record)
        yield from _judge_grammar(listed)
        yield from _judge_truth(listed, asked)
    else:
        yield fail(_UNSUPPORTED, f"{answer_of(record)}, without a {_VERSION} header")


def _judge_truth(listed: list[str], asked: str) -> Iterator[Finding]:
    if listed and _OURS not in listed:
        yield fail(_LISTS_ALL, f"version 13 is accepted, but the refusal lists {_shown(listed)}")
    if asked in listed and asked in _WRITTEN:
        yield fail(_LISTS_ALL, f"version {asked} is refused, but the refusal lists it")


def _judge_grammar(listed: list[str]) -> Iterator[Finding]:
    if not listed:
        yield fail(_NUMBERS, f"the {_VERSION} header of the refusal is empty")
    for version in listed:
        if version not in _WRITTEN:
            yield fail(_NUMBERS, f"the refusal lists {version!r}, which is no number up to 255")


def _listed(record: Record) -> list[str]:
    if record.response is None:
        return []
    return [version for version in record.response.get_list(_VERSION) if version]


def _shown(listed: list[str]) -> str:
    return repr(", ".join(listed))


def _reads_refusal(
    requirement: str, judge_listed: Callable[[list[str]], Iterable[Finding]]
) -> Judge:
    """Judge only what the refusal of a version says about versions."""

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        del facts
        if record.is_open or record.response is None or (record.status or 0) < 400:
            return  # other cases are about that
        if record.response.get_all(_VERSION):
            yield from judge_listed(_listed(record))
        elif requirement == _IN_REFUSALS:
            yield fail(requirement, f"the refusal of a version has no {_VERSION} header")

    return judge


def _refusal(
    name: str, requirement: str, what: str, judge_listed: Callable[[list[str]], Iterable[Finding]]
) -> Case:
    return refusing(
        name,
        (requirement, _UNSUPPORTED),
        what,
        replacing(_VERSION, "254"),
        judge=_reads_refusal(requirement, judge_listed),
    )


def _refuses_malformed(requirement: str, *, gravity: Gravity = fail) -> Judge:
    """Want a version that breaks the grammar to be refused; the refusal may list versions."""

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        del facts
        if record.is_open:
            yield gravity(requirement, "the handshake was accepted with 101")
            return
        yield from refused_properly(record)
        if record.response is not None and record.response.get_all(_VERSION):
            yield from _judge_grammar(_listed(record))

    return judge


def _unsupported(number: int) -> Case:
    # Version 8 of a draft differs from 13 in next to nothing, so there are servers that speak it.
    gravity = warn if number in (7, 8) else fail
    return refusing(
        f"4.4/unsupported-version-{number}",
        (_UNSUPPORTED, _LISTS_ALL, _IN_REFUSALS, _NUMBERS),
        f"Version {number} is refused by an HTTP error that lists the versions supported.",
        replacing(_VERSION, str(number)),
        judge=refuses_version(str(number), gravity=gravity),
    )


def _malformed(name: str, value: str) -> Case:
    return refusing(
        f"4.3/version-{name}",
        (_MALFORMED, _UNSUPPORTED, _BY_RULE),
        f"A request for version {value!r}, which is no version number, is refused.",
        replacing(_VERSION, value),
        judge=_refuses_malformed(_MALFORMED),
    )


def _repeated(name: str, what: str, *changes: Change, same: bool = False) -> Case:
    return refusing(
        f"11.3.5/{name}",
        (_ONCE, _BY_RULE),
        f"A request with {what} is refused.",
        *changes,
        judge=_refuses_malformed(_ONCE, gravity=warn if same else fail),
    )


CASES: Final[tuple[Case, ...]] = (
    accepting(
        "4.4/version-13",
        ("RFC6455-4.2.2-01", _UNSUPPORTED),
        "Version 13 is supported.",
        replacing(_VERSION, _OURS),
    ),
    *(
        _unsupported(number)
        for number in (0, 1, 4, 6, 7, 8, 9, 10, 11, 12, 14, 15, 25, 26, 99, 100, 130, 131, 213, 255)
    ),
    _refusal(
        "11.3.5/version-in-a-refusal",
        _IN_REFUSALS,
        "The refusal of a version has the header by which a client learns what is supported.",
        lambda listed: (),
    ),
    _refusal(
        "4.4/versions-in-a-refusal",
        _LISTS_ALL,
        "The refusal of a version lists those that are supported, 13 among them, and no other.",
        lambda listed: _judge_truth(listed, "254"),
    ),
    _refusal(
        "4.3/versions-in-a-refusal",
        _NUMBERS,
        "What the refusal of a version lists are numbers up to 255.",
        _judge_grammar,
    ),
    refusing(
        "4.2.1/no-version",
        (_MISSING, _BY_RULE),
        "A request without a version is refused.",
        without(_VERSION),
        judge=_refuses_malformed(_MISSING),
    ),
    *(
        _malformed(name, value)
        for name, value in (
            ("empty", ""),
            ("with-leading-zero", "013"),
            ("with-two-leading-zeros", "0013"),
            ("with-fraction", "13.0"),
            ("with-point", "13."),
            ("negative", "-13"),
            ("with-plus-sign", "+13"),
            ("a-word", "abc"),
            ("with-a-word-behind", "13abc"),
            ("with-a-word-before", "v13"),
            ("of-two-words", "13 websocket"),
            ("in-quotes", '"13"'),
            ("with-parameter", "13;q=1"),
            ("in-hexadecimal", "0x0D"),
            ("with-exponent", "13e0"),
            ("in-letters", "thirteen"),
            ("with-space-inside", "1 3"),
            ("256", "256"),
            ("269", "269"),
            ("1300", "1300"),
            ("65549", "65549"),
            ("4294967309", "4294967309"),
            ("with-comma-behind", "13,"),
            ("with-comma-before", ",13"),
            ("in-other-digits", "\xb9\xb3"),
        )
    ),
    _repeated("version-13-and-8-in-two-lines", "two versions", adding(_VERSION, "8")),
    _repeated(
        "version-8-and-13-in-two-lines",
        "two versions, 13 behind the other",
        sending_headers(lambda fields: ((_VERSION, "8"), *fields)),
    ),
    _repeated(
        "version-99-and-13-in-two-lines",
        "two versions, one of which does not exist",
        replacing(_VERSION, "99", _OURS),
    ),
    _repeated("version-and-an-empty-one", "a second version that is empty", adding(_VERSION, "")),
    _repeated("version-list-13-8", "the versions 13 and 8 in a list", replacing(_VERSION, "13, 8")),
    _repeated("version-list-8-13", "the versions 8 and 13 in a list", replacing(_VERSION, "8, 13")),
    _repeated(
        "version-list-without-space", "the versions 8,7,13 in a list", replacing(_VERSION, "8,7,13")
    ),
    _repeated(
        "version-list-13-13", "13 and 13 in a list", replacing(_VERSION, "13, 13"), same=True
    ),
    _repeated("same-version-twice", "version 13 twice", repeating(_VERSION), same=True),
)
