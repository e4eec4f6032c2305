"""Messages to payloads and back (RFC 7692 §7.2)."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest

from spec_tests.reference_inflate import CutOffError, reference_inflate
from wsref.protocol.deflate import (
    DeflateParameters,
    Deflating,
    Inflating,
    deflate,
    deflate_fragment,
    deflating,
    inflate,
    inflating,
)
from wsref.protocol.status import Status
from wsref.protocol.violations import Violation

LIMIT = 1 << 20
TAIL = bytes.fromhex("00 00 ff ff")
#: Bytes without repetitions that would be worth a reference: a zlib stream of numbers.
NOISE = zlib.compress(b"".join(i.to_bytes(3, "big") for i in range(60_000)))


def receiver(server_max_window_bits: int = 15) -> Inflating:
    """Return a client that has received nothing yet."""
    return inflating(DeflateParameters(server_max_window_bits=server_max_window_bits), True)


def sender(server_max_window_bits: int = 15) -> Deflating:
    """Return a server that has sent nothing yet."""
    return deflating(DeflateParameters(server_max_window_bits=server_max_window_bits), False)


def read(payload: str | bytes, limit: int = LIMIT) -> bytes:
    """Inflate a first message, given in hex or as it is."""
    data = bytes.fromhex(payload) if isinstance(payload, str) else payload
    return inflate(receiver(), data, limit)[1]


def refused(payload: str | bytes, limit: int = LIMIT) -> Violation:
    """Return the violation for which a first message is refused."""
    with pytest.raises(Violation) as caught:
        read(payload, limit)
    return caught.value


def raw_deflate(data: bytes, level: int = 6, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    """Return what zlib makes of *data* as one message, directly."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
    payload = compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
    assert payload.endswith(TAIL)
    return payload[:-4]


@pytest.mark.rfc("RFC7692-7.2.1-01", "RFC7692-7.2.1-02", "RFC7692-7.2.2-01")
def test_hello_in_one_block() -> None:
    """§7.2.3.1: one block in fixed Huffman codes, in both directions."""
    assert read("f2 48 cd c9 c9 07 00") == b"Hello"
    assert deflate(sender(), b"Hello")[1].hex(" ") == "f2 48 cd c9 c9 07 00"


@pytest.mark.rfc("RFC7692-7.2.1-04", "RFC7692-7.2.3.3-01")
def test_hello_in_a_stored_block() -> None:
    """§7.2.3.3: the block is not compressed."""
    assert read("00 05 00 fa ff 48 65 6c 6c 6f 00") == b"Hello"


@pytest.mark.rfc("RFC7692-7.2.1-05", "RFC7692-7.2.1-06")
def test_hello_in_a_final_block() -> None:
    """§7.2.3.4: BFINAL is set, and an empty block follows at the next byte."""
    context, message = inflate(receiver(), bytes.fromhex("f3 48 cd c9 c9 07 00 00"), LIMIT)
    assert message == b"Hello"
    assert inflate(context, bytes.fromhex("f2 00 11 00 00"), LIMIT)[1] == b"Hello"


@pytest.mark.rfc("RFC7692-7.2.1-03", "RFC7692-7.2.1-07")
def test_hello_in_two_blocks() -> None:
    """§7.2.3.5: the tail in the middle stays there."""
    assert read("f2 48 05 00 00 00 ff ff ca c9 c9 07 00") == b"Hello"


@pytest.mark.rfc("RFC7692-7.2.3.6-01", "RFC7692-7.2.1-07")
def test_last_fragment_without_data() -> None:
    """§7.2.3.6: a message that was thought to go on is ended by 00."""
    context, first = deflate_fragment(sender(), b"Hello", False)
    assert first.hex(" ") == "f2 48 cd c9 c9 07 00 00 00 ff ff"
    context, last = deflate_fragment(context, b"", True)
    assert last.hex(" ") == "00"
    assert read(first + last) == b"Hello"


