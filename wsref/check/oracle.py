"""What a server may never do, whatever it is sent: judged on the record of any conversation.

:func:`judge_server` reads all that a server sent, from its answer to the opening handshake to the
last frame, and returns what is wrong with it, clause by clause.  It does not ask whether
the server should have said something else, only whether what it said is legal in itself.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterator
from typing import Final

from ..protocol.deflate_parameters import PERMESSAGE_DEFLATE, DeflateOffer, check_answer
from ..protocol.frames import MAX_CONTROL_PAYLOAD, FrameHeader, parse_header
from ..protocol.handshake import accept_token
from ..protocol.headers import Extension, is_token, parse_extensions, shown
from ..protocol.http import Request, Response, parse_request, parse_response
from ..protocol.opcode import CLOSE, TEXT, Opcode, is_reserved
from ..protocol.violations import Violation
from .inflation import Inflation, may_be_compressed
from .record import Received, Record
from .verdicts import Finding, fail, warn

__all__ = ["CLAUSES", "judge_server"]

#: The bits of a DEFLATE block's type; both are clear if it is stored.
_BLOCK_TYPE: Final = 0b110

#: The clauses that findings of :func:`judge_server` can be about.
CLAUSES: Final = (
    "RFC6455-4.2.2-09",
    "RFC6455-4.2.2-10",
    "RFC6455-4.2.2-11",
    "RFC6455-4.2.2-12",
    "RFC6455-4.2.2-13",
    "RFC6455-4.2.2-14",
    "RFC6455-4.2.2-15",
    "RFC6455-4.2.2-16",
    "RFC6455-4.2.2-17",
    "RFC6455-4.2.2-18",
    "RFC6455-4.2.2-19",
    "RFC6455-4.3-05",
    "RFC6455-5.1-04",
    "RFC6455-5.2-02",
    "RFC6455-5.2-07",
    "RFC6455-5.2-08",
    "RFC6455-5.2-10",
    "RFC6455-5.4-02",
    "RFC6455-5.4-05",
    "RFC6455-5.4-07",
    "RFC6455-5.5-01",
    "RFC6455-5.5.1-02",
    "RFC6455-5.5.1-06",
    "RFC6455-5.5.1-09",
    "RFC6455-5.5.1-20",
    "RFC6455-5.6-01",
    "RFC6455-6.1-03",
    "RFC6455-7.4.1-06",
    "RFC6455-7.4.1-07",
    "RFC6455-7.4.1-08",
    "RFC6455-7.4.1-14",
    "RFC6455-7.4.1-16",
    "RFC6455-7.4.2-01",
    "RFC6455-7.4.2-02",
    "RFC6455-7.4.2-06",
    "RFC6455-9.1-01",
    "RFC6455-11.3.3-01",
    "RFC6455-11.3.4-03",
    "RFC7692-5-10",
    "RFC7692-6.1-01",
    "RFC7692-6.1-02",
    "RFC7692-6.1-03",
    "RFC7692-7-11",
    "RFC7692-7.1.1.1-02",
    "RFC7692-7.1.1.1-05",
    "RFC7692-7.1.1.2-03",
    "RFC7692-7.1.2.1-03",
    "RFC7692-7.1.2.1-04",
    "RFC7692-7.1.2.2-04",
    "RFC7692-7.1.2.2-05",
    "RFC7692-7.2.1-01",
    "RFC7692-7.2.1-02",
    "RFC7692-7.2.1-07",
    "RFC7692-7.2.1-08",
    "RFC7692-7.2.1-11",
    "RFC7692-7.2.1-15",
    "RFC7692-7.2.1-16",
    "RFC7692-7.2.3.3-01",
)

#: What the client's clauses about an answer are to the server who gave it.
_SERVER_CLAUSES: Final = {
    "RFC7692-7-07": "RFC7692-7-11",
    "RFC7692-7-09": "RFC7692-7-11",
    "RFC7692-7.1.2.2-06": "RFC7692-7.1.2.2-05",
}

#: The clauses about the values of parameters in an answer.
_FLAG_CLAUSES: Final = {
    "server_no_context_takeover": "RFC7692-7.1.1.1-05",
    "client_no_context_takeover": "RFC7692-7.1.1.2-03",
}
_WINDOW_CLAUSES: Final = {
    "server_max_window_bits": "RFC7692-7.1.2.1-03",
    "client_max_window_bits": "RFC7692-7.1.2.2-04",
}
_WINDOWS: Final = frozenset(map(str, range(8, 16)))


def judge_server(record: Record) -> list[Finding]:
    """Judge all that the server sent.

    Returns:
        The findings, in the order of the bytes they are about.
    """
    findings: list[Finding] = []
    if record.is_open:
        findings += _judge_acceptance(record)
        findings += _judge_frames(record)
    return findings


# The opening handshake (RFC 6455 §4.2.2)


def _judge_acceptance(record: Record) -> Iterator[Finding]:
    response = record.response
    assert response is not None
    try:
        parse_response(record.head)
    except Violation as violation:
        yield fail("RFC6455-4.2.2-16", f"the 101 is no valid HTTP: {violation.detail}")
    if response.status_code != 101:
        status = f"{response.status_code} {response.status}".rstrip()
        yield fail("RFC6455-4.2.2-16", f"the key is answered, but with status {shown(status)}")
    if response.http_ver < "HTTP/1.1":
        yield fail("RFC6455-4.2.2-16", f"101 does not exist in {shown(response.http_ver)}")
    upgrade = response.get("Upgrade")
    if upgrade is None:
        yield fail("RFC6455-4.2.2-17", "the 101 has no Upgrade header")
    elif upgrade.lower() != "websocket":
        yield fail("RFC6455-4.2.2-17", f"the 101 has Upgrade: {shown(upgrade)}, not websocket")
    tokens = [token.lower() for token in response.get_list("Connection")]
    if response.get("Connection") is None:
        yield fail("RFC6455-4.2.2-18", "the 101 has no Connection header")
    elif "upgrade" not in tokens:
        value = shown(response.get("Connection") or "")
        yield fail("RFC6455-4.2.2-18", f"the 101 has Connection: {value}, which lacks upgrade")
    request = _request(record)
    if _has_one_key(request):
        yield from _judge_accept(response, record.key)
    yield from _judge_subprotocol(response, request)
    yield from _judge_extensions(response, request)


def _has_one_key(request: Request | None) -> bool:
    """Whether there is one right answer to the request's Sec-WebSocket-Key."""
    keys = () if request is None else request.get_all("Sec-WebSocket-Key")
    return len(keys) == 1 and keys[0].isascii() and keys[0] != ""


