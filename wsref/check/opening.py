"""The checker's opening handshake: a request that is right, and changes to it (RFC 6455 §4.1).

An :class:`Opening` is a value: a list of changes that are made, in order, to the request
which fits the server.  Each change says one thing, so that a case reads like its clause::

    Opening((without("Host"),))
    Opening((replacing("Upgrade", "foo, websocket"),))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, TypeAlias

from ..protocol.http import Headers

__all__ = [
    "PLAIN",
    "SUBPROTOCOLS",
    "Change",
    "Draft",
    "Opening",
    "adding",
    "compressing",
    "offering",
    "offering_subprotocols",
    "repeating",
    "replacing",
    "sending_headers",
    "with_method",
    "with_raw",
    "with_target",
    "with_version",
    "without",
]


class Draft(NamedTuple):
    """A request's head that is being written.

    Attributes:
        method: such as ``GET``.
        target: the path and query.
        version: such as ``HTTP/1.1``.
        headers: the header fields in order.
        raw: the bytes to send instead of all this, if not empty.
    """

    method: str
    target: str
    version: str
    headers: Headers
    raw: bytes = b""

    @property
    def data(self) -> bytes:
        """The bytes to send."""
        if self.raw:
            return self.raw
        lines = [f"{self.method} {self.target} {self.version}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")

    def get(self, name: str) -> str:
        """Return the value of the first header called *name*, or nothing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


Change: TypeAlias = Callable[[Draft], Draft]


class Opening(NamedTuple):
    """How a request differs from the plain one.

    Attributes:
        changes: made in order.
        needs_deflate: whether the conversation is of use only if permessage-deflate is
            agreed on.
    """

    changes: tuple[Change, ...] = ()
    needs_deflate: bool = False

    def apply(self, draft: Draft) -> Draft:
        """Return *draft* with the changes made."""
        for change in self.changes:
            draft = change(draft)
        return draft


PLAIN: Final = Opening()

#: What servers often speak: offered where the user names no subprotocols.
SUBPROTOCOLS: Final = (
    "chat",
    "superchat",
    "echo",
    "graphql-ws",
    "graphql-transport-ws",
    "mqtt",
    "v12.stomp",
    "wamp.2.json",
    "ocpp1.6",
    "soap",
    "xmpp",
    "binary",
)


def without(*names: str) -> Change:
    """Leave out all header fields of these names."""
    lowered = {name.lower() for name in names}

    def change(draft: Draft) -> Draft:
        kept = tuple(field for field in draft.headers if field[0].lower() not in lowered)
        return draft._replace(headers=kept)

    return change


def adding(name: str, value: str) -> Change:
    """Add a header field at the end."""
    return lambda draft: draft._replace(headers=(*draft.headers, (name, value)))


def replacing(name: str, *values: str) -> Change:
    """Give *name* these values, a line each, where its first line stands."""

    def change(draft: Draft) -> Draft:
        fields: list[tuple[str, str]] = []
        done = False
        for field in draft.headers:
            if field[0].lower() != name.lower():
                fields.append(field)
            elif not done:
                fields += [(name, value) for value in values]
                done = True
        if not done:
            fields += [(name, value) for value in values]
        return draft._replace(headers=tuple(fields))

    return change


def repeating(name: str) -> Change:
    """Send the header *name* twice, with the same value."""

    def change(draft: Draft) -> Draft:
        again = tuple(field for field in draft.headers if field[0].lower() == name.lower())
        return draft._replace(headers=draft.headers + again)

    return change


def sending_headers(rewrite: Callable[[Headers], Headers]) -> Change:
    """Send what *rewrite* makes of the header fields: another order, other names."""
    return lambda draft: draft._replace(headers=rewrite(draft.headers))


def with_method(method: str) -> Change:
    """Use another method."""
    return lambda draft: draft._replace(method=method)


def with_target(rewrite: Callable[[Draft], str]) -> Change:
    """Use another request target."""
    return lambda draft: draft._replace(target=rewrite(draft))


def with_version(version: str) -> Change:
    """Use another HTTP version."""
    return lambda draft: draft._replace(version=version)


def with_raw(rewrite: Callable[[bytes], bytes]) -> Change:
    """Send what *rewrite* makes of the request's bytes."""
    return lambda draft: draft._replace(raw=rewrite(draft.data))


def offering(*elements: str) -> Change:
    """Offer extensions: a ``Sec-WebSocket-Extensions`` line for each of *elements*."""
    return replacing("Sec-WebSocket-Extensions", *elements)


def compressing(*parameters: str) -> Opening:
    """Return an opening that offers permessage-deflate and needs it to be agreed on."""
    return Opening((offering("; ".join(("permessage-deflate", *parameters))),), needs_deflate=True)


def offering_subprotocols(
    rewrite: Callable[[tuple[str, ...]], Iterable[str]] = lambda names: (", ".join(names),),
) -> Change:
    """Offer subprotocols that the server may know: the user's, or else well-known ones.

    Args:
        rewrite: makes the lines of ``Sec-WebSocket-Protocol`` of their names; one line if left out.
    """

    def change(draft: Draft) -> Draft:
        given = draft.get("Sec-WebSocket-Protocol")
        names = tuple(name.strip() for name in given.split(",")) if given else SUBPROTOCOLS
        return replacing("Sec-WebSocket-Protocol", *rewrite(names))(draft)

    return change
