from .dpkt import Packet

class IP6ExtensionHeader(Packet):
    length: int

class IP6FragmentHeader(IP6ExtensionHeader): ...

class IP6(Packet):
    src: bytes
    dst: bytes
    plen: int
    nxt: int
    all_extension_headers: list[IP6ExtensionHeader]
