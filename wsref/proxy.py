"""HTTP proxies: which one to use, and how to ask it for a tunnel (RFC 6455 §4.1).

A client that goes through a proxy connects to it, asks it by the method CONNECT for a TCP
connection to the server (RFC 9110 §9.3.6), and then talks as if it were connected
directly: TLS, if any, is between the client and the server.

Nothing here touches a socket; the blocking session and asyncio share it.
"""

from __future__ import annotations

import os
import sys
from base64 import b64encode
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

from .protocol.errors import ConnectFail
from .protocol.http import end_of_head, parse_response, serialize_request
from .protocol.limits import DEFAULT_LIMITS
from .protocol.uri import WebSocketURI
from .protocol.violations import Violation

__all__ = [
    "Proxies",
    "Proxy",
    "build_connect_request",
    "bypasses_proxy",
    "check_proxies",
    "detect_proxies",
    "parse_connect_answer",
    "parse_proxy",
    "proxy_for",
]

#: URLs of proxies: ``"http"`` is for ws, ``"https"`` for wss.  ``"no"`` is a list of hosts to
#: connect to directly, as in the variable ``no_proxy``.
Proxies: TypeAlias = Mapping[str, str | None]

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Proxy(NamedTuple):
    """A proxy.

    Attributes:
        secure: whether to talk TLS to the proxy itself.
        host: its name or address.
        port: its port.
        authorization: the value of the Proxy-Authorization header, if there are credentials.
        url: its URL, fit to be shown: with stars in place of a password.
    """

    secure: bool
    host: str
    port: int
    authorization: str | None
    url: str


def proxy_for(uri: WebSocketURI, proxies: Proxies | None) -> Proxy | None:
    """Return the proxy to use for *uri*, None to connect directly.

    Args:
        uri: where to connect to.
        proxies: the proxies there are; from the environment if None.

    Raises:
        ValueError: the URL of the proxy makes no sense.
    """
    if proxies is None:
        proxies = detect_proxies()
    url = proxies.get("https" if uri.secure else "http")
    if not url or bypasses_proxy(uri.host, uri.port, proxies.get("no") or ""):
        return None
    return parse_proxy(url)


def check_proxies(proxies: Proxies) -> None:
    """Check proxies that an application has given.

    Raises:
        TypeError, ValueError: they are not a mapping, or a URL in it makes no sense.
    """
    if not isinstance(proxies, Mapping):
        raise TypeError(f"proxies must be a dict, not {type(proxies).__name__}")
    for scheme in ("http", "https"):
        url = proxies.get(scheme)
        if url is not None and url != "":
            parse_proxy(url)


def detect_proxies() -> dict[str, str | None]:
    """Return the proxies that the environment names.

    These are the variables ``http_proxy``, ``https_proxy`` and ``no_proxy``, in lower or upper
    case; on macOS and Windows the system's settings if there are no such variables.
    """
    found: dict[str, str | None] = {"http": None, "https": None}
    for scheme in ("http", "https", "no"):
        value = os.environ.get(f"{scheme}_proxy")
        # Web servers hand the request's "Proxy" header to CGI programs as HTTP_PROXY.
        if value is None and not (scheme == "http" and "REQUEST_METHOD" in os.environ):
            value = os.environ.get(f"{scheme}_proxy".upper())
        if value:
            found[scheme] = value
    if sys.platform in ("darwin", "win32") and not (found["http"] or found["https"]):
        from urllib.request import getproxies  # slow to import

        system = getproxies()
        found.update(http=system.get("http"), https=system.get("https"))
    return found


def bypasses_proxy(host: str, port: int, no_proxy: str) -> bool:
    """Whether *no_proxy* says to connect to *host* directly.

    Args:
        host: a name or an address, without brackets.
        port: its port.
        no_proxy: a comma-separated list of names (which stand for all names below them
            too, with or without a leading dot), addresses, networks such as ``10.0.0.0/8``,
            each possibly with a port; or ``*`` for every host.
    """
    host = host.lower().rstrip(".")
    for item in no_proxy.lower().split(","):
        item = item.strip()
        if item == "*":
            return True
        if "/" in item:
            if _is_in_network(host, item):
                return True
            continue
        name, colon, only_port = item.rpartition(":")
        if colon and only_port.isdecimal() and (":" not in name or name.endswith("]")):
            if only_port != str(port):
                continue
            item = name
        name = item.strip("[]").strip(".").removeprefix("*.")
        if name and (host == name or host.endswith("." + name)):
            return True
    return False


