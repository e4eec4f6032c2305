"""What a server may never do, whatever it is sent.

The oracle looks at every conversation of a check; what it finds about a requirement is given to the
case here that stands for it, wherever it was found.  So that each of these cases can be run
alone it has a conversation of its own, one in which a fault of its kind would show.
"""

from __future__ import annotations

from typing import Final

from ...protocol.opcode import BINARY
from ..catalogue import Case, case
from ..conversation import (
    Await,
    Open,
    Probe,
    Send,
    Step,
    binary,
    close,
    continuation,
    frame,
    ping,
    text,
)
from ..judgements import says_nothing
from ..opening import Opening, adding, compressing

__all__ = ["CASES"]

#: A little of everything: control frames, both types of messages, fragments, all forms of length.
_TOUR: Final[tuple[Step, ...]] = (
    Open(),
    Send(ping(b"Hello"), "a Ping"),
    Send(text("Hello"), "a text message"),
    Send(binary(bytes(range(256))), "a binary message, length in 16 bits"),
    Send(text("Hel", fin=False) + continuation("lo"), "a message in two fragments"),
    Await("messages", 3),
    Send(frame(BINARY, b"wsref" * 14_000), "a binary message, length in 64 bits"),
    Await("messages", 4),
    Probe(),
    Send(close(1000, "bye"), "a Close"),
    Await("end"),
)

_SUBPROTOCOLS: Final = Opening((adding("Sec-WebSocket-Protocol", "chat, superchat"),))
_UNKNOWN_SUBPROTOCOL: Final = Opening((adding("Sec-WebSocket-Protocol", "x-wsref-no-such"),))
_UNKNOWN_EXTENSION: Final = Opening((adding("Sec-WebSocket-Extensions", "x-wsref-no-such; a=1"),))

_BYE: Final[tuple[Step, ...]] = (Probe(), Send(close(1000), "a Close"), Await("end"))


def _opening(opening: Opening) -> tuple[Step, ...]:
    return (Open(opening), *_BYE)


def _squeezing(*parameters: str) -> tuple[Step, ...]:
    """Have repetitive messages echoed, compressed if the server likes."""
    message = b"".join(b"%d bottles of beer on the wall, " % number for number in range(40))
    return (
        Open(compressing(*parameters)),
        Send(text(message), "a text message that compresses well"),
        Send(text(message), "the same again"),
        Await("messages", 2),
        Send(binary(message * 40), "a larger one, with repeats far apart"),
        Await("messages", 3),
        *_BYE,
    )


_TWO_CLOSES: Final[tuple[Step, ...]] = (
    Open(),
    Send(text("Hello") + close(1000) + close(1001) + text("late"), "a message behind two Closes"),
    Await("end"),
)
_BAD_CLOSE: Final[tuple[Step, ...]] = (Open(), Send(close(None, b"\x03"), "half a code"), Probe())
_EMPTY_CLOSE: Final[tuple[Step, ...]] = (Open(), Send(close(), "an empty Close"), Await("end"))


def _closing(code: int) -> tuple[Step, ...]:
    return (Open(), Send(close(code), f"a Close with {code}"), Await("end"))