@pytest.mark.rfc("RFC7692-7.2.1-16")
def test_empty_message_is_one_zero_byte() -> None:
    """And any other data that yields nothing is one too."""
    assert deflate(sender(), b"")[1] == b"\x00"
    for payload in ("00", "02 00", "01", "03 00 00", "00 00 00 ff ff 00"):
        assert read(payload) == b""


@pytest.mark.rfc("RFC7692-7.2.2-14")
def test_payload_without_a_byte_is_refused() -> None:
    """It lacks the empty block's first byte."""
    violation = refused("")
    assert violation.clause == "RFC7692-7.2.2-14"
    assert violation.status_code == Status.BAD_DATA


@pytest.mark.rfc("RFC7692-7.2.1-04")
@pytest.mark.parametrize("level", range(10))
@pytest.mark.parametrize("strategy", [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY])
def test_all_kinds_of_blocks_are_inflated(level: int, strategy: int) -> None:
    """Level 0 stores, Z_FIXED uses the fixed codes, the others dynamic ones."""
    data = NOISE[:500] + b"Hello, " * 5000
    assert read(raw_deflate(data, level, strategy)) == data


@pytest.mark.rfc("RFC7692-7.2.2-02")
@pytest.mark.parametrize(
    "payload",
    [
        pytest.param("07", id="reserved kind of block"),
        pytest.param("00 05 00 fb ff 48 65 6c 6c 6f 00", id="length of a stored block"),
        pytest.param("fc ff ff", id="too many codes"),
        pytest.param("f2 48 cd c9 c9 07 00 00 00 ff fe 00", id="bad length after good data"),
        pytest.param("f3 48 cd c9 c9 07 00 07", id="after a final block"),
    ],
)
def test_invalid_data_is_refused(payload: str) -> None:
    """The message repeats what zlib says is wrong."""
    violation = refused(payload)
    assert violation.clause == "RFC7692-7.2.2-02"
    assert violation.status_code == Status.BAD_DATA
    assert "invalid" in violation.detail


@pytest.mark.rfc("RFC7692-7.2.2-03")
def test_reference_to_data_never_sent_is_refused() -> None:
    """The second "Hello" of §7.2.3.2 without the first."""
    violation = refused("f2 00 11 00 00")
    assert violation.clause == "RFC7692-7.2.2-03"
    assert violation.status_code == Status.BAD_DATA


@pytest.mark.rfc("RFC7692-7.2.2-04")
@pytest.mark.parametrize(
    "payload",
    [
        "f2 48 cd c9 c9 07 00",  # fixed codes
        "00 05 00 fa ff 48 65 6c 6c 6f 00",  # stored
        "00 04 00 fb ff 00 00 ff ff 00",  # stored, and it looks like the tail
        "f3 48 cd c9 c9 07 00 00",  # final
        "f2 48 05 00 00 00 ff ff ca c9 c9 07 00",  # two blocks
        raw_deflate(NOISE[:40] * 3 + bytes(range(32, 127)) * 9, 9).hex(),  # dynamic codes
    ],
)
def test_data_cut_off_inside_a_block_is_refused(payload: str) -> None:
    """Every beginning of a payload, unless it is the payload of a shorter message."""
    data = bytes.fromhex(payload)
    whole = read(data)
    for size in range(1, len(data)):
        try:
            shorter = reference_inflate(data[:size]).data
        except CutOffError:
            violation = refused(data[:size])
            assert violation.clause == "RFC7692-7.2.2-04"
            assert violation.status_code == Status.BAD_DATA
        else:
            assert read(data[:size]) == shorter
            assert whole.startswith(shorter)


