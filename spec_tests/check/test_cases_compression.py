"""The cases about permessage-deflate: how it is agreed on, and what compressed messages say.

Each of them is clean on the reference server, and on one that is written independently; and each
row of the table of ambiguities is judged in both directions, on records that are written by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pytest

from spec_tests.check.scripted import (
    case_of,
    scripted,
    server_binary,
    server_close,
    server_pong,
    server_text,
)
from spec_tests.reference_inflate import CutOffError, InvalidError, reference_inflate
from wsref.check.cases import compression, negotiation
from wsref.check.cases.blocks import Blocks, deflated, deflated_in_turn, noise
from wsref.check.catalogue import Case, Facts
from wsref.check.conversation import UNMASKED, Await, Open, Send, frame
from wsref.check.record import Entry, Kind, Record
from wsref.check.verdicts import Verdict
from wsref.protocol.opcode import TEXT

CASES = (*negotiation.CASES, *compression.CASES)
PLAIN = "permessage-deflate"
FACTS = Facts(echoes=True, deflates=True)
MUTE = Facts(echoes=False, deflates=True)

FAIL, WARN, INFO, SKIP = Verdict.FAIL, Verdict.WARN, Verdict.INFO, Verdict.SKIP


def needs_deflate(case: Case) -> bool:
    """Whether the conversation is of use only if permessage-deflate is agreed on."""
    first = case.steps[0]
    return isinstance(first, Open) and first.opening.needs_deflate


# Records by hand


def one(name: str) -> Case:
    """Return the case of this name."""
    return case_of(CASES, f"7692:{name}")


def squeezed(payload: bytes) -> bytes:
    """Build a server's compressed text frame."""
    return frame(TEXT, payload, rsv=4, key=UNMASKED)


def findings(
    case: Case,
    answers: Mapping[int, bytes] | None = None,
    *,
    end: Literal["fin", "reset"] | None = None,
    extensions: str = PLAIN,
    facts: Facts = FACTS,
    probes: bool = True,
) -> set[tuple[Verdict, str]]:
    """Return verdicts and clauses of what a case says about such answers."""
    record = scripted(case, answers, end=end, extensions=extensions, probes=probes)
    return {
        (finding.verdict, finding.requirement.removeprefix("RFC7692-"))
        for finding in case.judge(record, facts)
    }


# Negotiation


def answered(
    case: Case, head: str, *, behind: bytes = b"", end: bool = True, facts: Facts = FACTS
) -> set[tuple[Verdict, str]]:
    """Return what a case says about such an answer to its handshake, be it no 101."""
    entries = [
        Entry(0.0, Kind.SENT, b"GET / HTTP/1.1\r\n\r\n"),
        Entry(0.1, Kind.RECEIVED, head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + behind),
    ]
    if end:
        entries.append(Entry(0.2, Kind.END))
    record = Record(entries, key="dGhlIHNhbXBsZSBub25jZQ==", request=b"GET / HTTP/1.1\r\n\r\n")
    return {
        (finding.verdict, finding.requirement.removeprefix("RFC7692-"))
        for finding in case.judge(record, facts)
    }


BAD_REQUEST = "HTTP/1.1 400 Bad Request\nContent-Length: 0"

DECLINING = tuple(f"RFC7692-7-0{number}" for number in range(1, 6))
DECLINED = [case for case in negotiation.CASES if case.requirements[0] in DECLINING]


@pytest.mark.parametrize("case", DECLINED, ids=[case.id for case in DECLINED])
def test_bad_offers_are_declined(case: Case) -> None:
    """To accept one breaks its clause; a 101 without it is right, an HTTP error a warning."""
    clause = case.requirements[0].removeprefix("RFC7692-")
    echo = {2: server_text("Hello")}
    assert not findings(case, echo, extensions="")
    assert findings(case, echo) == {(FAIL, clause)}
    assert findings(case, echo, extensions=f"{PLAIN}; server_no_context_takeover") == {
        (FAIL, clause)
    }
    refused = answered(case, BAD_REQUEST)
    may_refuse = (
        "-empty-value" in case.id or "nothing-quoted" in case.id or "two-numbers" in case.id
    )
    assert refused == (set() if may_refuse else {(WARN, "5-15")})


def test_every_kind_of_bad_offer_is_there() -> None:
    """Each clause of §7 about declining has cases for each parameter that it is about."""
    clauses = [case.requirements[0] for case in DECLINED]
    for number, least in (("01", 12), ("02", 40), ("03", 16), ("04", 3), ("05", 12)):
        assert clauses.count(f"RFC7692-7-{number}") >= least


def test_a_connection_has_to_work_when_the_offer_was_declined() -> None:
    """Without compression."""
    case = one("7/unknown-parameter-foo")
    assert findings(case, {2: server_text("Hallo")}, extensions="") == {(FAIL, "5-16")}
    assert findings(case, {1: server_close(1010)}, end="fin", extensions="") == {(FAIL, "5-16")}
    assert not findings(case, extensions="", facts=MUTE)


