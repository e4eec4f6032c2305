"""What a client may never do: judged on the record of any conversation.

The counterpart of :mod:`.oracle`.  :func:`judge_client` reads all that the client sent, from the
request to the last frame.  The rules are those that the core checks as a receiver
(:func:`~wsref.protocol.frames.check_header` and others); a table says which rule for the sender
each of them is the other side of.  When a check finds something, that is put right and the check
made again, so that one fault does not hide another.

What takes both directions to tell, :func:`judge_together`, is only ever a warning: a recording
does not show when bytes arrived at the other end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from ..protocol.closing import parse_close
from ..protocol.deflate import DeflateParameters, Inflating, inflate, inflating
from ..protocol.deflate_parameters import PERMESSAGE_DEFLATE
from ..protocol.frames import FIN, Frame, FrameHeader, check_header, parse_frame, parse_header
from ..protocol.handshake import Asked, check_request, check_response
from ..protocol.headers import Extension, parse_extensions, parse_tokens, shown
from ..protocol.http import Request, parse_request, parse_response
from ..protocol.opcode import CLOSE, CONTINUATION, PING, PONG, TEXT, Opcode
from ..protocol.violations import Violation
from ..requirements import requirement
from .oracle import judge_server
from .record import Kind, Received, Record
from .verdicts import Finding, Verdict, fail, info, warn

__all__ = [
    "CLAUSES",
    "Located",
    "Side",
    "frames_of_client",
    "judge_client",
    "judge_together",
    "locate_client",
]

Side: TypeAlias = Literal["client", "server"]

_MAX_MESSAGE: Final = 64 * 1024 * 1024
#: So long a silence is taken to mean that no answer comes, in seconds.
_LONG: Final = 1.0

#: What a receiver checks about a frame, and the rule for its sender.
_OF_SENDER: Final = {
    "RFC6455-5.1-02": "RFC6455-5.1-01",
    "RFC6455-5.2-03": "RFC6455-5.2-02",
    "RFC6455-5.2-04": "RFC6455-5.2-02",
    "RFC7692-6.1-06": "RFC6455-5.2-02",
    "RFC7692-6.1-04": "RFC7692-6.1-03",
    "RFC7692-6.1-05": "RFC7692-6.1-03",
    "RFC6455-5.2-05": "RFC6455-5.2-07",
    "RFC6455-5.2-06": "RFC6455-5.2-07",
    "RFC6455-5.5-02": "RFC6455-5.5-01",
    "RFC6455-5.5-03": "RFC6455-5.4-07",
    "RFC6455-5.2-09": "RFC6455-5.2-08",
    "RFC6455-5.2-11": "RFC6455-5.2-10",
    "RFC6455-5.2-12": "RFC6455-5.2-10",
    "RFC6455-5.5.1-03": "RFC6455-5.5.1-02",
    "RFC6455-5.5.1-05": "RFC6455-5.5.1-06",
    "RFC7692-7.2.2-02": "RFC7692-7.2.1-01",
    "RFC7692-7.2.2-03": "RFC7692-7.2.1-01",
    "RFC7692-7.2.2-04": "RFC7692-7.2.1-01",
    "RFC7692-7.2.2-14": "RFC7692-7.2.1-01",
}

_EXTENSIONS: Final = re.compile(rb"^sec-websocket-extensions[ \t]*:[^\n]*\n", re.I | re.M)

_Repair: TypeAlias = Callable[[Request], Request]


def _with(name: str, *values: str) -> _Repair:
    """Return what gives a request the header *name* with *values*, and no other."""

    def repair(request: Request) -> Request:
        kept = tuple(field for field in request.headers if field[0].lower() != name.lower())
        return request._replace(headers=kept + tuple((name, value) for value in values))

    return repair


#: What a server checks about a request: the rule for the client, and what puts it right.
_OF_CLIENT: Final[dict[str, tuple[str, _Repair]]] = {
    "RFC6455-4.2.1-02": ("RFC6455-4.1-18", lambda request: request._replace(method="GET")),
    "RFC6455-4.2.1-03": ("RFC6455-4.1-19", lambda request: request._replace(version="HTTP/1.1")),
    "RFC6455-3-06": ("RFC6455-3-06", lambda request: request._replace(target="/")),
    "RFC6455-4.1-20": ("RFC6455-4.1-20", lambda request: request._replace(target="/")),
    "RFC6455-4.2.1-04": ("RFC6455-4.1-21", _with("Host", "localhost")),
    "RFC6455-4.2.1-06": ("RFC6455-4.1-23", _with("Upgrade", "websocket")),
    "RFC6455-4.2.1-08": ("RFC6455-4.1-24", _with("Connection", "Upgrade")),
    "RFC6455-4.1-38": (
        "RFC6455-4.1-38",
        lambda request: _with("Transfer-Encoding")(_with("Content-Length")(request)),
    ),
    "RFC6455-4.2.1-11": ("RFC6455-4.1-30", _with("Sec-WebSocket-Version", "13")),
    "RFC6455-11.3.5-03": ("RFC6455-11.3.5-02", _with("Sec-WebSocket-Version", "13")),
    "RFC6455-4.3-04": ("RFC6455-4.3-03", _with("Sec-WebSocket-Version", "13")),
    "RFC6455-4.2.2-07": ("RFC6455-4.1-31", _with("Sec-WebSocket-Version", "13")),
    "RFC6455-4.2.1-09": ("RFC6455-4.1-25", _with("Sec-WebSocket-Key", "A" * 22 + "==")),
    "RFC6455-11.3.1-02": ("RFC6455-11.3.1-01", _with("Sec-WebSocket-Key", "A" * 22 + "==")),
    "RFC6455-4.2.1-10": ("RFC6455-4.1-26", _with("Sec-WebSocket-Key", "A" * 22 + "==")),
    "RFC6455-4.3-06": ("RFC6455-4.1-33", _with("Sec-WebSocket-Protocol")),
    "RFC6455-4.1-34": ("RFC6455-4.1-34", _with("Sec-WebSocket-Protocol")),
    "RFC6455-9.1-01": ("RFC6455-9.1-01", _with("Sec-WebSocket-Extensions")),
    "RFC6455-4.3-01": ("RFC6455-4.3-01", _with("Sec-WebSocket-Extensions")),
}

#: The clauses that findings of :func:`judge_client` can be about.
CLAUSES: Final = tuple(
    dict.fromkeys(
        (
            *(clause for clause, _repair in _OF_CLIENT.values()),
            *_OF_SENDER.values(),
            "RFC6455-4.1-17",
            "RFC6455-4.1-22",
            "RFC6455-5.3-02",
            "RFC6455-5.4-02",
            "RFC6455-5.4-05",
            "RFC6455-5.5.1-09",
            "RFC6455-5.5.1-20",
            "RFC6455-5.6-01",
            "RFC6455-6.1-03",
            "RFC6455-7.4.1-06",
            "RFC6455-7.4.1-07",
            "RFC6455-7.4.1-08",
            "RFC6455-7.4.1-16",
            "RFC6455-7.4.2-01",
            "RFC6455-7.4.2-02",
            "RFC6455-7.4.2-06",
            "RFC6455-9-04",
            "RFC6455-9.1-06",
            "RFC7692-7.1.2.1-02",
            "RFC7692-7.1.2.2-02",
            "RFC7692-7.2.1-09",
            "RFC7692-7.2.1-13",
        )
    )
)


class Located(NamedTuple):
    """A finding, and where it is.

    Attributes:
        finding: what is to be said.
        side: who did it.
        frame: the index of the frame in that side's frames; -1 for the opening handshake, None
            if it is about no single frame.
    """

    finding: Finding
    side: Side
    frame: int | None = None


def judge_client(record: Record) -> list[Finding]:
    """Judge all that the client sent.

    Returns:
        The findings, in the order of the bytes they are about.
    """
    return [located.finding for located in locate_client(record)]


def locate_client(record: Record) -> Iterator[Located]:
    """Judge the client as :func:`judge_client` does, and say where each finding is."""
    for finding in _judge_request(record.request):
        yield Located(finding, "client", -1)
    if record.is_open:
        yield from _judge_frames(record)


def frames_of_client(record: Record) -> tuple[Received, ...]:
    """Return the whole frames that the client sent; positions count from behind the request."""
    stream = record.sent[len(record.request) :]
    arrivals: list[tuple[int, float, int]] = []
    position = -len(record.request)
    for entry in record.entries:
        if entry.kind is Kind.SENT:
            position += len(entry.data)
            arrivals.append((position, entry.time, entry.step))
    found: list[Received] = []
    start = index = 0
    while (parsed := parse_frame(stream, start)) is not None:
        frame, stop = parsed
        while arrivals[index][0] < stop:
            index += 1
        _until, time, step = arrivals[index]
        found.append(Received(frame, start, stop, time, step))
        start = stop
    return tuple(found)


# The opening handshake (RFC 6455 §4.1)


def _judge_request(head: bytes) -> Iterator[Finding]:
    try:
        request = parse_request(head)
    except Violation as violation:
        yield fail("RFC6455-4.1-17", f"the request is no valid HTTP: {violation.detail}")
        return
    yield from _judge_offers(request)
    for _attempt in range(len(_OF_CLIENT)):
        try:
            check_request(request)
        except Violation as violation:
            if violation.clause not in _OF_CLIENT:
                yield fail(*_of_syntax(violation))
                return
            clause, repair = _OF_CLIENT[violation.clause]
            yield fail(clause, violation.detail)
            request = repair(request)
        else:
            return


def _of_syntax(violation: Violation) -> tuple[str, str]:
    """Return the client's rule about what is malformed in a head that is HTTP as a whole."""
    if "Host" in violation.detail:
        return "RFC6455-4.1-21", violation.detail
    return "RFC6455-4.1-17", violation.detail


