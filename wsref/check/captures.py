"""Conversations out of packet captures: pcap and pcapng files, read with dpkt.

::

    file ──► packets ──► TCP segments ──► connections ──► two streams ──► Record

A connection's segments are put in order by their sequence numbers: what comes early waits, what
comes again is dropped, and where segments overlap the first that came counts.  Bytes are taken to
have been said when they and all before them have been seen.  The entries of a record have the
number of the packet as their step.

A stream is WebSocket if it begins with an opening handshake.  All others are skipped, with the
reason; a capture that misses bytes of a WebSocket conversation is a problem of that one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO
from ipaddress import ip_address
from typing import Final, NamedTuple

import dpkt

from ..protocol.http import end_of_head
from .opening import Draft
from .record import Entry, Kind, Record

__all__ = ["Captured", "CaptureError", "is_capture", "read_capture"]

_PCAPNG: Final = b"\x0a\x0d\x0d\x0a"
_PCAP: Final = frozenset(
    magic.to_bytes(4, order)
    for magic in (0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34)
    for order in ("big", "little")
)
_MOST: Final = 1 << 28  # bytes of a packet or block: more is no capture

# Link types: what the packets of an interface begin with.
_NULL: Final = 0
_ETHERNET: Final = 1
_LOOP: Final = 108
_COOKED: Final = 113
_COOKED_2: Final = 276
_RAW: Final = frozenset({12, 14, 101, 228, 229})
#: How many bytes stand before IP, and where its EtherType is, if there is one.
_LINKS: Final[dict[int, tuple[int, int | None]]] = {
    _NULL: (4, None),
    _LOOP: (4, None),
    _COOKED: (16, 14),
    _COOKED_2: (20, 0),
    **dict.fromkeys(_RAW, (0, None)),
}
_IP_TYPES: Final = (0x0800, 0x86DD)

_SYN: Final = dpkt.tcp.TH_SYN
_ACK: Final = dpkt.tcp.TH_ACK
_FIN: Final = dpkt.tcp.TH_FIN
_RST: Final = dpkt.tcp.TH_RST

_MOST_OF_LINE: Final = 16384  # bytes

_TLS_HANDSHAKE: Final = b"\x16\x03"


class CaptureError(ValueError):
    """A file is no capture that can be read; the message says which packet, and why."""


class Captured(NamedTuple):
    """A TCP connection of a capture.

    Attributes:
        name: both ends, the client first.
        record: the conversation; None if it is no WebSocket conversation.
        skipped: why it is none.
        problem: what is missing of it; empty if nothing is.
    """

    name: str
    record: Record | None
    skipped: str = ""
    problem: str = ""


def is_capture(beginning: bytes) -> bool:
    """Whether a file that begins with these four bytes is a capture."""
    return beginning[:4] in _PCAP or beginning[:4] == _PCAPNG


def read_capture(data: bytes) -> tuple[Captured, ...]:
    """Return the TCP connections of a capture, in the order in which they begin.

    Args:
        data: the whole file.

    Raises:
        CaptureError: it cannot be read; the packet is named.
    """
    flows: list[_Flow] = []
    latest: dict[frozenset[_Address], _Flow] = {}
    for packet in _packets(data):
        segment = _segment(packet)
        if segment is None:
            continue
        ends = frozenset((segment.source, segment.destination))
        flow = latest.get(ends)
        begins = segment.flags & _SYN and not segment.flags & _ACK
        if flow is None or (begins and flow.is_other(segment)):
            flow = _Flow(segment)
            latest[ends] = flow
            flows.append(flow)
        flow.add(segment)
    return tuple(flow.captured() for flow in flows)


# Packets


class _Packet(NamedTuple):
    """A packet: its number from 1, when it was seen, and what it begins with."""

    number: int
    time: float
    link: int
    data: bytes


def _packets(data: bytes) -> Iterator[_Packet]:
    beginning = data[:4]
    if beginning == _PCAPNG:
        return _packets_of_pcapng(BytesIO(data))
    if beginning in _PCAP:
        return _packets_of_pcap(BytesIO(data))
    raise CaptureError("byte 0: neither a pcap nor a pcapng file")


def _packets_of_pcap(file: BytesIO) -> Iterator[_Packet]:
    head = file.read(24)
    if len(head) < 24:
        raise CaptureError("byte 0: the file's header is cut off")
    found = dpkt.pcap.FileHdr(head)
    header_class = dpkt.pcap.MAGIC_TO_PKT_HDR[found.magic]
    nano = found.magic in (dpkt.pcap.TCPDUMP_MAGIC_NANO, dpkt.pcap.PMUDPCT_MAGIC_NANO)
    if found.magic in (
        dpkt.pcap.PMUDPCT_MAGIC,
        dpkt.pcap.PMUDPCT_MAGIC_NANO,
        dpkt.pcap.PACPDOM_MAGIC,
    ):
        found = dpkt.pcap.LEFileHdr(head)
    link = found.linktype & 0xFFFF  # above it may say that there is a frame check sequence
    number = 0
    while head := file.read(header_class.__hdr_len__):
        number += 1
        if len(head) < header_class.__hdr_len__:
            raise CaptureError(f"packet {number}: cut off: is the file whole?")
        header = header_class(head)
        if header.caplen > _MOST:
            raise CaptureError(f"packet {number}: a length of {header.caplen} bytes is none")
        body = file.read(header.caplen)
        if len(body) < header.caplen:
            raise CaptureError(f"packet {number}: cut off: is the file whole?")
        yield _Packet(number, header.tv_sec + header.tv_usec / (1e9 if nano else 1e6), link, body)


class _Interface(NamedTuple):
    """An interface of a pcapng file: link type, ticks a second, and what to add in seconds."""

    link: int
    ticks: float
    offset: int


def _packets_of_pcapng(file: BytesIO) -> Iterator[_Packet]:
    interfaces: list[_Interface] = []
    little = True
    number, time = 0, 0.0
    while head := file.read(8):
        where = f"byte {file.tell() - len(head)}"
        if head[:4] == _PCAPNG:  # a section; its byte order is in what follows
            head += file.read(4)
            little = head[8:12] == b"\x4d\x3c\x2b\x1a"
            interfaces = []
        if len(head) < 8:
            raise CaptureError(f"{where}, behind packet {number}: cut off: is the file whole?")
        kind, length = struct.unpack("<II" if little else ">II", head[:8])
        if length < 12 or length > _MOST:
            raise CaptureError(f"{where}, behind packet {number}: a block of {length} bytes")
        block = head + file.read(length - len(head))
        if len(block) < length:
            raise CaptureError(f"{where}, behind packet {number}: cut off: is the file whole?")
        try:
            if kind == 1:
                interfaces.append(_interface(block, little))
            elif kind in (2, 6):
                number += 1
                packet = _packet_block(kind, block, little)
                interface = interfaces[packet.iface_id]
                ticks = packet.ts_high << 32 | packet.ts_low
                time = interface.offset + ticks / interface.ticks
                yield _Packet(number, time, interface.link, packet.pkt_data)
            elif kind == 3:
                number += 1
                (size,) = struct.unpack("<I" if little else ">I", block[8:12])
                yield _Packet(number, time, interfaces[0].link, block[12:-4][:size])
        except IndexError:
            raise CaptureError(f"packet {number}: of an interface that is not described") from None
        except (dpkt.Error, struct.error, UnicodeDecodeError) as error:
            what = f"packet {number}" if kind != 1 else where
            raise CaptureError(f"{what}: a block that cannot be read: {error}") from None


def _interface(block: bytes, little: bool) -> _Interface:
    read = dpkt.pcapng.InterfaceDescriptionBlock
    if little:
        read = dpkt.pcapng.InterfaceDescriptionBlockLE
    described = read(block)
    ticks, offset = 1e6, 0
    for option in described.opts:
        if option.code == 9 and option.data:
            exponent = option.data[0]
            ticks = float(2 ** (exponent & 0x7F)) if exponent & 0x80 else 10.0**exponent
        elif option.code == 14 and len(option.data) == 8:
            offset = int.from_bytes(option.data, "little" if little else "big", signed=True)
    return _Interface(described.linktype, ticks, offset)


def _packet_block(kind: int, block: bytes, little: bool) -> dpkt.pcapng.EnhancedPacketBlock:
    if kind == 6:
        if little:
            return dpkt.pcapng.EnhancedPacketBlockLE(block)
        return dpkt.pcapng.EnhancedPacketBlock(block)
    return dpkt.pcapng.PacketBlockLE(block) if little else dpkt.pcapng.PacketBlock(block)


# Segments


class _Address(NamedTuple):
    """One end of a connection."""

    host: bytes
    port: int

    def __str__(self) -> str:
        host = ip_address(self.host)
        return f"[{host}]:{self.port}" if host.version == 6 else f"{host}:{self.port}"


class _Segment(NamedTuple):
    """A TCP segment; ``cut`` is how many bytes of it were not captured."""

    number: int
    time: float
    source: _Address
    destination: _Address
    seq: int
    flags: int
    data: bytes
    cut: int


def _segment(packet: _Packet) -> _Segment | None:
    """Return the TCP segment that a packet holds; None if it holds none."""
    try:
        found = _internet(packet)
    except (dpkt.Error, IndexError, KeyError, struct.error):
        return None
    if found is None or not isinstance(found.data, dpkt.tcp.TCP):
        return None
    tcp = found.data
    data = tcp.data
    if not isinstance(data, bytes):
        return None
    size = len(data)
    if isinstance(found, dpkt.ip.IP):
        if found.mf or found.offset:
            return None  # the hole that it leaves is noticed
        if found.len:
            size = found.len - 4 * found.hl - 4 * tcp.off
    elif found.plen:
        extensions = sum(header.length for header in found.all_extension_headers)
        size = found.plen - extensions - 4 * tcp.off
    return _Segment(
        packet.number,
        packet.time,
        _Address(found.src, tcp.sport),
        _Address(found.dst, tcp.dport),
        tcp.seq,
        tcp.flags,
        data,
        max(0, size - len(data)),
    )


def _internet(packet: _Packet) -> dpkt.ip.IP | dpkt.ip6.IP6 | None:
    """Return what a packet holds of IP."""
    data = packet.data
    if packet.link == _ETHERNET:
        inner = dpkt.ethernet.Ethernet(data).data
        return inner if isinstance(inner, dpkt.ip.IP | dpkt.ip6.IP6) else None
    if packet.link not in _LINKS:
        raise CaptureError(
            f"packet {packet.number}: link type {packet.link} is not Ethernet, loopback, raw IP or"
            " Linux cooked"
        )
    size, at = _LINKS[packet.link]
    if at is not None and int.from_bytes(data[at : at + 2], "big") not in _IP_TYPES:
        return None
    version = data[size] >> 4
    if version == 4:
        return dpkt.ip.IP(data[size:])
    return dpkt.ip6.IP6(data[size:]) if version == 6 else None


# Connections


class _Heard(NamedTuple):
    """Something that one side did."""

    number: int
    time: float
    source: _Address
    data: bytes
    end: str = ""  # "FIN" or "RST"


class _Direction:
    """What one side sends, put in order."""

    def __init__(self) -> None:
        self.begun: int | None = None  # the sequence number of its SYN, if that was seen
        self.is_known = False  # whether anything was seen
        self.next = 0  # the sequence number that comes next
        self.waiting: list[_Segment] = []  # what came early
        self.ended = False
        self.cut: int | None = None  # the first packet that was not captured whole

    def add(self, segment: _Segment) -> Iterator[_Heard]:
        """Take a segment; return what is now in order."""
        start = segment.seq
        if segment.flags & _SYN:
            self.begun = segment.seq
            start = (start + 1) % 2**32
            self.next, self.is_known = start, True
            segment = segment._replace(seq=start, flags=segment.flags & ~_SYN)
        if not self.is_known:
            self.next, self.is_known = start, True
        if segment.cut and self.cut is None:
            self.cut = segment.number
        if _distance(self.next, start) > 0:
            self.waiting.append(segment)
        else:
            yield from self._take(segment)
        if segment.flags & _RST and not self.ended:
            self.ended = True
            yield _Heard(segment.number, segment.time, segment.source, b"", "RST")

    def _take(self, segment: _Segment) -> Iterator[_Heard]:
        """Take a segment that is next, and then what has waited for it."""
        yield from self._say(segment, segment)
        following = self.next
        for waiting in sorted(self.waiting, key=lambda one: _distance(following, one.seq)):
            if _distance(self.next, waiting.seq) > 0:
                break
            self.waiting.remove(waiting)
            yield from self._say(waiting, segment)

    def _say(self, segment: _Segment, latest: _Segment) -> Iterator[_Heard]:
        """Say the bytes of a segment that are new; it is *latest* that made that possible."""
        data = segment.data[_distance(segment.seq, self.next) :]
        if data and not self.ended:
            self.next = (self.next + len(data)) % 2**32
            yield _Heard(latest.number, latest.time, segment.source, data)
        end = (segment.seq + len(segment.data) + segment.cut) % 2**32
        if segment.flags & _FIN and not self.ended and _distance(self.next, end) <= 0:
            self.ended = True
            yield _Heard(latest.number, latest.time, segment.source, b"", "FIN")

    @property
    def hole(self) -> int | None:
        """The number of the first packet that came behind bytes which are missing."""
        numbers = [one.number for one in self.waiting if one.data or one.flags & _FIN]
        return min(numbers, default=None)


def _distance(first: int, second: int) -> int:
    """Return how far *second* is behind *first*, both being sequence numbers."""
    return (second - first + 2**31) % 2**32 - 2**31


class _Flow:
    """A connection."""

    def __init__(self, first: _Segment) -> None:
        self._ends = (first.source, first.destination)
        self._directions = {end: _Direction() for end in self._ends}
        self._heard: list[_Heard] = []
        self._streams: dict[_Address, bytes] = {}

    def is_other(self, segment: _Segment) -> bool:
        """Whether a SYN begins another connection between the same ends."""
        begun = self._directions[segment.source].begun
        return begun != segment.seq

    def add(self, segment: _Segment) -> None:
        """Take a segment."""
        self._heard += self._directions[segment.source].add(segment)

    def captured(self) -> Captured:
        """Return what became of the connection."""
        client = self._client()
        if client is None:
            return Captured(self._name(self._ends[0]), None, self._why_not(self._ends[0]))
        name = self._name(client)
        said = self._stream(client)
        tunnelled = self._tunnel(client)
        said = said[tunnelled[0] :]
        end = end_of_head(said)
        if end < 0 or not _is_handshake(said[:end]):
            return Captured(name, None, self._why_not(client))
        request = said[:end]
        fields = [line.partition(":")[::2] for line in request.decode("latin-1").split("\r\n")[1:]]
        draft = Draft("", "", "", tuple((key.strip(), value.strip()) for key, value in fields))
        record = Record(
            tuple(self._entries(client, tunnelled)),
            key=draft.get("Sec-WebSocket-Key"),
            request=request,
        )
        return Captured(name, record, problem=self._problem(client))

    def _client(self) -> _Address | None:
        """Return the end that asks; or else the one that connected, if that was seen."""
        for end in self._ends:
            start = self._stream(end)[:_MOST_OF_LINE].partition(b"\n")[0]
            if b" HTTP/1." in start and not start.startswith(b"HTTP/"):
                return end
        return self._ends[0] if self._directions[self._ends[0]].begun is not None else None

    def _other(self, end: _Address) -> _Address:
        return self._ends[1] if end == self._ends[0] else self._ends[0]

    def _name(self, client: _Address) -> str:
        return f"{client} to {self._other(client)}"

    def _stream(self, end: _Address) -> bytes:
        """Return all that one side has said; only to be asked when there is nothing more."""
        if not self._streams:
            for every in self._ends:
                pieces = [one.data for one in self._heard if one.source == every]
                self._streams[every] = b"".join(pieces)
        return self._streams[end]

    def _why_not(self, client: _Address) -> str:
        """Say why this is no WebSocket conversation."""
        streams = [self._stream(end) for end in (client, self._other(client))]
        if not any(streams):
            return "nothing was said"
        if any(stream.startswith(_TLS_HANDSHAKE) for stream in streams):
            return "TLS: its content cannot be read"
        if streams[0].startswith(b"PRI * HTTP/2"):
            return "HTTP/2"
        if b" HTTP/1." in streams[0][:_MOST_OF_LINE].partition(b"\n")[0]:
            if end_of_head(streams[0]) < 0:
                return "its first request is not complete"
            return "HTTP whose first request does not ask for WebSocket"
        if any(direction.begun is None for direction in self._directions.values()):
            return "it began before the capture did"
        return "it does not begin with HTTP"

    def _tunnel(self, client: _Address) -> tuple[int, int]:
        """Return how long the heads are by which a proxy is asked for a tunnel; 0 without one."""
        said, answered = self._stream(client), self._stream(self._other(client))
        if not said.startswith(b"CONNECT "):
            return 0, 0
        return max(0, end_of_head(said)), max(0, end_of_head(answered))

    def _entries(self, client: _Address, skipped: tuple[int, int]) -> Iterator[Entry]:
        left = {client: skipped[0], self._other(client): skipped[1]}
        begun = next((one.time for one in self._heard if len(one.data) > left[one.source]), 0.0)
        latest = 0.0
        for one in self._heard:
            by_client = one.source == client
            latest = max(latest, one.time - begun)
            if one.end:
                kind, note = Kind.SENT_END, "the client ended its direction"
                if one.end == "RST":
                    kind, note = Kind.SENT_END, "the client reset TCP"
                    if not by_client:
                        kind, note = Kind.RESET, "the server reset TCP"
                elif not by_client:
                    kind, note = Kind.END, ""
                yield Entry(latest, kind, b"", one.number, note)
                continue
            dropped = min(left[one.source], len(one.data))
            left[one.source] -= dropped
            if one.data[dropped:]:
                kind = Kind.SENT if by_client else Kind.RECEIVED
                yield Entry(latest, kind, one.data[dropped:], one.number, f"packet {one.number}")

    def _problem(self, client: _Address) -> str:
        """Say what is missing."""
        for end in (client, self._other(client)):
            direction = self._directions[end]
            who = "client" if end == client else "server"
            if direction.hole is not None:
                why = "were not captured"
                if direction.cut is not None and direction.cut < direction.hole:
                    why = f"are missing at the end of packet {direction.cut} (a snapshot length)"
                return f"packet {direction.hole}: bytes of the {who} before it {why}"
            if direction.cut is not None:
                return f"packet {direction.cut}: it was not captured to its end"
        return ""


def _is_handshake(head: bytes) -> bool:
    """Whether a request asks for WebSocket, rightly or not."""
    lowered = head.lower()
    return b" http/" in lowered.partition(b"\n")[0] and (
        b"\nsec-websocket-" in lowered or b"websocket" in lowered
    )
