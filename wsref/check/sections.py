"""What the sections of the catalogue are called, and their order."""

from __future__ import annotations

from typing import Final

__all__ = ["section_key", "section_title", "shown_section"]

_TITLES: Final = {
    "3": "WebSocket URIs",
    "4.1": "The client's handshake",
    "4.2": "The server's handshake",
    "4.2.1": "Reading the client's handshake",
    "4.2.2": "Sending the server's handshake",
    "4.3": "Grammar of the handshake",
    "4.4": "Versions",
    "5": "Framing",
    "5.1": "Masking",
    "5.2": "Framing",
    "5.3": "Masking keys",
    "5.4": "Fragmentation",
    "5.5": "Control frames",
    "5.5.1": "Close",
    "5.5.2": "Ping",
    "5.5.3": "Pong",
    "5.6": "Data frames",
    "5.8": "Extensibility",
    "6.1": "Sending data",
    "6.2": "Receiving data",
    "7.1": "Closing the connection",
    "7.1.7": "Failing the connection",
    "7.2": "Abnormal closures",
    "7.4": "Status codes",
    "8.1": "UTF-8",
    "9": "Extensions",
    "10": "Security",
    "10.2": "Origin",
    "10.4": "Limits",
    "10.6": "TLS",
    "10.7": "Invalid data",
    "11": "Header fields",
    "7692:5": "Extension negotiation",
    "7692:6": "Compressed messages",
    "7692:7": "permessage-deflate",
    "7692:7.1": "Its parameters",
    "7692:7.2": "Its data",
    "7936:2": "Subprotocol names",
    "generated": "Generated conversations",
    "stress": "Stress",
}


def section_title(section: str) -> str:
    """Return what a section is called: by its own name, or by that of what it is part of."""
    while section not in _TITLES and "." in section:
        section = section.rpartition(".")[0]
    return _TITLES.get(section, "")


def shown_section(section: str) -> str:
    """Return a section as people read it: ``§5.1``, ``RFC 7692 §7.2.1``."""
    rfc, colon, number = section.rpartition(":")
    if not number[:1].isdigit():
        return section
    return f"RFC {rfc} §{number}" if colon else f"§{number}"


def section_key(section: str) -> tuple[int, tuple[int, ...], str]:
    """Return what sorts sections: RFC 6455 first, what is no section last."""
    rfc, _colon, number = section.rpartition(":")
    if not number[:1].isdigit():
        return 99999, (), section
    parts = tuple(int(part) for part in number.split(".") if part.isdecimal())
    return int(rfc or 6455), parts, ""