@pytest.mark.rfc("RFC7692-7.2.2-04")
@pytest.mark.parametrize(
    "payload",
    [
        pytest.param("00 09 00 f6 ff 48 65 6c 6c 6f", id="stored block that lacks four bytes"),
        pytest.param("00 04 00 fb ff", id="stored block of four bytes"),
        pytest.param("00 0a 00 f5 ff 48 65 6c 6c 6f", id="stored block that lacks five bytes"),
        pytest.param("00 00 00 ff ff", id="block boundary without an empty block's first byte"),
        pytest.param("f3 48 cd c9 c9 07 00", id="final block without an empty block's first byte"),
        pytest.param("f2 48 cd c9 c9 07 00 00 00 ff ff", id="tail that was not left out"),
        pytest.param("00 00", id="inside the lengths: 1"),
        pytest.param("00 ff", id="inside the lengths: 1, fitting the tail"),
        pytest.param("00 ff ff", id="inside the lengths: 2"),
        pytest.param("00 00 00 ff", id="inside the lengths: 3"),
        pytest.param("00 ff ff 00", id="inside the lengths: 3, fitting the tail"),
        pytest.param("f2", id="inside a literal"),
        pytest.param("4b", id="before the end of the block"),
        pytest.param("04", id="inside the codes' description"),
    ],
)
def test_tail_that_does_not_complete_an_empty_block_is_refused(payload: str) -> None:
    """Also where it would be taken as data, so that zlib ends at a block boundary."""
    assert refused(payload).clause == "RFC7692-7.2.2-04"