def _is_malformed_offer(request: Request | None) -> bool:
    """Whether an extension header of the request breaks the grammar (RFC 6455 §9.1)."""
    try:
        parse_extensions(() if request is None else request.get_all("Sec-WebSocket-Extensions"))
    except Violation:
        return True
    return False


def _judge_accept(response: Response, key: str) -> Iterator[Finding]:
    values = response.get_all("Sec-WebSocket-Accept")
    if not values:
        yield fail("RFC6455-4.2.2-19", "the 101 has no Sec-WebSocket-Accept header")
        return
    if len(values) > 1:
        yield fail("RFC6455-11.3.3-01", f"the 101 has {len(values)} Sec-WebSocket-Accept headers")
    wanted = accept_token(key)
    for value in values:
        if value != wanted:
            message = f"Sec-WebSocket-Accept is {shown(value)}; {wanted!r} fits the key {key!r}"
            yield fail("RFC6455-4.2.2-19", message)
            try:
                decodes = len(a2b_base64(value, strict_mode=True)) == 20
            except (Base64Error, ValueError):
                decodes = False
            if not decodes:
                yield fail(
                    "RFC6455-4.3-05", f"Sec-WebSocket-Accept {shown(value)} is no SHA-1 in base64"
                )


def _judge_subprotocol(response: Response, request: Request | None) -> Iterator[Finding]:
    values = response.get_all("Sec-WebSocket-Protocol")
    if not values:
        return
    if len(values) > 1:
        yield fail("RFC6455-11.3.4-03", f"the 101 has {len(values)} Sec-WebSocket-Protocol headers")
    offered = _elements(request, "Sec-WebSocket-Protocol")
    for value in values:
        if not value:
            yield fail("RFC6455-4.2.2-11", "the 101 names an empty subprotocol")
        elif not offered:
            yield fail("RFC6455-4.2.2-10", f"the subprotocol {shown(value)} was never asked for")
        elif "," in value:
            yield fail("RFC6455-4.2.2-12", f"the 101 names several subprotocols: {shown(value)}")
        elif value not in offered:
            offers = ", ".join(offered)
            yield fail(
                "RFC6455-4.2.2-09",
                f"the subprotocol {shown(value)} is none of those offered: {offers}",
            )


