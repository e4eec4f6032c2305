r"""Compressed payloads in many legal shapes, and corrupt ones (RFC 7692 §7.2).

What a library makes of a message is one of very many ways to compress it.  A receiver has to
take all of them: stored, fixed and dynamic blocks, several of them, blocks with BFINAL set,
references into earlier messages.  :func:`compress` writes a message in a given shape, from the
window alone, so that what it returns can be replayed; stored and dynamic blocks are written by
hand, since zlib picks neither for short data.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import cache
from typing import Final, Literal, NamedTuple, TypeAlias

from hypothesis import strategies as st

from ..protocol.deflate import DeflateParameters
from .status import IllegalPayload
from .utf8 import near_misses
from .wire import Role

__all__ = [
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
]

_TAIL: Final = b"\x00\x00\xff\xff"

#: How a piece of data is compressed; see :class:`Block`.
BlockKind: TypeAlias = Literal["fixed", "stored", "dynamic", "best"]


class Block(NamedTuple):
    """How to write one piece of a message.

    Attributes:
        kind: ``"fixed"`` and ``"best"`` are zlib's, with fixed codes and with whatever it
            finds best; they may refer to the window.  ``"stored"`` is not compressed,
            ``"dynamic"`` has codes of its own, for literals only.
        final: whether BFINAL is set on it (RFC 7692 §7.2.1).
    """

    kind: BlockKind = "fixed"
    final: bool = False


#: How to write a message: cut into as many pieces, of about equal size, as there are blocks.
Shape: TypeAlias = tuple[Block, ...]

_KINDS: Final[tuple[BlockKind, ...]] = ("fixed", "stored", "dynamic", "best")

#: What is agreed on if an offer without parameters is accepted as it is.
DEFAULT_PARAMETERS: Final = DeflateParameters()

#: The shapes of one block, the simplest first.
SHAPES: Final[tuple[Shape, ...]] = tuple(
    (Block(kind, final),) for final in (False, True) for kind in _KINDS
)


class Context(NamedTuple):
    """What a sender compresses with: a value, like the window it holds.

    Attributes:
        bits: the window is ``2**bits`` bytes at the most, 8 to 15.
        takeover: whether a message may refer to earlier ones.
        window: the latest uncompressed data.
    """

    bits: int = 15
    takeover: bool = True
    window: bytes = b""

    @classmethod
    def of(cls, parameters: DeflateParameters, role: Role = "client") -> Context:
        """Return what the sender *role* begins with when *parameters* were agreed on."""
        if role == "client":
            bits, reset = parameters.client_max_window_bits, parameters.client_no_context_takeover
        else:
            bits, reset = parameters.server_max_window_bits, parameters.server_no_context_takeover
        return cls(bits, not reset)

    def after(self, data: bytes) -> Context:
        """Return the context after *data*, whether the message is complete or not."""
        return self._replace(window=(self.window + data)[-(1 << self.bits) :])

    def between_messages(self) -> Context:
        """Return the context when a message is complete."""
        return self if self.takeover or not self.window else self._replace(window=b"")


class Compressed(NamedTuple):
    """A compressed message, or several sent one after the other.

    Attributes:
        messages: the contents, not compressed.
        payloads: the payload of each, the joined payloads of its frames.
    """

    messages: tuple[bytes, ...]
    payloads: tuple[bytes, ...]


def compress(context: Context, data: bytes, shape: Shape, *, fin: bool = True) -> bytes:
    """Compress a message, or a fragment of it (RFC 7692 §7.2.1).

    Args:
        context: what it may refer to.
        data: the content.
        shape: how to write it; at least one block.
        fin: whether the message ends here, so that the tail ``00 00 ff ff`` is left out.
    """
    size = -(-len(data) // len(shape))
    payload = b""
    ends_in_tail = False
    for i, block in enumerate(shape):
        piece = data[i * size : (i + 1) * size]
        if piece or block.final or len(shape) == 1:
            payload += _block(context, piece, block)
            context = context.after(piece)
            ends_in_tail = not block.final and (block.kind != "stored" or not piece)
    if not fin:
        return payload
    # Without an empty stored block at the end, one more begins and its lengths are left out.
    return payload.removesuffix(_TAIL) if ends_in_tail else payload + b"\x00"


def shapes(max_blocks: int = 3) -> st.SearchStrategy[Shape]:
    """Draw a shape to compress a message in.

    Shrinks to one fixed block, which is what RFC 7692 §7.2.3.1 has.
    """
    return _shapes(max_blocks)


@cache
def _shapes(max_blocks: int) -> st.SearchStrategy[Shape]:
    single = st.sampled_from(SHAPES)
    several = st.lists(single.map(lambda shape: shape[0]), min_size=1, max_size=max_blocks)
    return st.one_of(single, several.map(tuple))


def compressed_payloads(
    parameters: DeflateParameters = DEFAULT_PARAMETERS,
    *,
    role: Role = "client",
    contents: st.SearchStrategy[bytes] | None = None,
    max_messages: int = 4,
) -> st.SearchStrategy[Compressed]:
    r"""Draw messages with their compressed payloads, as legal as they are various.

    Later messages refer to earlier ones if context takeover was agreed on (RFC 7692 §7.1.1).
    Data is drawn so that there is something to refer to.

    Args:
        parameters: what was agreed on.
        role: who compresses.
        contents: the contents of the messages, in place of our own.
        max_messages: the most messages.

    Shrinks to one empty message, whose payload is ``b"\x00"``.
    """
    if contents is None:
        contents = _contents()
    pairs = st.lists(st.tuples(contents, shapes()), min_size=1, max_size=max_messages)

    def compressed(pairs: Iterable[tuple[bytes, Shape]]) -> Compressed:
        context = Context.of(parameters, role)
        messages: list[bytes] = []
        payloads: list[bytes] = []
        for content, shape in pairs:
            messages.append(content)
            payloads.append(compress(context, content, shape))
            context = context.after(content).between_messages()
        return Compressed(tuple(messages), tuple(payloads))

    return pairs.map(compressed)


@cache
def _contents() -> st.SearchStrategy[bytes]:
    pieces = st.one_of(
        st.binary(max_size=8),
        st.sampled_from([b"Hello", b"a" * 300, bytes(range(256)), b"Hello, world! " * 20]),
    )
    return st.lists(pieces, max_size=4).map(b"".join)


#: The codes that fit data that is not what RSV1 promises: no RFC names one.
CORRUPT_STATUS_CODES: Final = (1007, 1002, 1003, 1011)


def corrupt_payloads(*clauses: str) -> st.SearchStrategy[IllegalPayload]:
    r"""Draw the payload of a compressed text message that breaks one requirement (RFC 7692).

    ==================== ==================================================================
    requirement          what is wrong
    ==================== ==================================================================
    ``RFC7692-7.2.2-02`` it is not DEFLATE: a reserved block type, lengths of a stored block
                         that contradict each other, a code that stands for nothing
    ``RFC7692-7.2.2-03`` it refers to 32768 bytes ago, where nothing is if less was sent
    ``RFC7692-7.2.2-04`` it ends inside a block
    ``RFC7692-7.2.2-14`` it is empty
    ``RFC7692-6.1-09``   it inflates, but not to UTF-8
    ==================== ==================================================================

    Args:
        clauses: the ids of the requirements to break; any of them by default.

    Raises:
        ValueError: no compressed payload breaks these.

    Shrinks to ``b"\x07"``, a block of the reserved type.
    """
    return _corrupt_payloads(clauses)


@cache
def _corrupt_payloads(clauses: tuple[str, ...]) -> st.SearchStrategy[IllegalPayload]:
    intact = st.tuples(st.one_of(st.just(b""), st.text("0a", max_size=9).map(str.encode)), shapes())
    #: Whole blocks that may come before the fault.
    before = st.one_of(st.just(b""), intact.map(lambda pair: compress(Context(), *pair, fin=False)))
    faults: dict[str, st.SearchStrategy[bytes]] = {
        "RFC7692-7.2.2-02": st.tuples(before, st.sampled_from(_INVALID)).map(b"".join),
        "RFC7692-7.2.2-03": st.just(_far_reference()),
        "RFC7692-7.2.2-04": st.tuples(before, st.sampled_from(_CUT_OFF)).map(b"".join),
        "RFC7692-7.2.2-14": st.just(b""),
        "RFC7692-6.1-09": st.tuples(near_misses(), shapes()).map(
            lambda pair: compress(Context(), pair[0].data, pair[1])
        ),
    }
    unknown = [clause for clause in clauses if clause not in faults]
    if unknown:
        raise ValueError(f"clauses: no compressed payload breaks {unknown[0]}")

    def illegal(clause: str) -> st.SearchStrategy[IllegalPayload]:
        return faults[clause].map(
            lambda data: IllegalPayload(data, (clause,), CORRUPT_STATUS_CODES)
        )

    return st.one_of([illegal(clause) for clause in clauses or faults])


def _block(context: Context, data: bytes, block: Block) -> bytes:
    """Write one piece so that what follows begins at a byte."""
    kind, final = block
    if kind == "stored" or (kind == "dynamic" and not data):
        return _stored(data, final)
    if kind == "dynamic":
        return _dynamic(data, final)
    if not data:  # zlib writes nothing for nothing
        return b"\x03\x00" if final else b"\x00" + _TAIL
    strategy = zlib.Z_FIXED if kind == "fixed" else zlib.Z_DEFAULT_STRATEGY
    # With 9 bits zlib looks back no more than 250 bytes, which is right for 8 bits as well.
    bits = -max(context.bits, 9)
    if context.window:
        deflater = zlib.compressobj(9, zlib.DEFLATED, bits, 8, strategy, context.window)
    else:
        deflater = zlib.compressobj(9, zlib.DEFLATED, bits, 8, strategy)
    flush = zlib.Z_FINISH if final else zlib.Z_SYNC_FLUSH
    return deflater.compress(data) + deflater.flush(flush)


def _stored(data: bytes, final: bool) -> bytes:
    """Write stored blocks, of at most 65535 bytes each; BFINAL is set on the last."""
    if len(data) > 65535:
        return _stored(data[:65535], False) + _stored(data[65535:], final)
    size = len(data)
    header = bytes((final,)) + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little")
    return header + data


class _Bits:
    """Bits as DEFLATE packs them: numbers with the lowest bit first, codes with the highest."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def number(self, value: int, size: int) -> None:
        self.parts.append(f"{value:0{size}b}"[::-1])

    def code(self, code: int, size: int) -> None:
        self.parts.append(f"{code:0{size}b}")

    def padded(self) -> bytes:
        bits = "".join(self.parts)
        return int(bits[::-1], 2).to_bytes((len(bits) + 7) // 8, "little")


#: The codes of the literals in :func:`_dynamic`.
_LITERALS: Final = (*(f"{byte:08b}" for byte in range(255)), "111111110")


def _dynamic(data: bytes, final: bool) -> bytes:
    """Write a block with codes of its own: 8 bits for each literal but the last, 9 for that.

    The end of the block has the other code of 9 bits; there are no distances.
    """
    bits = _Bits()
    bits.number(final, 1)
    bits.number(2, 2)
    bits.number(0, 5)  # 257 codes for literals and lengths
    bits.number(0, 5)  # 1 code for distances
    bits.number(3, 4)  # 7 codes for the lengths of codes, in the order of RFC 1951 §3.2.7:
    for length in (2, 0, 0, 2, 2, 0, 2):  # 16, 17, 18, 0, 8, 7, 9
        bits.number(length, 3)
    zero, eight, nine, again = range(4)  # their codes, all of two bits
    bits.code(eight, 2)
    for _ in range(42):  # 42 * 6 more of length 8
        bits.code(again, 2)
        bits.number(3, 2)
    for code in (eight, eight, nine, nine, zero):
        bits.code(code, 2)
    bits.parts.extend(map(_LITERALS.__getitem__, data))
    bits.code(0x1FF, 9)
    if final:
        return bits.padded()
    bits.number(0, 3)  # the beginning of an empty stored block
    return bits.padded() + _TAIL


def _far_reference() -> bytes:
    """Write a fixed block: "0", then three bytes from 32768 bytes ago, the farthest there is."""
    bits = _Bits()
    bits.number(0, 1)
    bits.number(1, 2)
    bits.code(0x30 + ord("0"), 8)
    bits.code(1, 7)  # length 3
    bits.code(29, 5)  # distances from 24577 on, with 13 more bits
    bits.number(0x1FFF, 13)
    bits.code(0, 7)  # the end of the block
    bits.number(0, 3)
    return bits.padded()


#: What is not DEFLATE, however it goes on.
_INVALID: Final = (
    b"\x07",  # a block of the reserved type 3
    b"\x06\x00",
    b"\x00\x01\x00\x00\x00",  # a stored block whose lengths contradict each other
    b"\x00\x00\x00\x00\x00",
    b"\x1b\x03",  # a fixed block with the length code 286, which stands for nothing
    b"\xfd\xff\xff",  # a dynamic block with more codes than there are
)

#: Blocks that do not end.
_CUT_OFF: Final = (
    b"\x4a",  # a fixed block
    b"\x32\x04",
    b"\x00\x05\x00\xfa\xff",  # a stored block of five bytes, which are missing
    b"\x00\x05\x00\xfa\xff00",
    b"\x04",  # a dynamic block
)
