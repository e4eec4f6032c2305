from typing import BinaryIO

from .dpkt import Packet

class PktHdr(Packet):
    tv_sec: int
    tv_usec: int
    caplen: int
    len: int

class FileHdr(Packet):
    magic: int
    linktype: int

class LEFileHdr(FileHdr): ...

MAGIC_TO_PKT_HDR: dict[int, type[PktHdr]]
PMUDPCT_MAGIC: int
PMUDPCT_MAGIC_NANO: int
PACPDOM_MAGIC: int
TCPDUMP_MAGIC_NANO: int

class Writer:
    def __init__(
        self, fileobj: BinaryIO, snaplen: int = ..., linktype: int = ..., nano: bool = ...
    ) -> None: ...
    def writepkt(self, pkt: bytes | Packet, ts: float | None = ...) -> None: ...
