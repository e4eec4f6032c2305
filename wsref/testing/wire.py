"""A frame as it is put on the wire, legal or not (RFC 6455 §5.2).

:class:`WireFrame` says more than :class:`wsref.protocol.frames.Frame` can: a length in more
bits than it needs, a length that is not that of the payload, a masking key where there must
be none.  It is a value, its bytes follow from it, and its ``repr`` can be pasted into a test.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from ..protocol.frames import FIN, OPCODE, RSV1
from ..protocol.masking import mask
from ..protocol.opcode import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Opcode,
    is_reserved,
)

__all__ = [
    "BINARY",
    "CLOSE",
    "CONTINUATION",
    "PING",
    "PONG",
    "TEXT",
    "LengthForm",
    "Role",
    "WireFrame",
    "shown_bytes",
]

#: Who sends: a client masks its frames, a server does not.
Role: TypeAlias = Literal["client", "server"]

#: In how many bits a frame says its length; None: the fewest that it fits into.
LengthForm: TypeAlias = Literal[7, 16, 64] | None

_MASK: Final = 0x80
_RSV2: Final = 0x20
_RSV3: Final = 0x10
_CONTROL: Final = 0x08

#: Payloads longer than this are abbreviated for people.
_SHOWN: Final = 24


class WireFrame(NamedTuple):
    """A frame, with everything that its bytes follow from.

    Attributes:
        first_byte: FIN, RSV1, RSV2, RSV3 and the opcode.
        payload: the payload, not masked.
        masking_key: four bytes, or None: the MASK bit is 0 and there is no key.
        length_form: in how many bits the length is written, 7, 16 or 64; None: the fewest.
        announced: the length written, if it is not that of the payload, in bytes.
    """

    first_byte: int
    payload: bytes = b""
    masking_key: bytes | None = None
    length_form: LengthForm = None
    announced: int | None = None

    @property
    def data(self) -> bytes:
        """The bytes of the frame.

        Raises:
            ValueError: the announced length does not fit into the form.
        """
        length = len(self.payload) if self.announced is None else self.announced
        form = self.length_form
        if form is None:
            form = 7 if length < 126 else 16 if length < 65536 else 64
        if length < 0 or length >= (126 if form == 7 else 1 << form):
            raise ValueError(f"announced: a length of {length} does not fit into {form} bits")
        bit = 0 if self.masking_key is None else _MASK
        if form == 7:
            head = bytes((self.first_byte, bit | length))
        elif form == 16:
            head = bytes((self.first_byte, bit | 126)) + length.to_bytes(2, "big")
        else:
            head = bytes((self.first_byte, bit | 127)) + length.to_bytes(8, "big")
        if self.masking_key is None:
            return head + self.payload
        return head + self.masking_key + mask(self.payload, self.masking_key)

    @property
    def opcode(self) -> int:
        """What the frame is: 0 to 15."""
        return self.first_byte & OPCODE

    @property
    def fin(self) -> bool:
        """Whether this is the final fragment of a message."""
        return self.first_byte & FIN != 0

    @property
    def rsv1(self) -> bool:
        """The bit that marks a compressed message (RFC 7692 §6)."""
        return self.first_byte & RSV1 != 0

    @property
    def is_control(self) -> bool:
        """Whether this is a Close, Ping or Pong, or a reserved control frame."""
        return self.first_byte & _CONTROL != 0

    @property
    def description(self) -> str:
        """The frame in a few words, for people."""
        opcode = self.opcode
        name = f"opcode 0x{opcode:X}" if is_reserved(opcode) else Opcode(opcode).name.capitalize()
        words = [name]
        if not self.fin:
            words.append("without FIN")
        bits = ((RSV1, "RSV1"), (_RSV2, "RSV2"), (_RSV3, "RSV3"))
        words.extend(f"with {bit}" for value, bit in bits if self.first_byte & value)
        words.append("unmasked" if self.masking_key is None else "masked")
        if self.length_form is not None:
            words.append(f"with its length in {self.length_form} bits")
        if self.announced is not None:
            words.append(f"announcing {self.announced} bytes")
        size = len(self.payload)
        content = shown_bytes(self.payload)
        if size > _SHOWN and "*" not in content:
            content = f"{shown_bytes(self.payload[:_SHOWN])}..."
        return f"{', '.join(words)}: {size} byte{'' if size == 1 else 's'} {content}"

    def __repr__(self) -> str:
        """Return an expression that makes this frame."""
        arguments = [f"0x{self.first_byte:02X}", shown_bytes(self.payload)]
        if self[2:] != (None, None, None):
            arguments.append(repr(self.masking_key))
        if self[3:] != (None, None):
            arguments.append(repr(self.length_form))
        if self.announced is not None:
            arguments.append(repr(self.announced))
        return f"WireFrame({', '.join(arguments)})"


def shown_bytes(data: bytes) -> str:
    """Return an expression for *data*; a long run of one byte is a product."""
    size = len(data)
    if size > _SHOWN:
        head, rest = data[:2], data[2:]
        if data == data[:1] * size:
            return f"{data[:1]!r} * {size}"
        if rest == rest[:1] * (size - 2):
            return f"{head!r} + {rest[:1]!r} * {size - 2}"
    return repr(data)
