from .dpkt import Packet

class Ethernet(Packet):
    type: int
    src: bytes
    dst: bytes