def parse_proxy(url: str) -> Proxy:
    """Read the URL of a proxy, such as ``http://user:password@proxy.example:3128``.

    Args:
        url: the scheme can be left out and is ``http`` then; percent-encoding is undone in
            the credentials.

    Raises:
        TypeError: *url* is not a string.
        ValueError: it is not the URL of an HTTP or HTTPS proxy.
    """
    if not isinstance(url, str):
        raise TypeError(f"proxies: a URL must be str, not {type(url).__name__}")
    from urllib.parse import unquote, urlsplit  # slow to import, and few use a proxy

    parts = urlsplit(url if "://" in url else f"http://{url}")
    userinfo, _at, address = parts.netloc.rpartition("@")
    username, colon, password = userinfo.partition(":")
    shown = f"{parts.scheme}://{_shown(username, colon)}{address}"
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError(f"proxies: {shown!r} is not a http:// or https:// URL")
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f"proxies: {shown!r} has an invalid port") from None
    host = parts.hostname
    if not host or port == 0 or any(character <= " " for character in address):
        raise ValueError(f"proxies: {shown!r} is not the URL of a proxy")
    authorization = None
    if userinfo:
        credentials = f"{unquote(username)}:{unquote(password)}".encode()
        authorization = f"Basic {b64encode(credentials).decode()}"
    return Proxy(
        parts.scheme == "https",
        host,
        port or _DEFAULT_PORTS[parts.scheme],
        authorization,
        shown if colon else url,
    )


def build_connect_request(uri: WebSocketURI, proxy: Proxy, user_agent: str | None = None) -> bytes:
    """Build the request for a tunnel to *uri*'s host and port (RFC 9110 §9.3.6)."""
    host = f"[{uri.host}]" if ":" in uri.host else uri.host
    target = f"{host}:{uri.port}"
    headers = [("Host", target)]
    if user_agent is not None:
        headers.append(("User-Agent", user_agent))
    if proxy.authorization is not None:
        headers.append(("Proxy-Authorization", proxy.authorization))
    return serialize_request("CONNECT", target, tuple(headers))


def parse_connect_answer(received: bytes, limit: int = DEFAULT_LIMITS.header_bytes) -> bytes | None:
    """Read the proxy's answer to CONNECT.

    Args:
        received: all that the proxy sent so far.
        limit: how long the heads may be, in bytes.

    Returns:
        None as long as the head is not complete; then the bytes behind it, which
        came through the tunnel.  A 2xx answer has no body, whatever its header says.

    Raises:
        ConnectFail: the proxy refuses, or does not speak HTTP.
    """
    start = 0
    while True:
        end = end_of_head(received, start)
        if (len(received) if end < 0 else end) > limit:
            raise ConnectFail(f"proxy answered with more than {limit} bytes of header")
        if end < 0:
            return None
        try:
            response = parse_response(received[start:end])
        except Violation as violation:
            raise ConnectFail(f"proxy answered no HTTP: {violation.detail}") from violation
        status = response.status_code or 0
        if 200 <= status <= 299:
            return received[end:]
        if not 100 <= status <= 199:  # those only announce the answer (RFC 9110 §15.2)
            answer = f"{status} {response.status}".rstrip()
            if status == 407:
                raise ConnectFail(f"proxy wants other credentials, or any at all: {answer}")
            raise ConnectFail(f"proxy refused the tunnel: {answer}")
        start = end


def _shown(username: str, colon: str) -> str:
    """Return the credentials in a URL as they may be shown."""
    if colon:
        return f"{username}:***@"
    return f"{username}@" if username else ""


def _is_in_network(host: str, network: str) -> bool:
    from ipaddress import ip_address, ip_network  # slow to import

    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:  # a name, or not a network
        return False