#: Name, requirement, what may never happen, and a conversation in which it could.
_RULES: Final[tuple[tuple[str, str | tuple[str, ...], str, tuple[Step, ...]], ...]] = (
    # The opening handshake
    (
        "4.2.2/valid-response",
        "RFC6455-4.2.2-16",
        "The answer that accepts a handshake is valid HTTP/1.1 with status 101.",
        _opening(Opening()),
    ),
    (
        "4.2.2/upgrade-header",
        "RFC6455-4.2.2-17",
        "The 101 has the header Upgrade: websocket.",
        _opening(Opening()),
    ),
    (
        "4.2.2/connection-header",
        "RFC6455-4.2.2-18",
        "The 101 has a Connection header that lists Upgrade.",
        _opening(Opening()),
    ),
    (
        "4.2.2/accept-header",
        ("RFC6455-4.2.2-19", "RFC6455-4.3-05"),
        "Sec-WebSocket-Accept is the hash that fits the key.",
        _opening(Opening()),
    ),
    (
        "11.3.3/accept-header-once",
        "RFC6455-11.3.3-01",
        "The 101 has one Sec-WebSocket-Accept header.",
        _opening(Opening()),
    ),
    (
        "4.2.2/subprotocol-was-offered",
        "RFC6455-4.2.2-09",
        "The subprotocol of the 101 is one of those offered.",
        _opening(_SUBPROTOCOLS),
    ),
    (
        "4.2.2/no-subprotocol-unasked",
        "RFC6455-4.2.2-10",
        "Without an offer the 101 names no subprotocol.",
        _opening(Opening()),
    ),
    (
        "4.2.2/subprotocol-not-empty",
        "RFC6455-4.2.2-11",
        "To choose no subprotocol is to leave the header out, not to leave it empty.",
        _opening(_UNKNOWN_SUBPROTOCOL),
    ),
    (
        "4.2.2/one-subprotocol",
        "RFC6455-4.2.2-12",
        "The 101 names one subprotocol, not a list.",
        _opening(_SUBPROTOCOLS),
    ),
    (
        "11.3.4/subprotocol-header-once",
        "RFC6455-11.3.4-03",
        "The 101 has one Sec-WebSocket-Protocol header at the most.",
        _opening(_SUBPROTOCOLS),
    ),
    (
        "4.2.2/extension-was-offered",
        ("RFC6455-4.2.2-13", "RFC6455-9-03"),
        "Extensions of the 101 are among those offered.",
        _opening(_UNKNOWN_EXTENSION),
    ),
    (
        "4.2.2/no-extension-unasked",
        "RFC6455-4.2.2-14",
        "Without an offer the 101 names no extension.",
        _opening(Opening()),
    ),
    (
        "4.2.2/extensions-not-empty",
        "RFC6455-4.2.2-15",
        "To accept no extension is to leave the header out, not to leave it empty.",
        _opening(_UNKNOWN_EXTENSION),
    ),
    (
        "9.1/extensions-follow-the-grammar",
        "RFC6455-9.1-01",
        "Sec-WebSocket-Extensions of the 101 follows its grammar.",
        (Open(Opening((adding("Sec-WebSocket-Extensions", "permessage-deflate"),))), *_BYE),
    ),
    # Frames
    ("5.1/never-masks", "RFC6455-5.1-04", "Frames of a server are not masked.", _TOUR),
    (
        "5.2/reserved-bits-zero",
        ("RFC6455-5.2-02", "RFC6455-5.8-01", "RFC7692-5-07"),
        "RSV1, RSV2 and RSV3 are zero unless an extension defines them.",
        _TOUR,
    ),
    (
        "5.2/no-reserved-opcode",
        "RFC6455-5.2-07",
        "Reserved opcodes are not sent.",
        _TOUR,
    ),
    (
        "5.2/top-bit-of-length-zero",
        "RFC6455-5.2-08",
        "The top bit of a 64-bit length is zero.",
        _TOUR,
    ),
    (
        "5.2/shortest-length",
        "RFC6455-5.2-10",
        "Lengths are sent in the shortest form.",
        _TOUR,
    ),
    (
        "5.4/fragments-begin-with-a-message",
        ("RFC6455-5.4-02", "RFC6455-5.4-01"),
        "A continuation frame is sent only within a message.",
        _TOUR,
    ),
    (
        "5.4/messages-do-not-interleave",
        "RFC6455-5.4-05",
        "A message is finished before the next begins.",
        _TOUR,
    ),
    (
        "5.4/control-frames-whole",
        "RFC6455-5.4-07",
        "Control frames are not fragmented.",
        _TOUR,
    ),
    (
        "5.5/control-frames-short",
        "RFC6455-5.5-01",
        "Control frames have 125 bytes of payload at the most.",
        (Open(), Send(ping(bytes(125)), "a Ping of 125 bytes"), *_BYE),
    ),
    (
        "5.6/text-is-utf8",
        "RFC6455-5.6-01",
        "Text messages are UTF-8.",
        (Open(), Send(text("κόσμε €"), "a text message"), Await("messages"), *_BYE),
    ),
    (
        "6.1/only-frames",
        "RFC6455-6.1-03",
        "Everything behind the 101 is frames, the last of them whole.",
        _TOUR,
    ),
    # Closing
    (
        "5.5.1/close-body",
        "RFC6455-5.5.1-02",
        "The body of a Close is empty, or begins with a status code of two bytes.",
        _BAD_CLOSE,
    ),
    (
        "5.5.1/reason-is-utf8",
        "RFC6455-5.5.1-06",
        "The reason in a Close is UTF-8.",
        (Open(), Send(close(1000, "€" * 41), "a Close with a long reason"), Await("end")),
    ),
    (
        "5.5.1/no-data-behind-close",
        "RFC6455-5.5.1-09",
        "Behind its Close a server sends no data frames.",
        _TWO_CLOSES,
    ),
    ("5.5.1/one-close", "RFC6455-5.5.1-20", "A server sends one Close.", _TWO_CLOSES),
    (
        "7.4.1/never-sends-1004",
        "RFC6455-7.4.1-06",
        "The status code 1004 is not sent.",
        _closing(1004),
    ),
    (
        "7.4.1/never-sends-1005",
        "RFC6455-7.4.1-07",
        "The status code 1005 is not sent, least of all in reply to an empty Close.",
        _EMPTY_CLOSE,
    ),
    (
        "7.4.1/never-sends-1006",
        "RFC6455-7.4.1-08",
        "The status code 1006 is not sent.",
        _closing(1006),
    ),
    (
        "7.4.1/never-sends-1010",
        "RFC6455-7.4.1-14",
        "A server does not send the status code 1010.",
        _BAD_CLOSE,
    ),
    (
        "7.4.1/never-sends-1015",
        "RFC6455-7.4.1-16",
        "The status code 1015 is not sent.",
        _closing(1015),
    ),
    (
        "7.4.2/never-sends-0-to-999",
        "RFC6455-7.4.2-01",
        "Status codes below 1000 are not sent.",
        _closing(999),
    ),
    (
        "7.4.2/never-sends-1016-to-2999",
        "RFC6455-7.4.2-02",
        "Status codes without a meaning are not sent.",
        _closing(2999),
    ),
    (
        "7.4.2/never-sends-5000-up",
        "RFC6455-7.4.2-06",
        "Status codes from 5000 up are not sent.",
        _closing(5000),
    ),
    # permessage-deflate
    (
        "7692:5/one-acceptance",
        "RFC7692-5-10",
        "permessage-deflate is accepted once.",
        (Open(compressing()), *_BYE),
    ),
    (
        "7692:6.1/rsv1-on-first-frames-only",
        "RFC7692-6.1-03",
        "RSV1 is set on the first frames of messages only.",
        _squeezing(),
    ),
    (
        "7692:7/parameters-of-the-answer",
        ("RFC7692-7-11", "RFC7692-7.1.1.1-05", "RFC7692-7.1.1.2-03", "RFC7692-7.1.2.1-03"),
        "The answer has only parameters that exist, each once and with a legal value.",
        (Open(compressing("client_max_window_bits")), *_BYE),
    ),
    (
        "7692:7.1.1.1/demand-is-answered",
        "RFC7692-7.1.1.1-02",
        "An offer with server_no_context_takeover is accepted with it.",
        (Open(compressing("server_no_context_takeover")), *_BYE),
    ),
    (
        "7692:7.1.2.1/window-is-answered",
        "RFC7692-7.1.2.1-04",
        "An offer with server_max_window_bits is accepted with the same or a smaller value.",
        (Open(compressing("server_max_window_bits=10")), *_BYE),
    ),
    (
        "7692:7.1.2.2/no-window-unasked",
        "RFC7692-7.1.2.2-05",
        "client_max_window_bits is answered only if it was offered.",
        (Open(compressing()), *_BYE),
    ),
    (
        "7692:7.2.1/messages-inflate",
        ("RFC7692-7.2.1-01", "RFC7692-7.2.1-02", "RFC7692-7.2.1-08", "RFC7692-6.1-01"),
        "Compressed messages inflate, as raw DEFLATE with the end put back.",
        _squeezing(),
    ),
    (
        "7692:7.2.1/context-not-taken-over",
        "RFC7692-7.2.1-11",
        "With server_no_context_takeover no message refers to an earlier one.",
        _squeezing("server_no_context_takeover"),
    ),
    (
        "7692:7.2.1/window-not-exceeded",
        "RFC7692-7.2.1-15",
        "With server_max_window_bits no message refers further back than the window.",
        _squeezing("server_max_window_bits=9"),
    ),
)

CASES: Final[tuple[Case, ...]] = tuple(
    case(
        name,
        requirements,
        title,
        steps,
        says_nothing,
        needs=["deflate"] if name.startswith("7692:") else [],
        watches=True,
    )
    for name, requirements, title, steps in _RULES
)