def _judge_offers(request: Request) -> Iterator[Finding]:
    """Judge the parameters of permessage-deflate that are offered (RFC 7692 §7.1)."""
    try:
        offers = parse_extensions(request.get_all("Sec-WebSocket-Extensions"))
    except Violation:
        return  # which check_request says as well
    for offer in offers:
        if offer.name == PERMESSAGE_DEFLATE:
            yield from _judge_offer(offer)


def _judge_offer(offer: Extension) -> Iterator[Finding]:
    bits = [str(number) for number in range(8, 16)]
    seen: set[str] = set()
    for name, value in offer.parameters:
        if name in seen:
            yield fail("RFC6455-9-04", f"an offer of {offer.name} has {name} more than once")
        seen.add(name)
        if name in ("server_no_context_takeover", "client_no_context_takeover"):
            if value is not None:
                yield fail("RFC6455-9-04", f"an offer has {name} with a value, {shown(value)}")
        elif name == "server_max_window_bits":
            if value not in bits:
                yield fail("RFC7692-7.1.2.1-02", f"an offer has {name}={shown(value or '')}")
        elif name == "client_max_window_bits":
            if value is not None and value not in bits:
                yield fail("RFC7692-7.1.2.2-02", f"an offer has {name}={shown(value)}")
        else:
            yield fail("RFC6455-9.1-06", f"{offer.name} has no parameter {shown(name)}")