def _judge_extensions(response: Response, request: Request | None) -> Iterator[Finding]:
    values = response.get_all("Sec-WebSocket-Extensions")
    if not values:
        return
    if _is_malformed_offer(request):
        return  # nobody can tell what was offered
    if not "".join(values).strip():
        yield fail("RFC6455-4.2.2-15", "the 101 has an empty Sec-WebSocket-Extensions header")
        return
    try:
        answers = parse_extensions(values)
    except Violation as violation:
        yield fail("RFC6455-9.1-01", f"Sec-WebSocket-Extensions of the 101: {violation.detail}")
        return
    offers = _offered_extensions(request)
    names = {offer.name for offer in offers}
    for answer in answers:
        if answer.name not in names:
            clause = "RFC6455-4.2.2-13" if offers else "RFC6455-4.2.2-14"
            yield fail(clause, f"the extension {shown(answer.name)} was not offered")
    accepted = [answer for answer in answers if answer.name == PERMESSAGE_DEFLATE]
    if len(accepted) > 1:
        yield fail("RFC7692-5-10", f"{PERMESSAGE_DEFLATE} is accepted {len(accepted)} times")
    for answer in accepted:
        if PERMESSAGE_DEFLATE in names:
            yield from _judge_deflate_answer(answer, offers)


def _judge_deflate_answer(answer: Extension, offers: list[Extension]) -> Iterator[Finding]:
    """Judge the answer against all offers that could have been accepted (RFC 7692 §7)."""
    usable: list[DeflateOffer] = []
    for offer in offers:
        if offer.name == PERMESSAGE_DEFLATE:
            given = _valid_offer(offer)
            if given is not None:
                usable.append(given)
    if not usable:  # the cases about offers to be declined say so by their own clauses
        usable.append(DeflateOffer())
    try:
        check_answer(answer, usable)
    except Violation as violation:
        clause = _SERVER_CLAUSES.get(violation.clause, violation.clause)
        if violation.clause == "RFC7692-7-08":
            clause = _clause_of_value(answer)
        yield fail(clause, f"the answer about permessage-deflate: {violation.detail}")


def _clause_of_value(answer: Extension) -> str:
    """Return the clause about the first parameter whose value is not legal in an answer."""
    for name, value in answer.parameters:
        if name in _FLAG_CLAUSES and value is not None:
            return _FLAG_CLAUSES[name]
        if name in _WINDOW_CLAUSES and value not in _WINDOWS:
            return _WINDOW_CLAUSES[name]
    return "RFC7692-7-11"


