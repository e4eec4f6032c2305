"""Negotiating permessage-deflate (RFC 7692 §5, §7, §7.1).

An offer is made in the opening handshake and answered there.  What a server must do with it is one
of three things: decline it, since it has a parameter that is wrong; accept it in its own
way, or not at all; or look for an offer that it can accept among several.  Whatever
comes of it, the connection has to work: compression is something extra.

That an answer fits the offers, and is legal in itself, is judged by the oracle in every
conversation; the cases at the end stand for the clauses about that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ...protocol.opcode import TEXT
from ..catalogue import Case, Facts, Judge, case
from ..conversation import Await, Open, Probe, Send, Step, close, compressed, text
from ..judgements import Gravity, answer_of, fails, says_nothing
from ..opening import Opening, compressing, offering
from ..record import Record
from ..verdicts import Finding, fail, info, skip, warn
from .handshakes import opened_by, refused_properly, works
from .patterns import rejected

__all__ = ["CASES", "accepted_extensions"]

_UNKNOWN: Final = "RFC7692-7-01"
_BAD_VALUE: Final = "RFC7692-7-02"
_FLAG_VALUE: Final = "RFC7692-7-03"
_NO_VALUE: Final = "RFC7692-7-04"
_TWICE: Final = "RFC7692-7-05"
_UNSUPPORTED: Final = "RFC7692-7-06"
_ANSWER: Final = "RFC7692-7-11"
_QUOTED: Final = "RFC7692-7-12"
_EACH_OFFER: Final = "RFC7692-5-03"
_ORDER: Final = "RFC7692-5-04"
_ENOUGH: Final = "RFC7692-5-09"
_ONE: Final = "RFC7692-5-10"
_NONE: Final = "RFC7692-5-15"
_PLAIN: Final = "RFC7692-5-16"
_RESET: Final = "RFC7692-7.1.1.1-02"
_RESET_SUPPORT: Final = "RFC7692-7.1.1.1-03"
_WINDOW: Final = "RFC7692-7.1.2.1-04"
_DEFINED: Final = "RFC6455-9.1-06"

_SERVER_RESET: Final = "server_no_context_takeover"
_CLIENT_RESET: Final = "client_no_context_takeover"
_SERVER_BITS: Final = "server_max_window_bits"
_CLIENT_BITS: Final = "client_max_window_bits"

#: The offer that the controls make; a server that declines it has no need of these cases.
_GOOD: Final = f"permessage-deflate; {_CLIENT_BITS}"


def _offer(*parameters: str) -> str:
    return "; ".join(("permessage-deflate", *parameters))


def accepted_extensions(record: Record) -> str:
    """Return what the 101 says about extensions, lines joined; nothing if it accepts none."""
    if record.response is None or not record.is_open:
        return ""
    return ", ".join(record.response.get_all("Sec-WebSocket-Extensions")).strip(" ,")


def _refused(record: Record, gravity: Gravity, requirement: str) -> Iterator[Finding]:
    """Judge an HTTP error over an offer that a server can only decline."""
    message = f"{answer_of(record)}; a 101, be it without the extension, was wanted"
    yield gravity(requirement, message)
    yield from refused_properly(record)


# Offers that must be declined (§7)


def _declines(requirement: str, *, breaks_grammar: bool = False) -> Judge:
    """Want an offer not to be accepted, and the connection to work without it.

    Args:
        requirement: the clause that the offer breaks.
        breaks_grammar: whether an HTTP error is as right.
    """
    goes_on = works(_PLAIN)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        answer = accepted_extensions(record)
        if answer:
            yield fail(requirement, f"the offer is accepted: {answer}")
        elif record.is_open:
            yield from goes_on(record, facts)
        elif breaks_grammar:
            yield from refused_properly(record)
        else:
            yield from _refused(record, warn, _NONE)

    return judge


def _declined(
    name: str,
    requirement: str,
    what: str,
    *offers: str,
    breaks_grammar: bool = False,
    others: Sequence[str] = (),
) -> Case:
    shown = " / ".join(offers).replace("permessage-deflate; ", "")
    return case(
        f"7692:7/{name}",
        tuple(dict.fromkeys((requirement, _NONE, _PLAIN, *others))),
        f"An offer with {what} is declined: {shown}.",
        opened_by(offering(*offers)),
        _declines(requirement, breaks_grammar=breaks_grammar),
        opens=False,
        needs=["deflate"],
    )


#: Parameters that an offer cannot have, by a name for the case.
_UNKNOWN_PARAMETERS: Final = {
    "foo": "foo",
    "foo-with-value": "foo=1",
    "foo-with-quoted-value": 'foo="bar"',
    "of-a-window-misspelt": "server_max_windows_bits=10",
    "of-a-window-shortened": "max_window_bits=10",
    "of-takeover-shortened": "no_context_takeover",
    "of-takeover-misspelt": "server_no_context_takeovers",
    "of-a-window-cut-short": "client_max_window",
    "of-a-window-with-more-behind": "client_max_window_bits_x",
    "of-a-window-with-more-before": "x_client_max_window_bits",
    "of-the-server-s-window-with-a-digit": "server_max_window_bits2=10",
    "of-takeover-cut-short": "server_no_context",
    "of-the-client-s-takeover-with-more-behind": "client_no_context_takeover_x",
    "with-hyphens": "server-no-context-takeover",
    "of-an-old-draft": "c2s_max_window_bits=10",
    "of-an-old-draft-without-value": "s2c_no_context_takeover",
    "like-a-property": "__proto__",
    "like-a-method": "constructor=1",
}

_UNKNOWN_CASES: Final = (
    *(
        _declined(f"unknown-parameter-{name}", _UNKNOWN, "an unknown parameter", _offer(parameter))
        for name, parameter in _UNKNOWN_PARAMETERS.items()
    ),
    *(
        _declined(
            f"unknown-parameter-{name}",
            _UNKNOWN,
            "an unknown parameter among good ones",
            _offer(*parameters),
        )
        for name, parameters in {
            "behind-a-good-one": (_CLIENT_BITS, "foo"),
            "before-a-good-one": ("foo=1", _CLIENT_BITS),
            "between-good-ones": (_SERVER_RESET, "foo", _CLIENT_RESET),
            "behind-a-takeover": (_SERVER_RESET, "foo=1"),
            "behind-a-window": (f"{_SERVER_BITS}=12", "foo"),
            "behind-all-four": (
                _SERVER_RESET,
                _CLIENT_RESET,
                f"{_SERVER_BITS}=12",
                f"{_CLIENT_BITS}=12",
                "foo",
            ),
        }.items()
    ),
    _declined(
        "unknown-parameter-in-two-offers",
        _UNKNOWN,
        "an unknown parameter, twice",
        f"{_offer('foo')}, {_offer('bar=1')}",
    ),
)

#: Values that no window can have, by a name for the case.
_BAD_WINDOWS: Final = {
    "0": "0",
    "7": "7",
    "16": "16",
    "99": "99",
    "08": "08",
    "015": "015",
    "0010": "0010",
    "minus-9": "-9",
    "plus-10": "+10",
    "9-point-5": "9.5",
    "1e1": "1e1",
    "0xa": "0xA",
    "10-and-a-letter": "10x",
    "1_0": "1_0",
    "abc": "abc",
    "quotes-of-the-wrong-kind": "'10'",
    "256-and-10": "266",
    "65536-and-10": "65546",
    "2-to-the-32-and-10": "4294967306",
    "2-to-the-64-and-10": "18446744073709551626",
    "thirty-digits": "1" * 30,
    "quoted-7": '"7"',
    "quoted-16": '"16"',
    "quoted-08": '"08"',
    "quoted-abc": '"abc"',
}


def _bad_windows(parameter: str) -> tuple[Case, ...]:
    side = parameter.partition("_")[0]
    return (
        *(
            _declined(
                f"{side}-window-of-{name}",
                _BAD_VALUE,
                "a window that does not exist",
                _offer(f"{parameter}={value}"),
                others=[_QUOTED] if value.startswith('"') else [],
            )
            for name, value in _BAD_WINDOWS.items()
        ),
        _declined(
            f"{side}-window-of-nothing-quoted",
            _BAD_VALUE,
            "an empty value",
            _offer(f'{parameter}=""'),
            breaks_grammar=True,
        ),
        _declined(
            f"{side}-window-of-two-numbers-quoted",
            _BAD_VALUE,
            "two numbers for a value",
            _offer(f'{parameter}="10 12"'),
            breaks_grammar=True,
        ),
        *(
            _declined(
                f"{side}-window-of-{value}-{where}",
                _BAD_VALUE,
                "a window that does not exist, among good parameters",
                _offer(*parameters),
            )
            for value in ("7", "16")
            for where, parameters in {
                "first": (f"{parameter}={value}", _SERVER_RESET),
                "last": (_SERVER_RESET, f"{parameter}={value}"),
            }.items()
        ),
    )


_VALUE_CASES: Final = (
    *_bad_windows(_SERVER_BITS),
    *_bad_windows(_CLIENT_BITS),
    _declined(
        "both-windows-bad",
        _BAD_VALUE,
        "windows that do not exist",
        _offer(f"{_SERVER_BITS}=16", f"{_CLIENT_BITS}=7"),
    ),
    _declined(
        "server-window-without-value",
        _NO_VALUE,
        "a server_max_window_bits without a value",
        _offer(_SERVER_BITS),
    ),
    _declined(
        "server-window-without-value-first",
        _NO_VALUE,
        "a server_max_window_bits without a value",
        _offer(_SERVER_BITS, _CLIENT_BITS),
    ),
    _declined(
        "server-window-without-value-last",
        _NO_VALUE,
        "a server_max_window_bits without a value",
        _offer(_CLIENT_BITS, _SERVER_BITS),
    ),
    _declined(
        "server-window-without-value-behind-a-takeover",
        _NO_VALUE,
        "a server_max_window_bits without a value",
        _offer(_SERVER_RESET, _SERVER_BITS),
    ),
)

#: Values for parameters that take none, by a name for the case.
_FLAG_VALUES: Final = {
    "1": "1",
    "0": "0",
    "true": "true",
    "false": "false",
    "yes": "yes",
    "10": "10",
    "quoted-1": '"1"',
    "itself": _SERVER_RESET,
}

_FLAG_CASES: Final = (
    *(
        _declined(
            f"{parameter.partition('_')[0]}-takeover-with-value-{name}",
            _FLAG_VALUE,
            "a value for a parameter that takes none",
            _offer(f"{parameter}={value}"),
        )
        for parameter in (_SERVER_RESET, _CLIENT_RESET)
        for name, value in _FLAG_VALUES.items()
    ),
    *(
        _declined(
            f"{parameter.partition('_')[0]}-takeover-with-empty-value",
            _FLAG_VALUE,
            "an empty value for a parameter that takes none",
            _offer(f'{parameter}=""'),
            breaks_grammar=True,
        )
        for parameter in (_SERVER_RESET, _CLIENT_RESET)
    ),
    *(
        _declined(
            f"{parameter.partition('_')[0]}-takeover-with-value-{where}",
            _FLAG_VALUE,
            "a value for a parameter that takes none, among good ones",
            _offer(*parameters),
        )
        for parameter in (_SERVER_RESET, _CLIENT_RESET)
        for where, parameters in {
            "behind-a-good-one": (_CLIENT_BITS, f"{parameter}=1"),
            "before-a-good-one": (f"{parameter}=1", _CLIENT_BITS),
        }.items()
    ),
)

#: Offers that have a parameter twice, by a name for the case.
_REPEATS: Final = {
    "server-takeover": (_SERVER_RESET, _SERVER_RESET),
    "client-takeover": (_CLIENT_RESET, _CLIENT_RESET),
    "server-window-equal": (f"{_SERVER_BITS}=10", f"{_SERVER_BITS}=10"),
    "server-window-smaller-first": (f"{_SERVER_BITS}=10", f"{_SERVER_BITS}=12"),
    "server-window-larger-first": (f"{_SERVER_BITS}=12", f"{_SERVER_BITS}=10"),
    "server-window-quoted": (f"{_SERVER_BITS}=10", f'{_SERVER_BITS}="10"'),
    "client-window-equal": (f"{_CLIENT_BITS}=10", f"{_CLIENT_BITS}=10"),
    "client-window-different": (f"{_CLIENT_BITS}=10", f"{_CLIENT_BITS}=12"),
    "client-window-without-value": (_CLIENT_BITS, _CLIENT_BITS),
    "client-window-with-and-without-value": (f"{_CLIENT_BITS}=10", _CLIENT_BITS),
    "client-window-without-and-with-value": (_CLIENT_BITS, f"{_CLIENT_BITS}=10"),
    "server-takeover-apart": (_SERVER_RESET, _CLIENT_BITS, _SERVER_RESET),
    "client-takeover-apart": (_CLIENT_RESET, _CLIENT_BITS, _CLIENT_RESET),
    "server-window-apart": (f"{_SERVER_BITS}=10", _CLIENT_BITS, f"{_SERVER_BITS}=10"),
    "client-window-apart": (_CLIENT_BITS, _SERVER_RESET, _CLIENT_BITS),
    "server-takeover-three-times": (_SERVER_RESET,) * 3,
}

_REPEAT_CASES: Final = tuple(
    _declined(f"{name}-twice", _TWICE, "the same parameter more than once", _offer(*parameters))
    for name, parameters in _REPEATS.items()
)

# With nothing to accept (§5)


def _unless_agreed(judge: Judge) -> Judge:
    """Return *judge*, which says nothing if the offer was accepted all the same."""

    def judged(record: Record, facts: Facts) -> Iterator[Finding]:
        if accepted_extensions(record):
            yield skip("the offer was accepted, which other cases are about")
        else:
            yield from judge(record, facts)

    return judged


_NOTHING_CASES: Final = (
    *(
        case(
            f"7692:5/{name}",
            (_NONE, _PLAIN, _UNKNOWN),
            f"If each of several offers has to be declined, none is accepted ({how}).",
            opened_by(offering(*offers)),
            _declines(_NONE),
            opens=False,
            needs=["deflate"],
        )
        for name, how, offers in (
            (
                "only-bad-offers",
                "in one line",
                (f"{_offer('foo')}, {_offer(f'{_SERVER_BITS}=7')}, {_offer(_SERVER_BITS)}",),
            ),
            (
                "only-bad-offers-in-lines",
                "in three lines",
                (_offer("foo"), _offer(f"{_CLIENT_BITS}=16"), _offer(_SERVER_BITS)),
            ),
        )
    ),
    *(
        case(
            f"7692:5/name-{name}",
            ("RFC6455-4.2.2-13", "RFC6455-9-03", "RFC6455-9.1-11", _PLAIN),
            f"The extension {extension} is another one than permessage-deflate.",
            opened_by(offering(extension)),
            _declines("RFC6455-4.2.2-13"),
            opens=False,
            needs=["deflate"],
        )
        for name, extension in {
            "with-something-before": "x-permessage-deflate",
            "with-something-behind": "permessage-deflate-x",
            "with-a-digit-behind": "permessage-deflate2",
            "cut-short": "permessage-deflat",
            "with-parameter": "x-permessage-deflate; client_max_window_bits",
            "as-parameter": "x-wsref; permessage-deflate",
            "as-value": "x-wsref; a=permessage-deflate",
            "as-quoted-value": 'x-wsref; a="permessage-deflate"',
        }.items()
    ),
    case(
        "7692:5/no-compression-behind-bad-offers",
        (_PLAIN, "RFC7692-6.1-06"),
        "When the offer was declined, RSV1 has no meaning.",
        rejected(
            Send(compressed(TEXT, b"\xf2H\xcd\xc9\xc9\x07\x00"), "compressed text, RSV1 set"),
            opening=Opening((offering(_offer("foo")),)),
        ),
        _unless_agreed(fails("RFC7692-6.1-06")),
        needs=["deflate"],
    ),
)

# Several offers (§5)


def _looks_at_each(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want an offer to be accepted, or declined, whatever else is offered."""
    if not record.is_open:
        yield from _refused(record, fail, _EACH_OFFER)
        return
    if not accepted_extensions(record):
        message = "no offer is accepted, though one of them is when it is made alone"
        yield info(_EACH_OFFER, message)
    yield from works(_EACH_OFFER)(record, facts)