# Frames and messages (RFC 6455 §5, §7.4; RFC 7692 §6, §7.2)


def _judge_frames(record: Record) -> Iterator[Located]:
    frames = frames_of_client(record)
    contexts = None if record.deflate is None else _contexts(record.deflate)
    compresses = contexts is not None
    begun: list[Frame] = []
    closed = False
    yield from _judge_keys(frames)
    for index, received in enumerate(frames):
        frame = received.frame
        opcode = frame.header.opcode
        name = Opcode(opcode).name
        found = list(_judge_header(frame.header, compresses))
        if closed and opcode == CLOSE:
            found.append(fail("RFC6455-5.5.1-20", "a second Close frame was sent"))
        elif closed and not frame.header.is_control:
            found.append(fail("RFC6455-5.5.1-09", f"a {name} frame was sent after the Close"))
        if opcode == CLOSE:
            if not closed:
                found += _judge_close(frame.payload)
            closed = True
        elif not frame.header.is_control:
            if opcode == CONTINUATION and not begun:
                message = "a continuation frame was sent outside of a message"
                found.append(fail("RFC6455-5.4-02", message))
            else:
                if opcode != CONTINUATION and begun:
                    message = f"a {name} frame began before the message in progress ended"
                    found.append(fail("RFC6455-5.4-05", message))
                    begun = []
                begun.append(frame)
                if frame.header.fin:
                    finding, contexts = _judge_message(begun, contexts, record.deflate)
                    found += finding
                    begun = []
        yield from (Located(finding, "client", index) for finding in found)
    rest = record.sent[len(record.request) + (frames[-1].stop if frames else 0) :]
    header = parse_header(rest)
    found = [] if header is None else list(_judge_header(header, compresses))
    found += _judge_end(record, rest, closed)
    yield from (Located(finding, "client", len(frames)) for finding in found)


