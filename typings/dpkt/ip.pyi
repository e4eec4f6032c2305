from .dpkt import Packet

class IP(Packet):
    src: bytes
    dst: bytes
    len: int
    hl: int
    mf: int
    offset: int
    p: int