#: Offers that must be declined, by a name for the case.
_BAD_OFFERS: Final = {
    "unknown-parameter": _offer("foo"),
    "unknown-value": _offer("foo=1"),
    "bad-server-window": _offer(f"{_SERVER_BITS}=7"),
    "bad-client-window": _offer(f"{_CLIENT_BITS}=16"),
    "missing-value": _offer(_SERVER_BITS),
    "value-of-takeover": _offer(f"{_SERVER_RESET}=1"),
    "parameter-twice": _offer(_SERVER_RESET, _SERVER_RESET),
}

_SEVERAL_CASES: Final = tuple(
    case(
        f"7692:5/{name}",
        (_EACH_OFFER, _ENOUGH, _ONE),
        f"An offer that must be declined does not spoil another one ({how}).",
        opened_by(offering(*offers)),
        _looks_at_each,
        opens=False,
        needs=["deflate"],
    )
    for bad_name, bad in _BAD_OFFERS.items()
    for name, how, offers in (
        (f"good-offer-behind-{bad_name}", "behind it", (f"{bad}, {_GOOD}",)),
        (f"good-offer-before-{bad_name}", "before it", (f"{_GOOD}, {bad}",)),
        (f"good-offer-in-a-line-behind-{bad_name}", "in a line of its own", (bad, _GOOD)),
    )
)