def _valid_offer(offer: Extension) -> DeflateOffer | None:
    """Read an offer; None if it is to be declined (RFC 7692 §7)."""
    given = dict(offer.parameters)
    bits: dict[str, int | bool | None] = {}
    if len(given) != len(offer.parameters):
        return None
    for name, value in given.items():
        if name in _FLAG_CLAUSES:
            if value is not None:
                return None
        elif name in _WINDOW_CLAUSES:
            if value is None and name == "client_max_window_bits":
                bits[name] = True
            elif value is not None and value in _WINDOWS:
                bits[name] = int(value)
            else:
                return None
        else:
            return None
    server_bits = bits.get("server_max_window_bits")
    return DeflateOffer(
        "server_no_context_takeover" in given,
        "client_no_context_takeover" in given,
        None if server_bits is None else int(server_bits),
        bits.get("client_max_window_bits"),
    )


def _request(record: Record) -> Request | None:
    try:
        return parse_request(record.request)
    except Violation:
        return None


def _elements(request: Request | None, name: str) -> list[str]:
    """Return what the request lists in a header, element by element."""
    if request is None:
        return []
    return [
        element.strip()
        for value in request.get_all(name)
        for element in value.split(",")
        if is_token(element.strip())
    ]


def _offered_extensions(request: Request | None) -> list[Extension]:
    if request is None:
        return []
    try:
        return list(parse_extensions(request.get_all("Sec-WebSocket-Extensions")))
    except Violation:
        return []


# Frames and messages (RFC 6455 §5, §7.4; RFC 7692 §6, §7.2)


def _judge_frames(record: Record) -> Iterator[Finding]:
    fragments: list[Received] = []
    context = None if record.deflate is None else Inflation.agreed(record.deflate)
    closed = False
    for received in record.frames:
        header = received.frame.header
        name = Opcode(header.opcode).name
        yield from _judge_header(header, name, compressing=context is not None)
        if closed:
            if header.opcode == CLOSE:
                yield fail("RFC6455-5.5.1-20", "a second Close frame was sent")
            elif not header.is_control:
                yield fail("RFC6455-5.5.1-09", f"a {name} frame was sent after the Close")
        if header.opcode == CLOSE:
            if not closed:
                yield from _judge_close(received.payload, record)
            closed = True
        elif not header.is_control:
            if header.opcode:
                if fragments:
                    yield fail(
                        "RFC6455-5.4-05",
                        f"a {name} frame began before the message in progress ended",
                    )
                fragments = [received]
            elif fragments:
                fragments.append(received)
            else:
                yield fail("RFC6455-5.4-02", "a continuation frame was sent outside of a message")
                continue
            if header.fin:
                finding, context = _judge_message(fragments, context, record)
                if finding is not None:
                    yield finding
                fragments = []
    begun = parse_header(record.rest)
    if begun is not None:
        yield from _judge_header(begun, Opcode(begun.opcode).name, compressing=context is not None)
    if record.rest and record.has_ended and not record.was_reset and not closed:
        yield fail("RFC6455-6.1-03", f"TCP ended within a frame: {record.rest[:16].hex(' ')}")


def _judge_header(header: FrameHeader, name: str, *, compressing: bool) -> Iterator[Finding]:
    if header.masking_key is not None:
        yield fail("RFC6455-5.1-04", f"a {name} frame from the server is masked")
    if header.rsv2 or header.rsv3:
        yield fail("RFC6455-5.2-02", f"a {name} frame has RSV2 or RSV3 set")
    if header.rsv1:
        if not compressing:
            yield fail("RFC6455-5.2-02", f"a {name} frame has RSV1 set without permessage-deflate")
        elif header.is_control or not header.opcode:
            yield fail("RFC7692-6.1-03", f"a {name} frame has RSV1 set")
    if is_reserved(header.opcode):
        yield fail("RFC6455-5.2-07", f"a frame has the reserved opcode 0x{header.opcode:X}")
    extended = header.size - 2 - (0 if header.masking_key is None else 4)
    if header.length >> 63:
        yield fail("RFC6455-5.2-08", f"a {name} frame has a length with its top bit set")
    elif (extended == 2 and header.length < 126) or (extended == 8 and header.length < 65536):
        yield fail(
            "RFC6455-5.2-10", f"a {name} frame has length {header.length} in {extended} bytes"
        )
    if header.is_control:
        if header.length > MAX_CONTROL_PAYLOAD:
            yield fail("RFC6455-5.5-01", f"a {name} frame has {header.length} bytes of payload")
        if not header.fin:
            yield fail("RFC6455-5.4-07", f"a {name} frame has FIN clear")