def test_a_bad_offer_does_not_spoil_a_good_one() -> None:
    """An HTTP error does; to decline both is no more than worth knowing."""
    case = one("5/good-offer-behind-unknown-parameter")
    echo = {2: server_text("Hello")}
    assert not findings(case, echo)
    assert findings(case, echo, extensions="") == {(INFO, "5-03")}
    assert answered(case, BAD_REQUEST) == {(FAIL, "5-03")}


def test_the_order_of_offers_is_a_preference() -> None:
    """A SHOULD; declining is legal."""
    case = one("5/order-of-offers")
    echo = {2: server_text("Hello")}
    assert not findings(case, echo, extensions=f"{PLAIN}; server_no_context_takeover")
    assert findings(case, echo) == {(WARN, "5-04")}
    assert not findings(case, echo, extensions="")


@pytest.mark.parametrize(
    "name",
    [
        "7/plain-offer",
        "7.1.2.1/server-window-of-8",
        "7.1.2.2/client-window-of-10",
        "7/quoted-server-window-of-10",
    ],
)
def test_good_offers_may_be_declined(name: str) -> None:
    """Any of them, but not by an HTTP error."""
    case = one(name)
    echo = {2: server_text("Hello")}
    assert not findings(case, echo)
    assert not findings(case, echo, extensions="")
    assert answered(case, BAD_REQUEST) == {(WARN, "5-15")}


def test_forgetting_is_to_be_supported() -> None:
    """A SHOULD."""
    case = one("7.1.1.1/server-takeover-is-supported")
    echo = {2: server_text("Hello")}
    assert not findings(case, echo, extensions=f"{PLAIN}; server_no_context_takeover")
    assert findings(case, echo, extensions="") == {(WARN, "7.1.1.1-03")}


def test_other_names_are_other_extensions() -> None:
    """permessage-deflate was not offered."""
    case = one("5/name-with-something-before")
    echo = {2: server_text("Hello")}
    assert not findings(case, echo, extensions="")
    assert findings(case, echo) == {(FAIL, "RFC6455-4.2.2-13")}


def test_rsv1_has_no_meaning_when_the_offer_was_declined() -> None:
    """It fails the connection; if the offer was accepted, other cases say so."""
    case = one("5/no-compression-behind-bad-offers")
    assert not findings(case, {2: server_close(1002)}, end="fin", extensions="")
    assert findings(case, {2: server_text("Hello")}, extensions="") == {(FAIL, "6.1-06")}
    assert findings(case, {2: server_text("Hello")}) == {(SKIP, "")}


def test_nothing_is_compressed_before_it_is_agreed_on() -> None:
    """RSV1 needs an answer that names permessage-deflate."""
    case = one("5/compressed-only-if-accepted")
    echo = {2: squeezed(deflated(b"Hello"))}
    assert not findings(case, echo)
    assert findings(case, echo, extensions="") == {(FAIL, "5-07")}


def test_small_windows_are_worth_knowing() -> None:
    """No more than that."""
    case = one("7/small-windows")
    assert not findings(case, extensions=f"{PLAIN}; server_max_window_bits=10")
    assert findings(case, extensions=f"{PLAIN}; client_max_window_bits=9") == {(INFO, "7.3-01")}


# Whether to compress an echo


def test_echoes_may_be_compressed_or_not() -> None:
    """One by one, as the server likes."""
    case = one("6/by-turns")
    contents = [b"%s %d" % (kind, n) for n in range(4) for kind in (b"compressed", b"plain")]
    plain = b"".join(map(server_text, contents))
    assert not findings(case, {-2: plain})
    assert not findings(case, {-2: b"".join(map(squeezed, deflated_in_turn(*contents)))})
    mixed = b"".join(
        server_text(content) if index % 3 else squeezed(deflated(content))
        for index, content in enumerate(contents)
    )
    assert not findings(case, {-2: mixed})
    assert not findings(case, facts=MUTE)
    assert findings(case, {-2: plain + plain}) == {(FAIL, "6-01")}
    assert findings(case, {3: server_close(1002)}, end="fin") == {(FAIL, "6-01")}


def test_binary_is_not_text() -> None:
    """The type of a message is that of its first frame; some services take no binary messages."""
    case = one("6.1/opcode-of-binary")
    small = server_binary(b"\x00")
    assert not findings(case, {2: small, 5: server_binary(b"Hello")})
    assert findings(case, {2: small, 5: server_text("Hello")}) == {(FAIL, "6.1-07")}
    assert findings(case, {1: server_close(1003)}, end="fin") == {(SKIP, "")}