#: Offers that a server can accept, all of them; it accepts one.
_GOOD_OFFERS: Final = {
    "two-offers": (f"{_offer(_SERVER_RESET)}, {_GOOD}",),
    "two-offers-the-plain-one-first": (f"permessage-deflate, {_offer(_SERVER_RESET)}",),
    "two-offers-in-two-lines": (_offer(_SERVER_RESET), _GOOD),
    "two-equal-offers": (f"{_GOOD}, {_GOOD}",),
    "two-equal-offers-in-two-lines": (_GOOD, _GOOD),
    "three-offers": (f"{_offer(f'{_SERVER_BITS}=10')}, {_offer(_CLIENT_RESET)}, {_GOOD}",),
    "fallback-for-a-window": (f"{_offer(f'{_SERVER_BITS}=10')}, permessage-deflate",),
    "fallback-for-the-smallest-window": (f"{_offer(f'{_SERVER_BITS}=8')}, {_GOOD}",),
    "offers-around-a-stranger": (f"{_offer(_SERVER_RESET)}, x-wsref; a=1, {_GOOD}",),
}


def _prefers_first(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want the first of two offers to be accepted, which demands server_no_context_takeover."""
    if not record.is_open:
        yield from _refused(record, warn, _NONE)
        return
    answer = accepted_extensions(record)
    if answer and record.deflate is not None and not record.deflate.server_no_context_takeover:
        yield fail(_ORDER, f"the second offer is preferred, the answer is {answer}")
    yield from works(_ORDER)(record, facts)


_CHOICE_CASES: Final = (
    *(
        case(
            f"7692:5/{name}",
            (_ONE, _ENOUGH, _ANSWER),
            f"Of several good offers one is accepted: {' / '.join(offers)}.",
            opened_by(offering(*offers)),
            _looks_at_each,
            opens=False,
            needs=["deflate"],
        )
        for name, offers in _GOOD_OFFERS.items()
    ),
    *(
        case(
            f"7692:5/{name}",
            (_ORDER, _RESET_SUPPORT),
            f"The offer that comes first is preferred ({how}).",
            opened_by(offering(*offers)),
            _prefers_first,
            opens=False,
            needs=["deflate"],
        )
        for name, how, offers in (
            ("order-of-offers", "in one line", (f"{_offer(_SERVER_RESET)}, permessage-deflate",)),
            ("order-of-lines", "in two lines", (_offer(_SERVER_RESET), "permessage-deflate")),
        )
    ),
)

# Offers of each parameter (§7.1)


def _answers(support: str = "") -> Judge:
    """Want a good offer to be answered somehow, and the connection to work with that.

    Args:
        support: the clause that wants the offer not to be declined, if there is one.
    """
    goes_on = works("RFC7692-5-18")

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if not record.is_open:
            yield from _refused(record, warn, _NONE)
            return
        if support and not accepted_extensions(record):
            yield fail(support, "the offer is declined")
        yield from goes_on(record, facts)

    return judge


def _good(
    name: str,
    requirements: tuple[str, ...],
    *parameters: str,
    support: str = "",
) -> Case:
    return case(
        f"7692:{name}",
        requirements,
        f"The offer {_offer(*parameters)} is accepted in a way that fits it, or declined.",
        opened_by(offering(_offer(*parameters))),
        _answers(support),
        opens=False,
        needs=["deflate"],
    )


_OFFER_CASES: Final = (
    _good("7/plain-offer", (_ANSWER, "RFC7692-7.1.2.2-05", _DEFINED)),
    _good("7.1.1.1/server-takeover", (_RESET, _ANSWER), _SERVER_RESET),
    _good(
        "7.1.1.1/server-takeover-is-supported",
        (_RESET_SUPPORT, _RESET),
        _SERVER_RESET,
        support=_RESET_SUPPORT,
    ),
    _good("7.1.1.1/server-takeover-and-more", (_RESET, _ANSWER), _SERVER_RESET, _CLIENT_BITS),
    _good("7.1.1.1/server-takeover-last", (_RESET, _ANSWER), _CLIENT_BITS, _SERVER_RESET),
    _good("7.1.1.1/both-takeovers", (_RESET, _ANSWER), _SERVER_RESET, _CLIENT_RESET),
    _good("7.1.1.1/both-takeovers-reversed", (_RESET, _ANSWER), _CLIENT_RESET, _SERVER_RESET),
    _good("7.1.1.2/client-takeover", ("RFC7692-7.1.1.2-03", _ANSWER), _CLIENT_RESET),
    *(
        _good(
            f"7.1.2.1/server-window-of-{bits}",
            (_WINDOW, "RFC7692-7.1.2.1-05", "RFC7692-7.1.2.1-03", _UNSUPPORTED),
            f"{_SERVER_BITS}={bits}",
        )
        for bits in range(8, 16)
    ),
    *(
        _good(
            f"7.1.2.1/server-window-of-{bits}-and-more",
            (_WINDOW, _RESET, _ANSWER),
            _SERVER_RESET,
            f"{_SERVER_BITS}={bits}",
            _CLIENT_BITS,
        )
        for bits in (9, 12)
    ),
    *(
        _good(
            f"7.1.2.2/client-window-of-{bits}",
            ("RFC7692-7.1.2.2-04", _ANSWER, "RFC7692-7.1.2.2-07"),
            f"{_CLIENT_BITS}={bits}",
        )
        for bits in range(8, 16)
    ),
    _good(
        "7.1.2.2/client-window-without-value",
        ("RFC7692-7.1.2.2-04", _ANSWER),
        _CLIENT_BITS,
    ),
    *(
        _good(f"7.1.2.2/no-client-window-{name}", ("RFC7692-7.1.2.2-05", _ANSWER), *parameters)
        for name, parameters in {
            "with-takeovers": (_SERVER_RESET, _CLIENT_RESET),
            "with-client-takeover": (_CLIENT_RESET,),
            "with-server-window": (f"{_SERVER_BITS}=12",),
        }.items()
    ),
    *(
        _good(
            f"7/all-four-parameters-{name}",
            (_ANSWER, _RESET, _WINDOW, "RFC7692-7.1.2.2-04"),
            *parameters,
        )
        for name, parameters in {
            "in-order": (
                _SERVER_RESET,
                _CLIENT_RESET,
                f"{_SERVER_BITS}=12",
                f"{_CLIENT_BITS}=11",
            ),
            "reversed": (
                f"{_CLIENT_BITS}=11",
                f"{_SERVER_BITS}=12",
                _CLIENT_RESET,
                _SERVER_RESET,
            ),
        }.items()
    ),
    *(
        _good(
            f"7/quoted-{side}-window-{name}",
            (_QUOTED, "RFC6455-9.1-02", _WINDOW),
            f"{parameter}={value}",
        )
        for side, parameter in (("server", _SERVER_BITS), ("client", _CLIENT_BITS))
        for name, value in (
            ("of-10", '"10"'),
            ("of-9", '"9"'),
            ("of-15", '"15"'),
            ("with-a-backslash", '"1\\2"'),
        )
    ),
)


def _says_so_first(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want RSV1 not to be used unless permessage-deflate was accepted."""
    del facts
    if record.deflate is None and any(one.frame.header.rsv1 for one in record.frames):
        answer = accepted_extensions(record) or "no extension"
        yield fail("RFC7692-5-07", f"RSV1 is set, but the answer names {answer}")


def _tells_small_windows(record: Record, facts: Facts) -> Iterator[Finding]:
    """Say which windows are too small to be useful, without blame."""
    del facts
    for side, bits in (
        ("server", 15 if record.deflate is None else record.deflate.server_max_window_bits),
        ("client", 15 if record.deflate is None else record.deflate.client_max_window_bits),
    ):
        if bits < 10:
            yield info("RFC7692-7.3-01", f"the window of the {side} has {bits} bits")


# What stands for what the oracle sees

_BYE: Final[tuple[Step, ...]] = (
    Send(text("Hello"), "a text message"),
    Await("messages"),
    Probe(),
    Send(close(1000), "a Close"),
    Await("end"),
)

_RULES: Final = (
    case(
        "7692:5/compressed-only-if-accepted",
        ("RFC7692-5-07", _PLAIN, "RFC7692-6.1-06"),
        "Messages are compressed only if the answer names permessage-deflate.",
        (
            Open(Opening((offering(_GOOD),))),
            Send(text("Hello, hello, hello, hello! " * 60), "a text message that compresses well"),
            Await("messages"),
            Probe(),
        ),
        _says_so_first,
    ),
    case(
        "7692:7.1.2.2/window-of-the-answer",
        ("RFC7692-7.1.2.2-04", _ANSWER),
        "In an answer client_max_window_bits has a value from 8 to 15.",
        (Open(compressing(f"{_CLIENT_BITS}=10")), *_BYE),
        says_nothing,
        needs=["deflate"],
        watches=True,
    ),
    case(
        "7692:7/small-windows",
        ("RFC7692-7.3-01",),
        "A window of less than 10 bits is of little use.",
        (Open(compressing(_CLIENT_BITS)), *_BYE),
        _tells_small_windows,
        needs=["deflate"],
    ),
)

CASES: Final[tuple[Case, ...]] = (
    *_UNKNOWN_CASES,
    *_VALUE_CASES,
    *_FLAG_CASES,
    *_REPEAT_CASES,
    *_NOTHING_CASES,
    *_SEVERAL_CASES,
    *_CHOICE_CASES,
    *_OFFER_CASES,
    *_RULES,
)