def _judge_close(payload: bytes, record: Record) -> Iterator[Finding]:
    """Judge the body of a Close (RFC 6455 §5.5.1, §7.4)."""
    if not payload:
        return
    if len(payload) == 1:
        yield fail("RFC6455-5.5.1-02", f"a Close has a body of one byte: {payload.hex()}")
        return
    code = int.from_bytes(payload[:2], "big")
    clause = _clause_of_code(code)
    if clause:
        # Whoever is lenient about codes without a meaning may repeat one it was sent.
        repeated = code > 1015 and code == close_code_sent(record)
        finding = warn if repeated else fail
        yield finding(clause, f"a Close has the status code {code}")
    elif code == 1010 and close_code_sent(record) != 1010:
        yield fail("RFC6455-7.4.1-14", "a Close has the status code 1010, which is for clients")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        yield fail(
            "RFC6455-5.5.1-06", f"a Close has a reason that is not UTF-8: {payload[2:].hex()}"
        )


def _clause_of_code(code: int) -> str:
    """Return the clause that forbids a status code on the wire; nothing if none does."""
    if code < 1000:
        return "RFC6455-7.4.2-01"
    if code >= 5000:
        return "RFC6455-7.4.2-06"
    if 1016 <= code <= 2999:
        return "RFC6455-7.4.2-02"
    named = {1004: "06", 1005: "07", 1006: "08", 1015: "16"}
    return f"RFC6455-7.4.1-{named[code]}" if code in named else ""


def close_code_sent(record: Record) -> int | None:
    """Return the status code of the checker's first Close; None if it sent none."""
    for received in record.sent_frames:
        if received.header.opcode == CLOSE and len(received.payload) >= 2:
            return int.from_bytes(received.payload[:2], "big")
    return None


def _judge_message(
    fragments: list[Received], inflation: Inflation | None, record: Record
) -> tuple[Finding | None, Inflation | None]:
    """Judge a whole message; return what there is to go by for the next as well."""
    first = fragments[0].frame.header
    payloads = [fragment.payload for fragment in fragments]
    payload = b"".join(payloads)
    if inflation is not None and first.rsv1:
        inflation, message, fault = inflation.read(payloads, closely=True)
        if fault is not None:
            if payload and (first.opcode, payload) in record.sent_contents:
                reason = "RSV1 is set on a message that is not compressed"
                return fail("RFC7692-6.1-02", reason), inflation
            return fail(*fault), inflation
        payload = message
    elif first.rsv1:
        return None, None  # what it means is anybody's guess; RSV1 was found to be wrong
    elif inflation is not None:
        finding = _judge_plain_message(first.opcode, payload, inflation, record)
        if finding is not None:
            return finding, inflation
    if first.opcode == TEXT:
        try:
            payload.decode()
        except UnicodeDecodeError as error:
            bad = payload[error.start : error.start + 4].hex(" ")
            return fail("RFC6455-5.6-01", f"a text message is not UTF-8: {bad}"), inflation
    return None, inflation


def _judge_plain_message(
    opcode: int, payload: bytes, inflation: Inflation, record: Record
) -> Finding | None:
    """Judge a message without RSV1: it must not be an echo that is compressed all the same."""
    sent = record.sent_contents
    if not payload or (opcode, payload) in sent:
        return None
    message = may_be_compressed(payload, inflation)
    if not message or (opcode, message) not in sent:
        return None
    if payload[0] & _BLOCK_TYPE:
        return fail("RFC7692-6.1-01", "a compressed message has RSV1 clear")
    return fail("RFC7692-7.2.3.3-01", "a message of stored DEFLATE blocks has RSV1 clear")