def test_text_is_validated_when_it_is_inflated() -> None:
    """1007; no RFC wants another code."""
    case = one("6.1/inflates-to-ff")
    assert not findings(case, {1: server_close(1007)}, end="fin")
    assert findings(case, {1: b""}, end="fin") == {(INFO, "RFC6455-7.1.7-05")}
    assert findings(case, {1: server_close(1002)}, end="fin") == {(WARN, "RFC6455-7.1.7-05")}
    assert findings(case, {1: squeezed(deflated(b"\xff"))}) == {(FAIL, "6.1-09")}


# RSV1


@pytest.mark.parametrize("name", ["rsv1-on-ping", "rsv1-on-pong", "rsv1-on-last-fragment"])
def test_rsv1_on_other_frames_fails_the_connection(name: str) -> None:
    """1002; not an answer."""
    case = one(f"6.1/{name}")
    clause = case.requirements[0].removeprefix("RFC7692-")
    assert not findings(case, {-2: server_close(1002)}, end="fin")
    assert findings(case, {-2: server_pong(b"Hello")}) == {(FAIL, clause)}
    assert findings(case, probes=False) == {(FAIL, clause)}


def test_rsv1_on_a_close_is_not_answered() -> None:
    """By its own code; 1002 is right, and 1007 where it is compressed."""
    case = one("6.1/rsv1-on-close")
    assert not findings(case, {1: server_close(1002)}, end="fin")
    assert findings(case, {1: server_close(4321)}, end="fin") == {(FAIL, "6.1-04")}
    case = one("6.1/rsv1-on-close-compressed")
    assert not findings(case, {1: server_close(1007)}, end="fin")
    assert findings(case, {1: server_close(4321)}, end="fin") == {(FAIL, "6.1-04")}


# Data that is not DEFLATE

BAD = [
    case
    for case in compression.CASES
    if case.requirements[0] in ("RFC7692-7.2.2-02", "RFC7692-7.2.2-03", "RFC7692-7.2.3.2-01")
    and not any(isinstance(step, Await) for step in case.steps)
]


@pytest.mark.parametrize("case", BAD, ids=[case.id for case in BAD])
def test_invalid_data_fails_the_connection(case: Case) -> None:
    """1007, 1002, 1003, 1011 or none at all."""
    clause = case.requirements[0].removeprefix("RFC7692-")
    for code in (1007, 1002, 1003, 1011):
        assert not findings(case, {-2: server_close(code)}, end="fin")
    assert findings(case, {-2: b""}, end="fin") == {(INFO, "RFC6455-7.1.7-05")}
    assert findings(case, {-2: server_close(1009)}, end="fin") == {(WARN, "RFC6455-7.1.7-05")}
    assert findings(case) == {(FAIL, clause)}
    assert findings(case, facts=MUTE) == {(FAIL, clause)}


def payloads_of(case: Case) -> list[bytes]:
    """Return the payloads of the compressed messages that a case sends."""
    found: list[bytes] = []
    compressed = False
    for sent in scripted(case, extensions=PLAIN).sent_frames:
        if sent.header.is_control:
            continue
        if sent.header.opcode:
            compressed = sent.header.rsv1
            found += [b""] * compressed
        if compressed:
            found[-1] += sent.payload
    return found


@pytest.mark.parametrize("case", BAD, ids=[case.id for case in BAD])
def test_invalid_data_is_invalid(case: Case) -> None:
    """An inflate that is not zlib's is of the same opinion about the last message."""
    *before, last = payloads_of(case)
    window = b"".join(reference_inflate(payload).data for payload in before)
    with pytest.raises((InvalidError, CutOffError)):
        reference_inflate(last, window)


CUT_OFF = [case for case in compression.CASES if "/cut-off-" in case.id and "7.2.2" in case.id]


@pytest.mark.parametrize("case", CUT_OFF, ids=[case.id for case in CUT_OFF])
def test_cut_off_data_is_not_delivered(case: Case) -> None:
    """To fail or to say nothing is legal; to echo what is left is not."""
    with pytest.raises(CutOffError):
        reference_inflate(payloads_of(case)[-1])
    assert not findings(case, {-2: server_close(1007)}, end="fin")
    assert findings(case) == {(INFO, "7.2.2-04")}
    assert findings(case, {-2: server_text("Hel")}) == {(FAIL, "7.2.2-04")}
    assert findings(case, {-2: server_text("")}) == {(FAIL, "7.2.2-04")}
    assert findings(case, facts=MUTE) == {(INFO, "7.2.2-04")}


