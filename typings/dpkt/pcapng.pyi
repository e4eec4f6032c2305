from typing import BinaryIO

from .dpkt import Packet

class PcapngOption(Packet):
    code: int
    data: bytes

class InterfaceDescriptionBlock(Packet):
    linktype: int
    snaplen: int
    opts: list[PcapngOption]

class InterfaceDescriptionBlockLE(InterfaceDescriptionBlock): ...

class EnhancedPacketBlock(Packet):
    iface_id: int
    ts_high: int
    ts_low: int
    pkt_data: bytes

class EnhancedPacketBlockLE(EnhancedPacketBlock): ...
class PacketBlock(EnhancedPacketBlock): ...
class PacketBlockLE(PacketBlock): ...
class SectionHeaderBlockLE(Packet): ...

class Writer:
    def __init__(
        self,
        fileobj: BinaryIO,
        snaplen: int = ...,
        linktype: int = ...,
        shb: Packet | None = ...,
        idb: Packet | list[Packet] | None = ...,
    ) -> None: ...
    def writepkt(self, pkt: bytes | Packet, ts: float | None = ...) -> None: ...
