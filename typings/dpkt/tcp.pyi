from .dpkt import Packet

TH_FIN: int
TH_SYN: int
TH_RST: int
TH_PUSH: int
TH_ACK: int

class TCP(Packet):
    sport: int
    dport: int
    seq: int
    ack: int
    off: int
    flags: int
