"""Hypothesis strategies for whoever tests a WebSocket implementation (``wsref[testing]``).

::

    from hypothesis import given
    from wsref.testing import Conversation, chunkings, conversations

    @given(conversations(illegal=True))
    def test_my_server_fails_the_connection(conversation: Conversation) -> None:
        code = close_code_of(my_server, conversation.data)
        assert code in conversation.illegal.status_codes

Each strategy draws values, not bytes alone: a frame knows how it was written, whatever is
illegal knows which requirement it breaks (by its id, such as ``RFC6455-5.4-03``) and which
status codes answer it.  Everything shrinks to the smallest thing that a person would write.

``wire``           :class:`WireFrame`, any frame at all
``frames``         frames, legal and illegal where they stand
``messages``       messages, and all ways to send one in fragments
``streams``        all ways to cut a stream into reads
``utf8``           text at the edges of UTF-8, and what just fails to be text
``status``         status codes by class, bodies of Close frames
``extensions``     Sec-WebSocket-Extensions, offers and parameters of permessage-deflate
``compression``    compressed payloads in many shapes, and corrupt ones
``handshake``      opening handshakes, legal and illegal
``conversations``  all that one endpoint sends
"""

from __future__ import annotations

from .compression import (
    CORRUPT_STATUS_CODES,
    DEFAULT_PARAMETERS,
    SHAPES,
    Block,
    BlockKind,
    Compressed,
    Context,
    Shape,
    compress,
    compressed_payloads,
    corrupt_payloads,
    shapes,
)
from .conversations import Conversation, conversations
from .extensions import (
    BrokenHeader,
    Declined,
    ExtensionHeader,
    broken_extension_headers,
    declinable_offers,
    deflate_offers,
    deflate_parameters,
    extension_headers,
    extensions,
    misfitting_answers,
    spellings,
    tokens,
)
from .frames import (
    Item,
    binary_payloads,
    control_frames,
    frames,
    illegal_frames,
    masking_keys,
    requirements_to_break,
    text_payloads,
)
from .handshake import (
    HandshakeRequest,
    HandshakeResponse,
    IllegalHandshake,
    handshake_requests,
    handshake_responses,
    illegal_handshake_requests,
    illegal_handshake_responses,
    keys,
)
from .messages import Message, fragmentations, messages
from .status import (
    ILLEGAL_STATUS_CLASSES,
    LEGAL_STATUS_CLASSES,
    IllegalPayload,
    StatusClass,
    clause_against,
    close_payloads,
    illegal_close_payloads,
    reasons,
    status_codes,
)
from .streams import chunkings, cut
from .utf8 import NEAR_MISS_KINDS, NearMiss, NearMissKind, near_misses, text_bytes, texts
from .wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    LengthForm,
    Role,
    WireFrame,
)

__all__ = [
    # frames
    "BINARY",
    "CLOSE",
    "CONTINUATION",
    "PING",
    "PONG",
    "TEXT",
    "LengthForm",
    "Role",
    "WireFrame",
    "Item",
    "binary_payloads",
    "control_frames",
    "frames",
    "illegal_frames",
    "masking_keys",
    "requirements_to_break",
    "text_payloads",
    # messages and streams
    "Message",
    "fragmentations",
    "messages",
    "chunkings",
    "cut",
    # text
    "NEAR_MISS_KINDS",
    "NearMiss",
    "NearMissKind",
    "near_misses",
    "text_bytes",
    "texts",
    # status codes
    "ILLEGAL_STATUS_CLASSES",
    "LEGAL_STATUS_CLASSES",
    "IllegalPayload",
    "StatusClass",
    "clause_against",
    "close_payloads",
    "illegal_close_payloads",
    "reasons",
    "status_codes",
    # extensions
    "BrokenHeader",
    "Declined",
    "ExtensionHeader",
    "broken_extension_headers",
    "declinable_offers",
    "deflate_offers",
    "deflate_parameters",
    "extension_headers",
    "extensions",
    "misfitting_answers",
    "spellings",
    "tokens",
    # compression
    "CORRUPT_STATUS_CODES",
    "DEFAULT_PARAMETERS",
    "SHAPES",
    "Block",
    "BlockKind",
    "Compressed",
    "Context",
    "Shape",
    "compress",
    "compressed_payloads",
    "corrupt_payloads",
    "shapes",
    # handshakes
    "HandshakeRequest",
    "HandshakeResponse",
    "IllegalHandshake",
    "handshake_requests",
    "handshake_responses",
    "illegal_handshake_requests",
    "illegal_handshake_responses",
    "keys",
    # conversations
    "Conversation",
    "conversations",
]
