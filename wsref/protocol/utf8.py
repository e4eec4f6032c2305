"""UTF-8 checked as it arrives (RFC 6455 §5.6 and §8.1).

The whole state of the check is the tail of the bytes so far that begins a character
but does not end it: three bytes at the most.  ``codecs.utf_8_decode`` does the work
and stops at the first byte that cannot belong to valid UTF-8, with one exception:
``ED`` followed by ``A0`` to ``BF`` begins a surrogate, which nothing can make legal,
yet the decoder waits for its third byte.  That case is refused here.
"""

from __future__ import annotations

from codecs import utf_8_decode

from .violations import Violation

__all__ = ["check_utf8", "decode_utf8"]


def check_utf8(tail: bytes, data: bytes) -> bytes:
    """Check *data* as the continuation of text that ended in *tail*.

    Args:
        tail: what an earlier call returned; ``b""`` at the beginning of a text.
        data: the bytes that follow.

    Returns:
        The bytes of a character that is not complete yet.

    Raises:
        Violation: at the first byte that cannot stand there (RFC 6455 §8.1).
    """
    if tail:
        data = tail + data
    try:
        _text, used = utf_8_decode(data, "strict", False)
    except UnicodeDecodeError as error:
        raise _invalid(_impossible(data, error)) from None
    if used == len(data):
        return b""
    rest = data[used:]
    if rest[0] == 0xED and len(rest) > 1 and rest[1] >= 0xA0:
        raise _invalid(rest)
    return rest


def decode_utf8(data: bytes) -> str:
    """Decode a whole text.

    Raises:
        Violation: *data* is not valid UTF-8 (RFC 6455 §8.1), or ends inside a character.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            raise cut_off(data[error.start :]) from None
        raise _invalid(_impossible(data, error)) from None


def cut_off(tail: bytes) -> Violation:
    """Return the violation of a text that ends in the unfinished character *tail*."""
    return Violation(
        "RFC6455-8.1-03", f"invalid UTF-8: the text ends inside a character ({tail.hex(' ')})"
    )


def _impossible(data: bytes, error: UnicodeDecodeError) -> bytes:
    """Return the bytes up to the first that cannot stand there, however *data* was cut."""
    end = error.end
    if error.reason == "invalid continuation byte":  # which is the byte behind the error's range
        end += 1
    return data[error.start : end]


def _invalid(sequence: bytes) -> Violation:
    return Violation("RFC6455-8.1-01", f"invalid UTF-8: {sequence.hex(' ')}")