def _judge_end(record: Record, rest: bytes, closed: bool) -> Iterator[Finding]:
    """Judge how the client's direction ended."""
    ended = any(entry.kind is Kind.SENT_END for entry in record.entries)
    if rest and ended and not closed:
        message = f"the client ended TCP within a frame: {rest[:16].hex(' ')}"
        yield warn("RFC6455-6.1-03", message)


def _judge_header(header: FrameHeader, compresses: bool) -> Iterator[Finding]:
    for _attempt in range(8):
        try:
            check_header(header, by_client=True, rsv1_allowed=compresses)
        except Violation as violation:
            yield fail(_OF_SENDER.get(violation.clause, violation.clause), violation.detail)
            header = _repaired(header, violation.clause)
        else:
            return


def _repaired(header: FrameHeader, clause: str) -> FrameHeader:
    """Return a header that does not break *clause*."""
    first_byte, key, length, size = header
    if clause == "RFC6455-5.1-02":
        return FrameHeader(first_byte, bytes(4), length, size + 4)
    if clause in ("RFC6455-5.2-05", "RFC6455-5.2-06"):
        return FrameHeader(first_byte & 0xF8 | 1, key, length, size)
    if clause == "RFC6455-5.5-03":
        return FrameHeader(first_byte | FIN, key, length, size)
    if clause in ("RFC6455-5.5-02", "RFC6455-5.2-09", "RFC6455-5.2-11", "RFC6455-5.2-12"):
        return FrameHeader(first_byte, key, 0, 2 if key is None else 6)
    if clause == "RFC7692-6.1-06":
        return FrameHeader(first_byte & 0x8F, key, length, size)
    if header.rsv2 or header.rsv3:
        return FrameHeader(first_byte & 0xCF, key, length, size)
    return FrameHeader(first_byte & 0xBF, key, length, size)


def _judge_keys(frames: tuple[Received, ...]) -> Iterator[Located]:
    """Warn of masking keys that are used again (RFC 6455 §5.3, §10.3).

    Random keys do repeat, but hardly ever: of *n* keys about ``n * n / 2 ** 33``.
    """
    keys = [frame.frame.header.masking_key for frame in frames]
    used = Counter(key for key in keys if key is not None)
    again = used.total() - len(used)
    if again <= used.total() ** 2 / 2**30:
        return
    key, times = used.most_common(1)[0]
    first = keys.index(key)
    second = keys.index(key, first + 1)
    message = f"of {used.total()} masked frames {times} have the masking key {key.hex(' ')}"
    yield Located(warn("RFC6455-5.3-02", message), "client", second)


def _judge_close(payload: bytes) -> Iterator[Finding]:
    try:
        parse_close(payload)
    except Violation as violation:
        yield fail(_OF_SENDER.get(violation.clause, violation.clause), violation.detail)


