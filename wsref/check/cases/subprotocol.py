"""Subprotocols (RFC 6455 §4.2.2, §4.3, §11.3.4; RFC 7936).

Which subprotocols a server knows cannot be found out by asking it.  So it is offered some that are
well-known, or those that the user names, each way that the grammar allows; what it answers
is judged by :mod:`..oracle`: one of those offered, in one line, or no header at all.  If it chose
one of them, further cases make sure that it does so however the offer is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

from ...protocol.headers import is_token, shown
from ..catalogue import Case, Facts, Judge, Need, case
from ..judgements import Gravity, answer_of
from ..opening import SUBPROTOCOLS, Change, adding, offering_subprotocols, replacing
from ..record import Record
from ..verdicts import Finding, fail, info, warn
from .handshakes import does_either, opened_by, refused_properly, works

__all__ = ["CASES"]

_HEADER: Final = "Sec-WebSocket-Protocol"

_OFFERED: Final = "RFC6455-4.2.2-09"
_NONE: Final = "RFC6455-4.2.2-10"
_NOT_EMPTY: Final = "RFC6455-4.2.2-11"
_ONE: Final = "RFC6455-4.2.2-12"
_GRAMMAR: Final = "RFC6455-4.3-06"
_LINES: Final = "RFC6455-11.3.4-02"
_HEADER_ONCE: Final = "RFC6455-11.3.4-03"
_CASE: Final = "RFC7936-2-01"

#: Names that no server knows.
_UNKNOWN: Final = ("x-wsref-7f3a", "x-wsref-91c0")

#: For offers that a client should not make.
_may_be_refused: Final = does_either("RFC6455-4.2.2-01")

_Names: TypeAlias = tuple[str, ...]


def _chosen(record: Record) -> str | None:
    """Return what the server has chosen, if it accepts; None if nothing."""
    if record.response is None or not record.is_open:
        return None
    return record.response.get(_HEADER)


def _has_answered(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want an acceptance that works, or a refusal: an application may insist on a subprotocol."""
    if record.is_open:
        yield from works("RFC6455-4.2.2-01")(record, facts)
        return
    findings = list(refused_properly(record))
    yield from findings or [info(_NONE, f"none is agreed on, so {answer_of(record)}")]


def _offer(
    name: str,
    what: str,
    change: Change,
    *,
    requirement: str = _OFFERED,
    judge: Judge = _has_answered,
    needs: Iterable[Need] = (),
) -> Case:
    clauses = (requirement, _OFFERED, _ONE, _HEADER_ONCE)
    return case(
        name,
        tuple(dict.fromkeys(clauses)),
        what,
        opened_by(change),
        judge,
        needs=needs,
        opens=False,
    )


def _lines(*values: str) -> Change:
    return replacing(_HEADER, *values)


# What is offered in any case


