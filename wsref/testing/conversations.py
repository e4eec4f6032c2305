"""What one endpoint sends over a whole connection, behind the opening handshake.

A :class:`Conversation` is a value: a tuple of frames, each with the requirements it breaks, if
any.  It is drawn in two steps.  First a list of *moves*, each independent of the others, such as
"a text fragment, not the last one"; then they are put together, and it depends on what was sent
before whether a move begins a message or goes on with one.  So a list without any of its moves
is a conversation as well, and shrinking can leave out whatever does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final, Literal, NamedTuple, TypeAlias

from hypothesis import strategies as st

from ..protocol.deflate import DeflateParameters
from ..protocol.frames import FIN, RSV1
from .compression import SHAPES, Block, Context, Shape, compress
from .frames import (
    Item,
    fault_kinds,
    items_of_kind,
    masking_keys,
    payload_branches,
)
from .status import close_payloads
from .wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, LengthForm, Role, WireFrame

__all__ = ["Conversation", "conversations"]


class Conversation(NamedTuple):
    """The frames that one endpoint sends, in order.

    Attributes:
        items: the frames; at most one of them is illegal.
    """

    items: tuple[Item, ...]

    @property
    def data(self) -> bytes:
        """The bytes of all frames."""
        return b"".join(item.data for item in self.items)

    @property
    def illegal(self) -> Item | None:
        """The item that breaks a requirement, or None."""
        return next((item for item in self.items if item.clauses), None)

    @property
    def before_illegal(self) -> tuple[Item, ...]:
        """The items up to the one that breaks a requirement, without it; all if none does."""
        legal: list[Item] = []
        for item in self.items:
            if item.clauses:
                break
            legal.append(item)
        return tuple(legal)

    @property
    def description(self) -> str:
        """A line for each frame, for people."""
        return "\n".join(item.description for item in self.items)


def conversations(
    role: Role = "client",
    *clauses: str,
    deflate: DeflateParameters | None = None,
    max_items: int = 8,
    illegal: bool | None = None,
    max_payload: int = 65536,
) -> st.SearchStrategy[Conversation]:
    """Draw all that an endpoint sends once the connection is open (RFC 6455 §5 to §7, RFC 7692).

    Messages whole and in fragments, with characters and compressed data cut anywhere, with
    Pings and Pongs in between; perhaps a Close at the end.  The last message may stay unfinished.
    If the conversation is illegal, one frame breaks one requirement, and what follows would be
    legal without it.

    Args:
        role: who sends: frames of a client are masked.
        clauses: ids of requirements, one of which the illegal frame breaks; any by default.
        deflate: what was agreed on about permessage-deflate; None: nothing.
        max_items: the most frames, at least 1.
        illegal: whether one of the frames is illegal; None: either.
        max_payload: the most bytes of a payload, before any compression.  Most are short.

    Raises:
        ValueError: none of *clauses* can be broken by *role*, or not within *max_items*.

    Shrinks to one empty text message, or to the fewest frames that break the requirement; masking
    keys to zeros, payloads to nothing.
    """
    if max_items < 1:
        raise ValueError(f"max_items must be at least 1, not {max_items!r}")
    legal = _legal(role, deflate, max_items, max_payload)
    if illegal is False:
        return legal
    broken = _broken(role, clauses, deflate, max_items, max_payload)
    return broken if illegal else st.one_of(legal, broken)


#: What to send: part of a message, or a control frame.
_Kind: TypeAlias = Literal["text", "binary", "ping", "pong"]


class _Manner(NamedTuple):
    """How to send part of a message.

    Attributes:
        more: whether the message goes on behind this frame.
        held: how many bytes to hold back until the next fragment.
        shape: how to compress a message that begins here, None for not at all.
    """

    more: bool = False
    held: int = 0
    shape: Shape | None = None


class _Move(NamedTuple):
    """What to send next, as far as it does not depend on what was sent before.

    Attributes:
        kind: a frame of a message, or a control frame.  Within a message the content of a
            frame is what counts, and its kind does not.
        content: the payload before compression.
        key: the masking key, unused by servers.
        manner: how, unless it is a control frame.
    """

    kind: _Kind
    content: bytes
    key: bytes
    manner: _Manner = _Manner()


@cache
def _moves(compressing: bool, max_payload: int) -> st.SearchStrategy[_Move]:
    """Draw a move by four choices, so that shrinking can leave it out at once.

    Hypothesis removes up to five choices in a row: these, and the one that the list goes on.
    """
    manners = st.sampled_from(_MANNERS if compressing else _PLAIN_MANNERS)
    branches: list[st.SearchStrategy[_Move]] = []
    for kind in _KINDS:
        size = min(125, max_payload) if kind in _CONTROL_KINDS else max_payload
        branches += [
            st.builds(_Move, st.just(kind), contents, masking_keys(), manners)
            for contents in payload_branches(size, kind == "text")
        ]
    return st.one_of(branches)


_CONTROL_KINDS: Final[tuple[_Kind, ...]] = ("ping", "pong")
#: Texts twice, since they have the most rules.
_KINDS: Final[tuple[_Kind, ...]] = ("text", "binary", "text", *_CONTROL_KINDS)

#: Ways to compress a message.
_SHAPES: Final[tuple[Shape, ...]] = (
    *SHAPES,
    (Block(), Block("stored"), Block("dynamic")),
    (Block("best", True), Block("fixed"), Block("stored", True)),
)
_PLAIN_MANNERS: Final = tuple(
    _Manner(more, held)
    for more, held in ((False, 0), (False, 0), *((True, held) for held in range(4)))
)
_MANNERS: Final = tuple(
    _Manner(more, held, shape)
    for shape in (*([None] * len(_SHAPES)), *_SHAPES)
    for more, held, _none in _PLAIN_MANNERS
)


class _Unfinished(NamedTuple):
    """A message that goes on.

    Attributes:
        opcode: TEXT or BINARY.
        shape: how it is compressed, or None.
        held: bytes of it that were not sent yet.
    """

    opcode: int
    shape: Shape | None
    held: bytes


class _Sender(NamedTuple):
    """Where an endpoint that sends stands.

    Attributes:
        role: which endpoint it is.
        context: what the next compressed message may refer to.
        message: the message that goes on, if any.
        history: how many bytes were sent compressed.
    """

    role: Role
    context: Context
    message: _Unfinished | None = None
    history: int = 0

    @property
    def within(self) -> int | None:
        """What :func:`illegal_frames` calls that."""
        if self.message is None:
            return None
        return BINARY if self.message.shape is not None else self.message.opcode

    def may_break(self, kind: tuple[str, ...], compressing: bool) -> bool:
        """Whether this can go wrong here; see :func:`fault_kinds`."""
        if kind == ("RFC7692-7.2.2-03",) and self.history >= 1 << 15:
            return False  # nothing is too far back for a receiver that is lenient
        return kind in fault_kinds(self.role, compressing, self.within)

    def send(self, move: _Move) -> tuple[_Sender, WireFrame]:
        """Return the frame that makes *move*, and where that leads."""
        key = move.key if self.role == "client" else None
        if move.kind in _CONTROL_KINDS:
            opcode = PING if move.kind == "ping" else PONG
            return self, WireFrame(FIN | opcode, move.content, key)
        role, context, message, history = self
        _kind, content, _key, (more, held, shape) = move
        if message is None:
            opcode = TEXT if move.kind == "text" else BINARY
            message = _Unfinished(opcode, shape, b"")
            first_byte = opcode if shape is None else opcode | RSV1
        else:
            first_byte = CONTINUATION
            if message.opcode == TEXT and move.kind == "binary":
                content = _as_text(content)
        fin = not more
        payload = _Sender(role, context, message).continued(content, fin=fin)
        if message.shape is not None:
            context = context.after(content)
            history += len(content)
        if fin:
            frame = WireFrame(FIN | first_byte, payload, key)
            return _Sender(role, context.between_messages(), None, history), frame
        cut = max(0, len(payload) - held)
        unfinished = message._replace(held=payload[cut:])
        frame = WireFrame(first_byte, payload[:cut], key)
        return _Sender(role, context, unfinished, history), frame

    def continued(self, content: bytes, *, fin: bool) -> bytes:
        """Return the payload that goes on with the message by *content*."""
        if self.message is None:
            return content
        _opcode, shape, held = self.message
        if shape is None:
            return held + content
        return held + compress(self.context, content, shape, fin=fin)

    def send_all(self, moves: Iterable[_Move]) -> tuple[_Sender, list[Item]]:
        """Return the frames that make *moves*, and where they lead."""
        sender = self
        items: list[Item] = []
        for move in moves:
            sender, frame = sender.send(move)
            items.append(Item(frame))
        return sender, items


def _as_text(data: bytes) -> bytes:
    """Return a text made of any bytes, no longer than they are."""
    return data.decode("latin-1").encode()[: len(data)].decode(errors="ignore").encode()


def _begin(role: Role, deflate: DeflateParameters | None) -> _Sender:
    return _Sender(role, Context() if deflate is None else Context.of(deflate, role))


@cache
def _closing(role: Role) -> st.SearchStrategy[Item | None]:
    key: st.SearchStrategy[bytes | None] = st.none() if role == "server" else masking_keys()
    close = st.tuples(close_payloads(role), key).map(
        lambda pair: Item(WireFrame(FIN | CLOSE, pair[0], pair[1]))
    )
    return st.one_of(st.none(), close)


@cache
def _legal(
    role: Role, deflate: DeflateParameters | None, max_items: int, max_payload: int
) -> st.SearchStrategy[Conversation]:
    moves = st.lists(_moves(deflate is not None, max_payload), min_size=1, max_size=max_items)

    def conversation(parts: tuple[list[_Move], Item | None]) -> Conversation:
        moves, close = parts
        _sender, items = _begin(role, deflate).send_all(moves)
        if close is not None:
            items[max_items - 1 :] = [close]
        return Conversation(tuple(items))

    return st.tuples(moves, _closing(role)).map(conversation)


#: What brings a sender into a message and out of it.
_BEGIN: Final = _Move("text", b"", bytes(4), _Manner(more=True))
_END: Final = _Move("text", b"", bytes(4))


@cache
def _broken(
    role: Role,
    clauses: tuple[str, ...],
    deflate: DeflateParameters | None,
    max_items: int,
    max_payload: int,
) -> st.SearchStrategy[Conversation]:
    compressing = deflate is not None
    kinds = _kinds(role, clauses, compressing, max_items)
    move = _moves(compressing, max_payload)
    before, behind = st.lists(move, max_size=max_items - 1), st.lists(move, max_size=2)
    begin = _begin(role, deflate)

    @st.composite
    def conversation(draw: st.DrawFn) -> Conversation:
        moves = draw(before)
        # First what to break and then where: so it stays the same when moves are left out.
        kind = draw(st.sampled_from(kinds))
        sender, items = _leading_to(kind, begin, moves, compressing, max_items)
        item = draw(items_of_kind(kind, role, compressing, sender.within, max_payload))
        items.append(_placed(item, sender))
        # All is drawn whatever there is room for, so that fewer moves take nothing more.
        _sender, more = sender.send_all(draw(behind))
        close = draw(_closing(role))
        items += more if close is None else [*more, close]
        return Conversation(tuple(items[:max_items]))

    return conversation()


def _kinds(
    role: Role, clauses: tuple[str, ...], compressing: bool, max_items: int
) -> list[tuple[str, ...]]:
    """Return what can go wrong and breaks one of *clauses*, in some state or other."""
    outside = fault_kinds(role, compressing, None)
    anywhere = dict.fromkeys(
        outside + fault_kinds(role, compressing, TEXT) + fault_kinds(role, compressing, BINARY)
    )
    kinds = [kind for kind in anywhere if not clauses or not set(clauses).isdisjoint(kind)]
    if not kinds:
        raise ValueError(f"clauses: no frame breaks any of {', '.join(clauses)} here")
    if max_items < 2:
        kinds = [kind for kind in kinds if kind in outside]
    if not kinds:
        raise ValueError("max_items must be at least 2 to break a requirement about fragments")
    return kinds


def _leading_to(
    kind: tuple[str, ...],
    begin: _Sender,
    moves: list[_Move],
    compressing: bool,
    max_items: int,
) -> tuple[_Sender, list[Item]]:
    """Return the frames of *moves*, made to lead to where *kind* can go wrong."""
    for prefix in (moves, moves[: max(0, max_items - 2)], []):
        sender, items = begin.send_all(prefix)
        if sender.may_break(kind, compressing):
            return sender, items
        if len(prefix) <= max_items - 2:
            for last in (_END, _BEGIN):
                turned, more = sender.send_all([last])
                if turned.may_break(kind, compressing):
                    return turned, items + more
    raise AssertionError("_kinds has only what can go wrong somewhere")


def _placed(item: Item, sender: _Sender) -> Item:
    """Return an illegal item with a payload that goes on with the message before it."""
    message, frame = sender.message, item.frame
    if message is None or frame.opcode != CONTINUATION:
        return item
    payload = sender.continued(frame.payload, fin=frame.fin)
    if len(payload) > (_MOST[frame.length_form] or len(payload)):
        payload = sender.continued(b"", fin=frame.fin)
    announced = None if frame.announced is None else 1 << 63 | len(payload)
    return item._replace(frame=frame._replace(payload=payload, announced=announced))


#: The longest payload that makes a form of the length needlessly long.
_MOST: Final[dict[LengthForm, int | None]] = {None: None, 7: None, 16: 125, 64: 65535}