class _Contexts(NamedTuple):
    """What compressed messages are inflated with.

    Attributes:
        agreed: with the window that was agreed on, and whether it is kept.
        full: with the largest window, always kept; it tells why the other one fails.
    """

    agreed: Inflating
    full: Inflating


def _contexts(parameters: DeflateParameters) -> _Contexts:
    return _Contexts(inflating(parameters, False), inflating(DeflateParameters(), False))


def _judge_message(
    fragments: list[Frame], contexts: _Contexts | None, parameters: DeflateParameters | None
) -> tuple[list[Finding], _Contexts | None]:
    """Judge a whole message; return the contexts for the next as well."""
    first = fragments[0].header
    payload = b"".join(fragment.payload for fragment in fragments)
    found: list[Finding] = []
    if first.rsv1 and contexts is not None and parameters is not None:
        before = payload
        agreed, full = contexts
        try:
            agreed, payload = inflate(agreed, before, _MAX_MESSAGE)
        except Violation as violation:
            clause = "RFC7692-7.2.1-01"
            if _inflates(full, before):
                keeps = not parameters.client_no_context_takeover
                clause = "RFC7692-7.2.1-13" if keeps else "RFC7692-7.2.1-09"
            return [fail(clause, f"a compressed message: {violation.detail}")], contexts
        full, _same = inflate(full, before, _MAX_MESSAGE)
        contexts = _Contexts(agreed, full)
    if first.opcode == TEXT:
        try:
            payload.decode()
        except UnicodeDecodeError as error:
            bad = payload[error.start : error.start + 4].hex(" ")
            found.append(fail("RFC6455-5.6-01", f"a text message is not UTF-8: {bad}"))
    return found, contexts


def _inflates(context: Inflating, payload: bytes) -> bool:
    try:
        inflate(context, payload, _MAX_MESSAGE)
    except Violation:
        return False
    return True


# Both directions


def judge_together(record: Record) -> Iterator[Located]:
    """Judge what takes both directions, in the order of time: only ever warnings.

    Args:
        record: a conversation; its times are those of one place on the way.
    """
    yield from _judge_acceptance(record)
    if not record.is_open:
        return
    client, server = frames_of_client(record), record.frames
    yield from _judge_order(record, client)
    answers = [
        *_judge_pings(record, "client", client, "server", server),
        *_judge_pings(record, "server", server, "client", client),
        *_judge_closes(record, client, server),
    ]
    if answers:
        # Who broke the protocol is owed no more answers: the connection may have been failed.
        excused: dict[Side, bool] = {
            "server": _has_failed(judge_client(record)),
            "client": _has_failed(judge_server(record)),
        }
        yield from (one for one in answers if not excused[one.side])


def _has_failed(findings: Iterable[Finding]) -> bool:
    return any(finding.verdict is Verdict.FAIL for finding in findings)


def _judge_acceptance(record: Record) -> Iterator[Located]:
    """Judge whether either side took what it should have refused (RFC 6455 §4.1, §4.2.1)."""
    if not record.is_open:
        return
    try:
        request = parse_request(record.request)
        check_request(request)
    except Violation as violation:
        if requirement(violation.clause).binds_servers:
            message = f"the handshake was accepted, though {violation.detail}"
            yield Located(warn(violation.clause, message), "server", -1)
        return
    subprotocols = tuple(parse_tokens(request.get_all("Sec-WebSocket-Protocol")))
    try:
        # What was agreed on about extensions has its place in the judgement of the server.
        response = parse_response(_EXTENSIONS.sub(b"", record.head))
        check_response(response, Asked(record.key, subprotocols, ()))
    except Violation as violation:
        if any(frame.opcode != CLOSE for frame in frames_of_client(record)):
            message = f"the client went on, though {violation.detail}"
            yield Located(warn(violation.clause, message), "client", -1)


