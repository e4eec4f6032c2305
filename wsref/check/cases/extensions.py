"""Offers of extensions (RFC 6455 §4.3, §9, §9.1).

The grammar of the header Sec-WebSocket-Extensions, and what a server makes of extensions that it
does not know.  Which parameters permessage-deflate has, and what they mean, is the subject of
other modules; here it serves as an extension that many servers know.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..catalogue import Case, Facts, Judge, case
from ..judgements import Gravity
from ..opening import offering, sending_headers
from ..record import Record
from ..verdicts import Finding, fail, info, warn
from .handshakes import opened_by, refused_properly, works

__all__ = ["CASES", "breaks_grammar"]

_DEFLATE: Final = "permessage-deflate; client_max_window_bits"

_GRAMMAR: Final = "RFC6455-9.1-01"
_ABNF: Final = "RFC6455-4.3-02"
_QUOTED_TOKEN: Final = "RFC6455-4.3-01"
_QUOTED: Final = "RFC6455-9.1-02"
_SPLIT: Final = "RFC6455-9.1-04"
_UNKNOWN: Final = "RFC6455-9.1-11"
_UNASKED: Final = "RFC6455-9-03"
_FROM_OFFERS: Final = "RFC6455-4.2.2-13"
_NOT_EMPTY: Final = "RFC6455-4.2.2-15"


def _accepts(record: Record) -> bool:
    """Whether any extension is agreed on."""
    if record.response is None or not record.is_open:
        return False
    return bool((record.response.get("Sec-WebSocket-Extensions") or "").strip(" ,"))


# What breaks the grammar


def breaks_grammar(requirement: str, *, gravity: Gravity = warn) -> Judge:
    """Want a request to be refused over its extensions; they must not be agreed on.

    Args:
        requirement: the clause that they break.
        gravity: how bad it is to ignore them, for a server that knows extensions at all.
    """

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if not record.is_open:
            yield from refused_properly(record)
        elif _accepts(record):
            yield fail(requirement, "an extension is agreed on, though the offer is malformed")
        else:
            grade = gravity if facts.deflates else info
            yield grade(requirement, "the malformed offer is ignored; a refusal was wanted")
            yield from works("RFC6455-4.2.2-01")(record, facts)

    return judge


def _malformed(
    name: str, *values: str, requirement: str = _GRAMMAR, gravity: Gravity = warn
) -> Case:
    others = (_GRAMMAR, _ABNF, "RFC6455-4.2.1-01")
    shown = " / ".join(values)
    return case(
        f"9.1/{name}",
        tuple(dict.fromkeys((requirement, *others))),
        f"An offer that breaks the grammar ({shown}) is refused, or at least not agreed on.",
        opened_by(offering(*values)),
        breaks_grammar(requirement, gravity=gravity),
        opens=False,
    )


_MALFORMED: Final = (
    _malformed("only-separators", ";;,"),
    _malformed("only-a-semicolon", ";"),
    _malformed("only-an-equals-sign", "="),
    _malformed("only-commas", ", ,", gravity=info),
    _malformed("empty", "", gravity=info),
    _malformed("semicolon-at-the-end", "permessage-deflate;"),
    _malformed("semicolon-at-the-beginning", "; permessage-deflate"),
    _malformed("two-semicolons", "permessage-deflate;; client_max_window_bits"),
    _malformed("semicolon-before-comma", "permessage-deflate;, x-wsref"),
    _malformed("parameter-without-name", "permessage-deflate; =1", requirement=_ABNF),
    _malformed("parameter-without-value", "permessage-deflate; a=", requirement=_ABNF),
    _malformed(
        "known-parameter-without-value",
        "permessage-deflate; client_max_window_bits=",
        requirement=_ABNF,
    ),
    _malformed("parameter-of-two-words", "permessage-deflate; a b"),
    _malformed("value-of-two-words", "permessage-deflate; client_max_window_bits=1 5"),
    _malformed("two-equals-signs", "permessage-deflate; client_max_window_bits==15"),
    _malformed("two-values", "permessage-deflate; client_max_window_bits=15=15"),
    _malformed("name-with-value", "permessage-deflate=1"),
    _malformed("name-of-two-words", "permessage deflate"),
    _malformed("two-names", "permessage-deflate x-wsref"),
    _malformed("comma-for-semicolon", "permessage-deflate, =1"),
    _malformed("name-in-quotes", '"permessage-deflate"'),
    _malformed("name-with-slash", "permessage-deflate, x/wsref"),
    _malformed("name-with-at-sign", "x@wsref, permessage-deflate"),
    _malformed("name-with-non-ascii", "permessage-deflate, caf\xe9"),
    _malformed("name-in-parentheses", "(permessage-deflate)"),
    _malformed("parameter-in-quotes", 'permessage-deflate; "client_max_window_bits"'),
    _malformed("parameter-with-slash", "permessage-deflate; a/b"),
    _malformed("value-with-slash", "permessage-deflate; client_max_window_bits=1/5"),
    _malformed("control-character", "permessage-deflate; a\x01", gravity=info),
    _malformed("in-second-line", _DEFLATE, "x-wsref; =1"),
    _malformed("in-first-line", "x-wsref; =1", _DEFLATE),
    _malformed("behind-a-good-offer", f"{_DEFLATE}, x-wsref; a b"),
    _malformed("before-a-good-offer", f"x-wsref; a=, {_DEFLATE}"),
    _malformed("unknown-name-with-value", "x-wsref=1"),
    _malformed(
        "quoted-value-of-two-words",
        'permessage-deflate; client_max_window_bits="1 5"',
        requirement=_QUOTED_TOKEN,
    ),
    _malformed(
        "quoted-value-with-space-behind",
        'permessage-deflate; client_max_window_bits="15 "',
        requirement=_QUOTED_TOKEN,
    ),
    _malformed(
        "quoted-value-empty",
        'permessage-deflate; client_max_window_bits=""',
        requirement=_QUOTED_TOKEN,
    ),
    _malformed(
        "quoted-value-with-comma",
        'permessage-deflate; client_max_window_bits="15,"',
        requirement=_QUOTED_TOKEN,
    ),
    _malformed(
        "quoted-value-with-semicolon",
        'x-wsref; a="b;c", permessage-deflate',
        requirement=_QUOTED_TOKEN,
    ),
    _malformed(
        "quoted-value-with-escaped-space",
        'permessage-deflate; client_max_window_bits="1\\ 5"',
        requirement=_QUOTED_TOKEN,
    ),
    _malformed("quote-without-end", 'permessage-deflate; client_max_window_bits="15'),
    _malformed("quote-without-beginning", 'permessage-deflate; client_max_window_bits=15"'),
    _malformed("quote-ending-in-escape", 'permessage-deflate; client_max_window_bits="15\\"'),
    _malformed("more-behind-a-quote", 'permessage-deflate; client_max_window_bits="15"x'),
)


# What the grammar allows


def _agrees(requirement: str, *, gravity: Gravity = fail) -> Judge:
    """Want a valid offer to be accepted, and compression to be agreed on as with another one.

    Args:
        requirement: the clause.
        gravity: how bad it is not to agree, for a server that otherwise does.
    """
    accepted_well = works(requirement)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if facts.deflates and record.is_open and record.deflate is None:
            what = "permessage-deflate is not agreed on, as it is with a plainer offer"
            yield gravity(requirement, what)
        yield from accepted_well(record, facts)

    return judge


def _not_agreed(requirement: str) -> Judge:
    """Want an offer of what nobody knows to be accepted, and not to be agreed on."""
    accepted_well = works(requirement)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if _accepts(record):
            yield fail(requirement, "the 101 names an extension, though none is known")
        yield from accepted_well(record, facts)

    return judge


_UNKNOWN_OFFERS: Final = (
    *(
        case(
            f"9.1/unknown-{name}",
            (_UNKNOWN, _UNASKED, _NOT_EMPTY),
            f"Extensions that nobody knows ({what}) are no error, and are not agreed on.",
            opened_by(offering(*values)),
            _not_agreed(_UNKNOWN),
            opens=False,
        )
        for name, what, values in (
            ("extension", "x-wsref", ["x-wsref"]),
            ("extension-with-parameter", "x-wsref; a=1", ["x-wsref; a=1"]),
            (
                "extension-with-parameters",
                'x-wsref; a; b=2; c="3"',
                ['x-wsref; a; b=2; c="3"; b=4'],
            ),
            ("extensions", "x-wsref, x-other", ["x-wsref, x-other; a=1"]),
            ("extensions-in-two-lines", "x-wsref / x-other", ["x-wsref; a=1", "x-other"]),
            ("extension-of-odd-characters", "tokens of all kinds", ["!#$%&'*+-.^_`|~0aZ; a=~"]),
            ("extension-twice", "x-wsref, x-wsref", ["x-wsref, x-wsref"]),
            (
                "extensions-of-50",
                "50 of them",
                [", ".join(f"x-wsref-{number}; a={number}" for number in range(50))],
            ),
            ("extension-of-browsers", "x-webkit-deflate-frame", ["x-webkit-deflate-frame"]),
            ("extension-with-longer-name", "permessage-deflate2", ["permessage-deflate2"]),
            ("extension-with-shorter-name", "permessage", ["permessage; deflate"]),
            ("extension-with-prefix", "x-permessage-deflate", ["x-permessage-deflate"]),
        )
    ),
    *(
        case(
            f"9.1/{name}",
            (_UNKNOWN, _FROM_OFFERS, _UNASKED),
            "Next to one that it knows, a server passes over an extension that it does not.",
            opened_by(offering(value)),
            _agrees(_UNKNOWN, gravity=warn),
            opens=False,
        )
        for name, value in (
            ("unknown-extension-first", f"x-wsref; a=1, {_DEFLATE}"),
            ("unknown-extension-last", f"{_DEFLATE}, x-wsref; a=1"),
            ("unknown-extensions-around", f'x-wsref, {_DEFLATE}, x-other; b="c"'),
        )
    ),
)

_SPELLINGS: Final = (
    *(
        case(
            f"9.1/{name}",
            (_SPLIT, _UNKNOWN),
            f"Offers in several lines count as in one ({' / '.join(values)}).",
            opened_by(offering(*values)),
            _agrees(_SPLIT),
            opens=False,
        )
        for name, values in (
            ("known-extension-in-second-line", ("x-wsref; a=1", _DEFLATE)),
            ("known-extension-in-first-line", (_DEFLATE, "x-wsref; a=1")),
            ("known-extension-in-line-between", ("x-wsref; a=1", _DEFLATE, "x-other")),
        )
    ),
    case(
        "9.1/extension-lines-apart",
        (_SPLIT, _UNKNOWN),
        "Offers in lines that do not stand next to each other count as in one.",
        opened_by(
            offering(_DEFLATE),
            sending_headers(lambda fields: (("Sec-WebSocket-Extensions", "x-wsref"), *fields)),
        ),
        _agrees(_SPLIT),
        opens=False,
    ),
    *(
        case(
            f"9.1/quoted-value-{name}",
            (_QUOTED, "RFC6455-9-04"),
            f"A value in quotes means the same as without them ({value}).",
            opened_by(offering(f"permessage-deflate; client_max_window_bits={value}")),
            _agrees(_QUOTED),
            opens=False,
        )
        for name, value in (
            ("of-15", '"15"'),
            ("with-an-escape", '"1\\5"'),
        )
    ),
    case(
        "9.1/quoted-value-of-a-window",
        (_QUOTED, "RFC6455-9-04"),
        "A value in quotes is no error, whether it is agreed on or not.",
        opened_by(offering('permessage-deflate; server_max_window_bits="10"')),
        _agrees(_QUOTED, gravity=info),
        opens=False,
    ),
    *(
        case(
            f"9.1/{name}",
            (_ABNF, _GRAMMAR),
            f"The grammar allows white space, and empty elements of lists ({value!r}).",
            opened_by(offering(value)),
            _agrees(_ABNF, gravity=warn),
            opens=False,
        )
        for name, value in (
            ("no-white-space", "permessage-deflate;client_max_window_bits"),
            ("space-around-semicolon", "permessage-deflate  ;  client_max_window_bits"),
            ("tabs", "permessage-deflate\t;\tclient_max_window_bits"),
            ("space-around-equals-sign", "permessage-deflate; client_max_window_bits = 15"),
            ("space-at-the-ends", "  permessage-deflate; client_max_window_bits  "),
        )
    ),
    *(
        case(
            f"9.1/{name}",
            (_ABNF, _GRAMMAR),
            f"Empty elements of lists are passed over ({value!r}).",
            opened_by(offering(value)),
            _agrees(_ABNF, gravity=info),
            opens=False,
        )
        for name, value in (
            ("empty-element-first", f", {_DEFLATE}"),
            ("empty-element-last", f"{_DEFLATE},"),
            ("empty-element-between", f"x-wsref, , {_DEFLATE}"),
        )
    ),
    case(
        "9/name-in-capitals",
        (_UNASKED, _UNKNOWN),
        "PERMESSAGE-DEFLATE is another name, or the same; it is no error.",
        opened_by(offering("PERMESSAGE-DEFLATE")),
        works(_UNKNOWN),
        opens=False,
    ),
    case(
        "9/no-extension-offered",
        (_UNASKED, "RFC6455-4.2.2-14"),
        "Where none is offered, no extension is agreed on.",
        opened_by(offering()),
        works("RFC6455-4.2.2-01"),
        opens=False,
    ),
)

CASES: Final[tuple[Case, ...]] = (*_MALFORMED, *_UNKNOWN_OFFERS, *_SPELLINGS)