def stops_inside_the_description_of_its_codes() -> bytes:
    """Return a payload that the tail completes, although the tail is no empty block there.

    The 16 zeros of the tail are two runs of 11 zero lengths, then seven ones are the length 1
    (the last distance), then nine ones are the end of the block.
    """
    order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1]
    sizes = {18: 1, 2: 3, 3: 3, 4: 3, 5: 5, 6: 5, 7: 6, 8: 6, 9: 6, 0: 7, 1: 7}
    codes: dict[int, str] = {}
    code = 0
    for size in range(1, 8):
        for symbol in sorted(symbol for symbol in sizes if sizes[symbol] == size):
            codes[symbol] = f"{code:0{size}b}"
            code += 1
        code <<= 1
    number = "{:0{}b}".format
    bits = "001" + number(0, 5) + number(22, 5)[::-1] + number(14, 4)[::-1]
    bits += "".join(number(sizes.get(symbol, 0), 3)[::-1] for symbol in order)
    bits += "".join(codes[length] for length in range(1, 10))  # of the literals 0 to 8
    singles = next(n for n in range(8) if (len(bits) + 7 * n + 16 + 6) % 8 == 0)
    bits += codes[0] * singles
    bits += codes[18] + number(138 - 11, 7)[::-1]
    bits += codes[18] + number(247 - singles - 138 - 11, 7)[::-1]
    bits += codes[9]  # of the end of the block
    return int(bits[::-1], 2).to_bytes(len(bits) // 8, "little")


@pytest.mark.rfc("RFC7692-7.2.2-04")
def test_tail_that_is_read_as_a_description_of_codes_is_refused() -> None:
    """By itself zlib takes the tail without a word, and stands at a block boundary behind it."""
    payload = stops_inside_the_description_of_its_codes()
    assert zlib.decompressobj(-15).decompress(payload + TAIL + raw_deflate(b"Hello")) == b"Hello"
    with pytest.raises(CutOffError):
        reference_inflate(payload)
    assert refused(payload).clause == "RFC7692-7.2.2-04"


@pytest.mark.rfc("RFC7692-7.2.1-05", "RFC7692-7.2.1-06")
def test_data_behind_final_blocks_has_the_same_window() -> None:
    """Three final blocks in one message; the later ones refer to the first."""
    first = b"K\x04\x00"  # "a", BFINAL set
    compressor = zlib.compressobj(wbits=-15, zdict=b"a" + NOISE[:300])
    stored = b"\x01\x2c\x01\xd3\xfe" + NOISE[:300]
    last = compressor.compress(b"a" + NOISE[:300]) + compressor.flush(zlib.Z_FINISH)
    assert len(last) < 20
    context, message = inflate(receiver(), first + stored + last + b"\x00", LIMIT)
    assert message == (b"a" + NOISE[:300]) * 2
    assert context.window == message


def test_the_default_level_is_the_quickest() -> None:
    """Which is what the docstring says; a better one is a matter of taste."""
    data = b" ".join(str(i * i).encode() for i in range(500))
    assert deflate(sender(), data)[1] == raw_deflate(data, 1) != raw_deflate(data, 2)


@pytest.mark.rfc("RFC7692-7.2.1-05")
def test_message_that_ends_in_a_final_empty_block_can_be_followed() -> None:
    """The last empty block itself may have BFINAL set: 01 in place of 00."""
    context, message = inflate(
        receiver(), bytes.fromhex("f2 48 cd c9 c9 07 00 00 00 ff ff 01"), LIMIT
    )
    assert message == b"Hello"
    assert inflate(context, bytes.fromhex("f2 00 11 00 00"), LIMIT)[1] == b"Hello"


@pytest.mark.rfc("RFC7692-7.2.1-05")
@pytest.mark.parametrize("block", ["03 00", "4b 04 00", "01 01 00 fe ff 61"])
def test_very_many_final_blocks_are_inflated(block: str) -> None:
    """Ten thousand in one message, without quadratic cost."""
    data = b"a" * 40_000
    context, _ = inflate(receiver(), raw_deflate(data), LIMIT)
    context, message = inflate(context, bytes.fromhex(block) * 10_000 + b"\x00", LIMIT)
    assert message == (b"" if block == "03 00" else b"a" * 10_000)
    assert context.window == data[:32768]


@pytest.mark.rfc("RFC7692-7.2.1-05")
def test_long_data_behind_a_final_block() -> None:
    """After the careful beginning, the pieces grow again."""
    data = NOISE[:100_000]
    assert read(b"\x03\x00" + raw_deflate(data)) == data


@pytest.mark.rfc("RFC6455-10.4-03")
@pytest.mark.parametrize("size", [0, 1, 5, 65_535, 65_536, 65_537, 200_000])
def test_limit_is_exact(size: int) -> None:
    """A message of the limit's size is inflated, one byte more is refused."""
    payload = raw_deflate(bytes(size)) if size else b"\x00"
    assert read(payload, size) == bytes(size)
    if size:
        violation = refused(payload, size - 1)
        assert violation.clause == "RFC6455-10.4-03"
        assert violation.status_code == Status.MESSAGE_TOO_LARGE


@pytest.mark.rfc("RFC6455-10.4-03")
@pytest.mark.parametrize("bomb", ["one stream", "final blocks"])
def test_bomb_is_stopped_at_the_limit(bomb: str) -> None:
    """1 GiB in 1 MiB: no more memory is used than the limit and a buffer."""
    compressor = zlib.compressobj(9, wbits=-15)
    mebibyte = compressor.compress(bytes(1 << 20))
    if bomb == "one stream":
        mebibyte += compressor.flush(zlib.Z_FULL_FLUSH)
    else:
        mebibyte += compressor.flush(zlib.Z_FINISH)
    payload = mebibyte * 1024 + b"\x00"
    assert len(payload) < 1.1 * (1 << 20)
    limit = 8 << 20
    context = receiver()
    tracemalloc.start()
    try:
        with pytest.raises(Violation) as caught:
            inflate(context, payload, limit)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.clause == "RFC6455-10.4-03"
    assert peak < limit + (1 << 20)


@pytest.mark.rfc("RFC7692-7.2.2-10", "RFC7692-7.2.2-12", "RFC7692-7.1.2.1-07", "RFC7692-7.2.1-08")
def test_references_reach_32768_bytes_back() -> None:
    """One fixed block: length 3, distance 32768, into the data of the message before."""
    data = b"xyz" + NOISE[:32765]
    context, _ = inflate(receiver(), raw_deflate(data, 0), 1 << 17)
    # Header 010; length 3 = 0000001; distance code 29 = 11101, extra 13 ones; end 0000000;
    # header of the empty block 000.
    bits = "010" + "0000001" + "11101" + "1" * 13 + "0000000" + "000"
    payload = int(bits[::-1], 2).to_bytes(-(-len(bits) // 8), "little")
    for again in (context, inflate(receiver(), raw_deflate(data, 0), LIMIT)[0]):
        assert inflate(again, payload, LIMIT)[1] == b"xyz"
    too_far, _ = inflate(receiver(), raw_deflate(data[1:], 0), LIMIT)
    with pytest.raises(Violation) as caught:
        inflate(too_far, payload, LIMIT)
    assert caught.value.clause == "RFC7692-7.2.2-03"


@pytest.mark.rfc("RFC7692-7.2.2-03", "RFC7692-7.2.2-09", "RFC7692-7.2.2-11")
@pytest.mark.parametrize("bits", range(8, 15))
def test_reference_beyond_the_agreed_window_is_noticed(bits: int) -> None:
    """A sender with a full window repeats what has left the receiver's window."""
    data = NOISE[: 1 << bits]
    compressor = zlib.compressobj(wbits=-15)
    payloads = [
        (compressor.compress(part) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
        for part in (data[:200], data[200:], b"filler" * 50, data[:200])
    ]
    context = receiver(server_max_window_bits=bits)
    for payload in payloads[:3]:
        context, _ = inflate(context, payload, LIMIT)
    assert len(context.window) == 1 << bits
    with pytest.raises(Violation) as caught:
        inflate(context, payloads[3], LIMIT)
    assert caught.value.clause == "RFC7692-7.2.2-03"


@pytest.mark.rfc("RFC7692-7.2.1-13", "RFC7692-7.2.1-15", "RFC7692-7-06", "RFC7692-7.2.1-14")
@pytest.mark.parametrize("level", [1, 3, 6, 9])
@pytest.mark.parametrize("bits", [8, 9, 10, 11])
def test_references_stay_within_the_agreed_window(bits: int, level: int) -> None:
    """Repetitions at every distance near what zlib reaches and near the window's size.

    Also with 8 bits, although zlib has no compressor for that: with 9 it reaches back 250 bytes.
    """
    window = 1 << bits
    reach = (1 << max(bits, 9)) - 262
    context = deflating(DeflateParameters(server_max_window_bits=bits), False, level=level)
    farthest, history = 0, b""
    for distance in [*range(reach - 5, reach + 5), *range(window - 5, window + 5)]:
        block = NOISE[distance : distance + 24]
        data = block + NOISE[9000 : 9000 + distance - 24] + block
        live, payload = deflate(context, data)
        _rebuilt, again = deflate(context, data)
        for one in (payload, again):
            inflated = reference_inflate(one, history, window)
            assert inflated.data == data
            farthest = max(farthest, inflated.distance)
        context = live
        history = (history + data)[-window:]
        assert context.window == history
    assert reach - 2 <= farthest <= reach


@pytest.mark.rfc("RFC7692-7.2.1-08")
@pytest.mark.parametrize("bits", [8, 12, 15])
def test_memory_of_a_context_is_bounded(bits: int) -> None:
    """However many messages there were, and of whatever size, the window is what is kept."""
    receiving, sending = receiver(server_max_window_bits=bits), sender(server_max_window_bits=bits)
    sent = b""
    for i in range(2000):
        data = NOISE[i : i + i % 97] if i % 500 else NOISE[: 40_000 + i]
        sending, payload = deflate(sending, data)
        receiving, message = inflate(receiving, payload, LIMIT)
        assert message == data
        sent = (sent + data)[-(1 << bits) :]
        assert receiving.history.size <= 3 << bits
        assert sending.history.size <= 3 << bits
    assert receiving.window == sending.window == sent


@pytest.mark.rfc("RFC6455-10.4-01", "RFC7692-7.2.1-05")
def test_the_number_of_final_blocks_in_a_message_is_bounded() -> None:
    """Each costs its sender two bytes and us far more; 65 536 are taken, one more is not."""
    context = inflating(DeflateParameters(), True)
    most = b"\x03\x00" * 65536
    assert inflate(context, most + b"\x00", 10) == (context, b"")
    with pytest.raises(Violation) as raised:
        inflate(context, most + b"\x03\x00\x00", 10)
    assert raised.value.clause == "RFC6455-10.4-01"
