"""Controls: conversations that any server must be able to have.

They come first.  They find out whether the server can be checked at all, whether it echoes and
compresses, and what a round trip takes, from which all deadlines follow.
"""

from __future__ import annotations

import time
from typing import Final, NamedTuple

from .catalogue import Facts
from .conversation import (
    UNMASKED,
    Await,
    Crowd,
    Open,
    Probe,
    Send,
    Step,
    binary,
    close,
    frame,
    ping,
    text,
)
from .judgements import answer_of
from .opening import (
    Change,
    Opening,
    compressing,
    offering_subprotocols,
    replacing,
    sending_headers,
    without,
)
from .options import Options
from .peer import Patience, converse
from .record import Record
from .target import Target

__all__ = ["ROUND_TRIPS", "Controls", "control"]

#: Deadlines have room for so many round trips.
ROUND_TRIPS: Final = 20

#: How long to wait for the opening handshake, and then for each answer, in seconds.
_OPENING_TIMEOUT: Final = 5.0
_ANSWER_TIMEOUT: Final = 1.0

#: With Pongs that take longer, in seconds, probes are text messages, if those come back.
_SLOW_PONG: Final = 0.5

#: Between two attempts to reach a server, in seconds.
_PAUSE: Final = 0.1

#: What is to be echoed.
_HELLO: Final = b"wsref check: is this echoed?"
_DEFLATE: Final = "permessage-deflate; client_max_window_bits"

#: What browsers do and clients need not: a server that refuses a plain request may insist on it.
_HABITS: Final[tuple[Change, ...]] = (
    sending_headers(lambda fields: (*fields, ("Origin", f"http://{dict(fields)['Host']}"))),
    replacing("Sec-WebSocket-Extensions", _DEFLATE),
    replacing("Sec-WebSocket-Protocol", "chat, superchat"),
    without("User-Agent"),
    replacing("Connection", "keep-alive, Upgrade"),
    sending_headers(lambda fields: tuple((name.lower(), value) for name, value in fields)),
    sending_headers(lambda fields: (fields[0], *reversed(fields[1:]))),
)

#: A connection that is opened and closed at once.
_HANDSHAKE: Final[tuple[Step, ...]] = (Open(), Send(close(1000), "Close"))
_EAGER: Final[tuple[Step, ...]] = (Open(behind=ping(b"eager")), Send(close(1000), "Close"))
_BINARY: Final[tuple[Step, ...]] = (Open(), Send(binary(b"wsref"), "a binary message"), Probe())

#: Two connections at the same time, of which the second says something.
_NEWS: Final = b"wsref check: who else hears this?"
_COMPANY: Final[tuple[Step, ...]] = (
    Open(),
    Crowd(1, (Open(), Send(text(_NEWS), "a text message"), Probe())),
    Probe(),
)

#: What no server can take for a frame: no mask, reserved bits, a reserved opcode.
_FAILING: Final[tuple[Step, ...]] = (
    Open(),
    Send(frame(3, rsv=7, key=UNMASKED), "what is no frame"),
    Await("end"),
)


class Controls(NamedTuple):
    """What came of the controls.

    Attributes:
        target: the server, with what has to be changed in requests so that it accepts them.
        facts: what was found out; None if the server cannot be checked.
        problem: why it cannot be checked, or only in part.
        server: its Server header.
        records: the conversations.
    """

    target: Target
    facts: Facts | None
    problem: str
    server: str
    records: tuple[Record, ...]