def _judge_order(record: Record, client: tuple[Received, ...]) -> Iterator[Located]:
    """Warn of frames that were sent before the answer to the handshake was there."""
    position = 0
    answered = None
    for entry in record.entries:
        if entry.kind is Kind.RECEIVED:
            position += len(entry.data)
            if position >= len(record.head):
                answered = entry.time
                break
    if answered is not None and client and client[0].time < answered:
        message = "a frame was sent before the server's answer to the handshake"
        yield Located(warn("RFC6455-4.1-38", message), "client", 0)


def _judge_pings(
    record: Record,
    asking: Side,
    asked: tuple[Received, ...],
    answering: Side,
    answers: tuple[Received, ...],
) -> Iterator[Located]:
    """Judge whether Pings were answered (RFC 6455 §5.5.2, §5.5.3).

    Only the latest needs an answer if there are several; none needs one behind a Close.
    """
    pongs = [one for one in answers if one.opcode == PONG]
    pings = [(index, one) for index, one in enumerate(asked) if one.opcode == PING]
    closing = min(
        (one.time for one in (*asked, *answers) if one.opcode == CLOSE), default=float("inf")
    )
    ends = min(closing, _end_of(record))
    for number, (index, ping) in enumerate(pings):
        later = {other.payload for _index, other in pings[number:]}
        if any(pong.time >= ping.time and pong.payload in later for pong in pongs):
            continue
        if ends - ping.time < _LONG:
            continue  # it may have come too late to be answered
        until = pings[number + 1][1].time if number + 1 < len(pings) else ends
        other = [pong for pong in pongs if ping.time <= pong.time <= until]
        if other:
            shown_payload = other[0].payload[:16].hex(" ")
            message = f"the Pong has other data than the Ping: {shown_payload}"
            place = answers.index(other[0])
            yield Located(warn("RFC6455-5.5.3-01", message), answering, place)
        else:
            message = f"no Pong for a second or more to frame {index + 1} of the {asking}, a Ping"
            yield Located(warn("RFC6455-5.5.2-02", message), answering)


def _end_of(record: Record) -> float:
    """Return when the first direction ended, or the recording."""
    ends = (Kind.END, Kind.RESET, Kind.SENT_END)
    return min((one.time for one in record.entries if one.kind in ends), default=record.duration)


def _judge_closes(
    record: Record, client: tuple[Received, ...], server: tuple[Received, ...]
) -> Iterator[Located]:
    """Judge whether a Close was answered, and who ended TCP (RFC 6455 §5.5.1, §7.1.1)."""
    by_client = next((i for i, one in enumerate(client) if one.opcode == CLOSE), None)
    by_server = next((i for i, one in enumerate(server) if one.opcode == CLOSE), None)
    kinds = [entry.kind for entry in record.entries]
    server_ended = next((i for i, kind in enumerate(kinds) if kind in (Kind.END, Kind.RESET)), None)
    client_ended = kinds.index(Kind.SENT_END) if Kind.SENT_END in kinds else None
    if by_client is not None and by_server is None:
        asked = f"frame {by_client + 1} of the client, a Close"
        if server_ended is not None and (client_ended is None or server_ended < client_ended):
            message = f"TCP was ended without a reply to {asked}"
            yield Located(warn("RFC6455-5.5.1-10", message), "server")
        elif client_ended is None and record.duration - client[by_client].time >= _LONG:
            message = f"no reply for a second or more to {asked}"
            yield Located(warn("RFC6455-5.5.1-10", message), "server")
    elif by_server is not None and by_client is None:
        asked = f"frame {by_server + 1} of the server, a Close"
        if client_ended is not None and (server_ended is None or client_ended < server_ended):
            message = f"TCP was ended without a reply to {asked}"
            yield Located(warn("RFC6455-5.5.1-10", message), "client")
        elif server_ended is None and record.duration - server[by_server].time >= _LONG:
            message = f"no reply for a second or more to {asked}"
            yield Located(warn("RFC6455-5.5.1-10", message), "client")
    elif (
        by_client is not None
        and client_ended is not None
        and (server_ended is None or client_ended < server_ended)
    ):
        message = "the client ended TCP before the server did"
        yield Located(info("RFC6455-5.5.1-17", message), "client", by_client)