def _none_chosen(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want nothing to be chosen that nobody can know, unless the server takes everything."""
    yield from _has_answered(record, facts)
    chosen = _chosen(record)
    if chosen in _UNKNOWN:
        yield info(_NONE, f"the server agrees on {chosen}, which does not exist")


_OFFERS: Final = (
    _offer(
        "4.2.2/unknown-subprotocol",
        "Of a subprotocol that does not exist nothing is said in the 101.",
        _lines(_UNKNOWN[0]),
        requirement=_NONE,
        judge=_none_chosen,
    ),
    _offer(
        "4.2.2/two-unknown-subprotocols",
        "Of two subprotocols that do not exist nothing is said in the 101.",
        _lines(", ".join(_UNKNOWN)),
        requirement=_NONE,
        judge=_none_chosen,
    ),
    _offer(
        "11.3.4/unknown-subprotocols-in-two-lines",
        "Of two subprotocols that do not exist, in two lines, nothing is said in the 101.",
        _lines(*_UNKNOWN),
        requirement=_NONE,
        judge=_none_chosen,
    ),
    _offer(
        "4.2.2/many-unknown-subprotocols",
        "Of 50 subprotocols that do not exist nothing is said in the 101.",
        _lines(", ".join(f"x-wsref-{number}" for number in range(50))),
        requirement=_NONE,
    ),
    _offer(
        "4.2.2/subprotocol-of-odd-characters",
        "A subprotocol's name may have any characters of a token.",
        _lines("!#$%&'*+-.^_`|~0aZ"),
        requirement=_NONE,
    ),
    *(
        _offer(
            f"4.2.2/subprotocol-{name.lower()}",
            f"If {name} is all that is offered, it is chosen, or nothing is.",
            _lines(name),
        )
        for name in SUBPROTOCOLS
    ),
    _offer(
        "4.2.2/well-known-subprotocols",
        "Of many subprotocols that are offered one is chosen, or none.",
        offering_subprotocols(),
    ),
    _offer(
        "4.2.2/well-known-subprotocols-backwards",
        "Of many subprotocols that are offered in another order one is chosen, or none.",
        offering_subprotocols(lambda names: [", ".join(reversed(names))]),
    ),
    _offer(
        "4.2.2/subprotocols-without-spaces",
        "Commas alone separate subprotocols: one is chosen, not the list.",
        offering_subprotocols(lambda names: [",".join(names)]),
        requirement=_ONE,
    ),
    _offer(
        "4.2.2/subprotocols-with-more-spaces",
        "White space around subprotocols does not belong to them.",
        offering_subprotocols(lambda names: [" \t,  ".join(names)]),
        requirement=_ONE,
    ),
    _offer(
        "11.3.4/subprotocols-in-lines-of-their-own",
        "Of many subprotocols, each in a line of its own, one is chosen, or none.",
        offering_subprotocols(lambda names: names),
        requirement=_HEADER_ONCE,
    ),
    _offer(
        "7936:2/subprotocols-in-capitals",
        "Of subprotocols that are offered in capitals none is chosen in another spelling.",
        offering_subprotocols(lambda names: [", ".join(name.upper() for name in names)]),
        requirement=_CASE,
    ),
    _offer(
        "7936:2/subprotocols-in-mixed-case",
        "Of subprotocols that are offered in odd spelling none is chosen in another.",
        offering_subprotocols(lambda names: [", ".join(name.title() for name in names)]),
        requirement=_CASE,
    ),
    _offer(
        "4.2.2/subprotocols-with-longer-names",
        "A name that only contains that of a subprotocol is not that.",
        offering_subprotocols(
            lambda names: [", ".join(f"x{name}, {name}x, {name}.2" for name in names)]
        ),
    ),
    _offer(
        "4.2.2/subprotocols-with-shorter-names",
        "A name that is only a part of that of a subprotocol is not that.",
        offering_subprotocols(
            lambda names: [", ".join(dict.fromkeys(name[:-1] for name in names if name[1:]))]
        ),
    ),
    _offer(
        "4.2.2/subprotocol-twice",
        "A subprotocol that is offered twice is chosen once, or the request is refused.",
        offering_subprotocols(lambda names: [f"{names[0]}, {names[0]}"]),
        requirement=_ONE,
        judge=_may_be_refused,
    ),
    _offer(
        "11.3.4/subprotocol-in-two-lines",
        "A subprotocol that is offered in two lines is chosen once, or the request is refused.",
        offering_subprotocols(lambda names: [names[0], names[0]]),
        requirement=_HEADER_ONCE,
        judge=_may_be_refused,
    ),
)


# What is offered to a server that is known to choose


def _chooses(requirement: str, *others: str, gravity: Gravity = fail) -> Judge:
    """Want the same choice as from a single line.

    Args:
        requirement: the clause.
        others: names that may be chosen as well: by a server that takes any name.
        gravity: how bad another choice is.
    """

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        wanted = facts.subprotocol or ""
        chosen = _chosen(record)
        if not is_token(wanted):
            return  # the oracle has something to say about that
        if not record.is_open:
            yield gravity(requirement, f"{answer_of(record)}, where {wanted!r} was to be chosen")
        elif chosen is None:
            yield gravity(requirement, f"{wanted!r} is not chosen, as it is from a single line")
        elif chosen != wanted and chosen not in others:
            yield info(requirement, f"{shown(chosen)} is chosen, from a single line {wanted!r}")
        else:
            yield from works(requirement)(record, facts)

    return judge


def _compares_case(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want a name in capitals not to be taken for the one in small letters."""
    known, chosen = facts.subprotocol or "", _chosen(record)
    if known and chosen == known.swapcase() != known:
        yield fail(_CASE, f"{chosen!r} is chosen, though {known!r} is what the server knows")
    yield from _has_answered(record, facts)


def _chosen_case(
    name: str,
    what: str,
    rewrite: Callable[[_Names], Iterable[str]],
    *others: str,
    requirement: str = _LINES,
    gravity: Gravity = fail,
) -> Case:
    return _offer(
        name,
        what,
        offering_subprotocols(rewrite),
        requirement=requirement,
        judge=_chooses(requirement, *others, gravity=gravity),
        needs=["subprotocol"],
    )


_CHOICES: Final = (
    _chosen_case(
        "11.3.4/known-subprotocol-in-second-line",
        "A subprotocol is chosen from the second line as it is from the first.",
        lambda names: [_UNKNOWN[0], ", ".join(names)],
        _UNKNOWN[0],
    ),
    _chosen_case(
        "11.3.4/known-subprotocol-in-first-line",
        "A subprotocol is chosen from the first line, whatever the second one offers.",
        lambda names: [", ".join(names), _UNKNOWN[0]],
        _UNKNOWN[0],
    ),
    _chosen_case(
        "11.3.4/known-subprotocol-in-line-between",
        "A subprotocol is chosen from the second line of three.",
        lambda names: [_UNKNOWN[0], ", ".join(names), _UNKNOWN[1]],
        *_UNKNOWN,
    ),
    _chosen_case(
        "11.3.4/known-subprotocols-in-lines-of-their-own",
        "A subprotocol is chosen from lines of their own as it is from a list.",
        lambda names: names,
    ),
    _chosen_case(
        "4.3/known-subprotocols-without-spaces",
        "A subprotocol is chosen from a list without spaces.",
        lambda names: [",".join(names)],
        requirement=_GRAMMAR,
        gravity=warn,
    ),
    _chosen_case(
        "4.3/known-subprotocols-with-more-spaces",
        "A subprotocol is chosen from a list with more white space.",
        lambda names: [" \t,  ".join(names)],
        requirement=_GRAMMAR,
        gravity=warn,
    ),
    _chosen_case(
        "4.3/known-subprotocols-and-empty-elements",
        "A subprotocol is chosen from a list with empty elements.",
        lambda names: [", , ".join(names) + ","],
        requirement=_GRAMMAR,
        gravity=info,
    ),
    _offer(
        "7936:2/known-subprotocol-in-other-case",
        "A subprotocol is not known by its name in other case.",
        offering_subprotocols(
            lambda names: [
                ", ".join([_UNKNOWN[0], *(name.swapcase() for name in names), _UNKNOWN[1]])
            ]
        ),
        requirement=_CASE,
        judge=_compares_case,
        needs=["subprotocol"],
    ),
)


# What breaks the grammar


def _not_taken(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want nothing to be chosen from an offer that breaks the grammar."""
    chosen = _chosen(record)
    if not record.is_open:
        yield from refused_properly(record)
    elif chosen is None:
        yield from works("RFC6455-4.2.2-01")(record, facts)
    elif is_token(chosen):
        yield warn(_GRAMMAR, f"{shown(chosen)} is chosen, though the offer is malformed")
    else:
        yield fail(_GRAMMAR, f"{shown(chosen)}, which is no token, is chosen")


def _first_and(value: str) -> Change:
    """Offer the subprotocol that would be offered first, and *value* behind it."""
    return offering_subprotocols(lambda names: [f"{names[0]}, {value}"])


_MALFORMED: Final = (
    *(
        case(
            f"4.3/subprotocol-{name}",
            (_GRAMMAR, _NONE, "RFC6455-4.2.1-01"),
            f"The subprotocol {value!r} breaks the grammar and is never agreed on.",
            opened_by(_lines(value)),
            _not_taken,
            opens=False,
        )
        for name, value in (
            ("of-two-words", "bad proto"),
            ("with-slash", "a/b"),
            ("with-at-sign", "a@b"),
            ("with-colon", "a:b"),
            ("with-semicolon", "chat; q=1"),
            ("with-equals-sign", "a=b"),
            ("in-quotes", '"chat"'),
            ("in-parentheses", "(chat)"),
            ("in-brackets", "[chat]"),
            ("in-braces", "{chat}"),
            ("in-angle-brackets", "<chat>"),
            ("with-backslash", "a\\b"),
            ("with-question-mark", "a?b"),
            ("with-non-ascii", "caf\xe9"),
            ("with-tab", "a\tb"),
            ("with-control-character", "a\x01b"),
        )
    ),
    *(
        case(
            f"4.3/subprotocols-{name}",
            (_GRAMMAR, "RFC6455-4.2.1-01"),
            f"A list of subprotocols with {value!r} in it breaks the grammar.",
            opened_by(_first_and(value)),
            _not_taken,
            opens=False,
        )
        for name, value in (("and-two-words", "bad proto"), ("and-a-slash", "a/b"))
    ),
    *(
        case(
            f"4.3/subprotocols-{name}",
            (_NOT_EMPTY, _GRAMMAR),
            f"A list of no subprotocols ({value!r}) is not answered by an empty one.",
            opened_by(_lines(value)),
            _may_be_refused,
            opens=False,
        )
        for name, value in (("empty", ""), ("only-commas", ", ,"))
    ),
    case(
        "4.3/subprotocols-empty-second-line",
        (_NOT_EMPTY, _GRAMMAR),
        "An empty line behind one with subprotocols is not answered by an empty one.",
        opened_by(offering_subprotocols(), adding(_HEADER, "")),
        _may_be_refused,
        opens=False,
    ),
)

CASES: Final[tuple[Case, ...]] = (*_OFFERS, *_CHOICES, *_MALFORMED)