def control(target: Target, options: Options) -> Controls:
    """Find out what a server does when nothing is wrong."""
    target, opening = _open(target, options)
    response = opening.response
    server = "" if response is None else response.get("Server") or ""
    if response is None or not opening.is_open:
        problem = opening.unreachable or f"the control failed: {answer_of(opening)}, not 101"
        records = [opening]
        if not (opening.unreachable or opening.received or opening.has_ended):
            patience = Patience(options.timeout or _OPENING_TIMEOUT, _OPENING_TIMEOUT)
            records.append(converse(target, _EAGER, patience))  # it may wait for more
        return Controls(target, None, problem, server, tuple(records))
    problem = ""
    answer = options.timeout or _ANSWER_TIMEOUT + ROUND_TRIPS * _duration_of(opening)
    patience = Patience(answer, _OPENING_TIMEOUT)
    steps: list[Step] = [Open(), Probe(), Send(text(_HELLO), "a text message"), Probe()]
    if options.echo == "auto":
        steps.append(Await("messages"))
    steps += [Send(close(1000), "Close"), Await("end")]
    first = converse(target, tuple(steps), patience)
    records = [first]
    pongs = all(first.answered(step) for step in (1, 3))
    echoed = _has_hello(first)
    if not pongs and not echoed:  # it may not bear the Ping
        only_text = (Open(), Send(text(_HELLO), "a text message"), Await("messages"))
        records.append(converse(target, only_text, patience))
        echoed = _has_hello(records[1])
        if not echoed:
            problem = "neither is a Ping answered rightly nor a message echoed"
    round_trip = _round_trip(first)
    if echoed and round_trip > _SLOW_PONG:  # to wait for each of them would take too long
        pongs = False
    facts = Facts(
        echoes=echoed if options.echo == "auto" else options.echo == "yes",
        pongs=pongs,
        unasked=sum(message.step < 2 for message in first.messages),
        subprotocol=response.get("Sec-WebSocket-Protocol"),
        round_trip=min(round_trip, _duration_of(opening)),
        is_secure=target.uri.secure,
        echo_time=_echo_time(first),
    )
    if not pongs:  # it has been waited for long enough
        patience = patience._replace(answer=patience.answer / 2)
    if facts.subprotocol is None:
        guess = converse(target, (Open(Opening((offering_subprotocols(),))),), patience)
        records.append(guess)
        if guess.is_open and guess.response is not None:
            chosen = guess.response.get("Sec-WebSocket-Protocol")
            facts = facts._replace(subprotocol=chosen or None)
    of_bytes = converse(target, _BINARY, patience, pings=pongs)
    records.append(of_bytes)
    facts = facts._replace(takes_binary=not (of_bytes.closes or of_bytes.has_ended))
    company = converse(target, _COMPANY, patience, pings=pongs)
    records.append(company)
    facts = facts._replace(
        parallel=any(other.response or other.has_ended for other in company.others),
        broadcasts=any(message.payload == _NEWS for message in company.messages),
    )
    failing = converse(target, _FAILING, patience)
    records.append(failing)
    code = (failing.close_code or 0) if failing.closes else None
    facts = facts._replace(failure_code=code)
    if options.deflate == "auto":
        offer = Open(compressing("client_max_window_bits"))
        records.append(converse(target, (offer,), patience))
        facts = facts._replace(deflates=records[-1].deflate is not None)
    return Controls(target, facts, problem, server, tuple(records))


def _open(target: Target, options: Options) -> tuple[Target, Record]:
    """Have the opening handshake, with a request that the server accepts.

    A server that refuses a plain request may want something in it that is optional; then the
    cases can be run all the same, and those about plain requests will say so.
    """
    patience = Patience(options.timeout or _OPENING_TIMEOUT, _OPENING_TIMEOUT)
    deadline = time.monotonic() + options.wait
    plain = converse(target, _HANDSHAKE, patience)
    while plain.unreachable and time.monotonic() < deadline:
        time.sleep(_PAUSE)
        plain = converse(target, _HANDSHAKE, patience)
    if plain.is_open or plain.unreachable or not (plain.response or plain.has_ended):
        return target, plain
    for change in _HABITS:
        changed = target._replace(changes=(change,))
        record = converse(changed, _HANDSHAKE, patience)
        if record.is_open:
            return changed, record
    return target, plain


def _duration_of(opening: Record) -> float:
    """Return what the opening handshake took, in seconds."""
    return opening.time_of_step(1)


def _echo_time(record: Record) -> float:
    """Return what the message of step 2 and its echo took, in seconds; 0 if there was none."""
    for message in record.messages:
        if message.payload == _HELLO:
            return max(0.0, message.time - record.time_of_step(2))
    return 0.0


def _has_hello(record: Record) -> bool:
    """Whether what is to be echoed was, be it as text or not."""
    return _HELLO in [message.payload for message in record.messages]


def _round_trip(record: Record) -> float:
    """Return what the Ping of step 1 and its Pong took, in seconds."""
    payload = record.probes.get(1)
    for received in record.frames:
        if received.payload == payload:
            return received.time - record.time_of_step(1)
    return record.time_of_step(1)