@pytest.mark.parametrize("name", ["in-one-frame", "in-two-frames"])
def test_rsv1_without_payload(name: str) -> None:
    """A failed connection or an empty message, if the next one is still understood."""
    case = one(f"7.2.2/no-data-{name}")
    hello = server_text("Hello")
    assert not findings(case, {1: server_close(1007)}, end="fin")
    assert not findings(case, {-2: server_text("") + hello})
    assert not findings(case, {-2: squeezed(b"\x00") + hello})
    assert not findings(case, facts=MUTE)
    assert findings(case, {-2: hello}) == {(INFO, "7.2.2-14")}
    assert findings(case, {-2: server_text("") + server_text("?")}) == {(FAIL, "7.2.2-14")}
    assert findings(case, {-2: server_text("x") + hello}) == {(FAIL, "7.2.2-14")}
    broken = findings(case, {1: server_text("x") + server_close(1007)}, end="fin")
    assert broken == {(FAIL, "7.2.2-14")}


# BFINAL


def test_data_behind_a_final_block() -> None:
    """To fail is a warning; to deliver another message than was sent is more than that."""
    case = one("7.2.1/blocks-behind-a-final-one")
    assert not findings(case, {-2: server_text("Hello")})
    assert not findings(case, facts=MUTE)
    assert findings(case, {-2: server_text("Hel")}) == {(FAIL, "7.2.1-06")}
    assert findings(case, {1: server_close(1007)}, end="fin") == {(WARN, "7.2.1-06")}


def test_a_final_block_alone() -> None:
    """The byte 00 behind it is data, too."""
    case = one("7.2.1/final-block")
    assert not findings(case, {-2: server_text("Hello")})
    assert findings(case, {1: server_close(1007)}, end="fin") == {(WARN, "7.2.1-05")}
    assert findings(case, {-2: server_text("")}) == {(FAIL, "7.2.1-05")}


def test_the_window_behind_a_final_block() -> None:
    """It is kept, which is worth knowing."""
    case = one("7.2.1/window-behind-a-final-block")
    assert not findings(case, {-2: server_text("Hello") * 2})
    assert findings(case, {2: server_text("Hello") + server_close(1007)}, end="fin") == {
        (INFO, "7.2.1-05")
    }


# The window of the client

KEPT = "7.2.2/second-message-refers"


@pytest.mark.parametrize("name", [KEPT, "7.1.1.2/hint-is-not-binding"])
def test_what_came_before_may_be_referred_to(name: str) -> None:
    """Unless the answer rules it out, be it unasked."""
    case = one(name)
    clause = case.requirements[0].removeprefix("RFC7692-")
    assert not findings(case, {-2: server_text("Hello") * 2})
    refused = {2: server_text("Hello") + server_close(1007)}
    assert findings(case, refused, end="fin") == {(FAIL, clause)}
    ruled_out = f"{PLAIN}; client_no_context_takeover"
    assert findings(case, refused, end="fin", extensions=ruled_out) == {(SKIP, "")}


def test_far_references_may_be_ruled_out() -> None:
    """By client_max_window_bits, or by a limit on the size of messages."""
    case = one("7.1.2.2/distance-32768-despite-the-hint")
    length = 32768 + 258
    twin = server_text((b"wsref check " * length)[:length])
    echo = server_text(noise(32768) + noise(32768)[:258])
    assert not findings(case, {2: twin, 5: echo})
    refused = {2: twin, 4: server_close(1007)}
    assert findings(case, refused, end="fin") == {(FAIL, "7.1.2.2-08")}
    limited = f"{PLAIN}; client_max_window_bits=9"
    assert findings(case, refused, end="fin", extensions=limited) == {(SKIP, "")}
    assert findings(case, {1: b""}, end="fin") == {(INFO, "RFC6455-10.4-02")}


@pytest.mark.parametrize(
    "case",
    [case for case in compression.CASES if needs_deflate(case) and case not in (*BAD, *CUT_OFF)],
    ids=lambda case: case.id,
)
def test_what_is_to_be_inflated_is_legal(case: Case) -> None:
    """What cases send compressed, and want to be understood, is DEFLATE to another inflate."""
    if case.title.endswith("has to fail the connection.") or "/no-data-" in case.id:
        pytest.skip("it is not meant to be understood")
    if any(len(step.data) > 20_000 for step in case.steps if isinstance(step, Send)):
        pytest.skip("too long for an inflate that is slow")
    window = b""
    for payload in payloads_of(case):
        window += reference_inflate(payload, window).data


def test_the_examples_of_the_rfc() -> None:
    """The blocks that are written by hand are those of RFC 7692 §7.2.3."""
    assert Blocks().fixed(b"Hello").payload.hex() == "f248cdc9c90700"
    assert Blocks().fixed(b"H", (4, 5)).payload.hex() == "f200110000"
    assert Blocks().stored(b"Hello").payload.hex() == "000500faff48656c6c6f00"
    assert Blocks().fixed(b"Hello", final=True).payload.hex() == "f348cdc9c9070000"
    in_two = Blocks().fixed(b"He").stored(b"").fixed(b"llo").payload
    assert in_two.hex() == "f24805000000ffffcac9c90700"
