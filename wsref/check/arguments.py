"""Arguments about a server, as ``wsref check`` and ``wsref replay`` take them."""

from __future__ import annotations

import argparse
import ssl

from ..protocol.http import check_headers
from ..protocol.uri import parse_uri
from ..proxy import Proxies, check_proxies
from ..tls import create_ssl_context
from .target import Target

__all__ = ["add_target_arguments", "create_target", "target_of"]


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say how to talk to a server."""
    target = parser.add_argument_group("how to talk to the server")
    target.add_argument(
        "-H",
        "--header",
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="send this header field along (repeatable)",
    )
    target.add_argument("--origin", help="the Origin header")
    target.add_argument(
        "--subprotocol",
        action="append",
        default=[],
        metavar="NAME",
        help="offer this subprotocol (repeatable, the most preferred first)",
    )
    target.add_argument("--cacert", metavar="FILE", help="authorities to trust (PEM)")
    target.add_argument(
        "-k", "--insecure", action="store_true", help="do not verify the server's certificate"
    )
    target.add_argument("--sni", metavar="NAME", help="the name to ask for by TLS, and to verify")
    target.add_argument("--client-cert", metavar="FILE", help="a client certificate (PEM)")
    target.add_argument("--client-key", metavar="FILE", help="its private key, if elsewhere")
    target.add_argument(
        "--connect", metavar="HOST:PORT", help="connect here, whatever the URL says"
    )
    target.add_argument(
        "--proxy",
        metavar="URL",
        help="an HTTP proxy; 'none' for none (default: as the environment says)",
    )


def target_of(options: argparse.Namespace, url: str) -> Target:
    """Return the target that parsed arguments describe.

    Raises:
        ValueError: an argument makes no sense; it is named.
    """
    return create_target(
        url,
        headers=[_header(text) for text in options.header],
        origin=options.origin,
        subprotocols=options.subprotocol,
        cacert=options.cacert,
        insecure=options.insecure,
        sni=options.sni,
        client_cert=options.client_cert,
        client_key=options.client_key,
        connect=options.connect,
        proxy=options.proxy,
    )


def create_target(
    url: str,
    *,
    headers: list[tuple[str, str]] | tuple[tuple[str, str], ...] = (),
    origin: str | None = None,
    subprotocols: list[str] | tuple[str, ...] = (),
    cacert: str | None = None,
    insecure: bool = False,
    sni: str | None = None,
    client_cert: str | None = None,
    client_key: str | None = None,
    connect: str | None = None,
    proxy: str | None = None,
) -> Target:
    """Return a target.

    Args:
        url: ``ws://`` or ``wss://``; user name and password become Basic credentials.
        headers: header fields to send along.
        origin: the Origin header.
        subprotocols: those to offer, the most preferred first.
        cacert: a file with the authorities to trust (PEM) instead of the system's.
        insecure: do not verify the server's certificate.
        sni: the name to ask for by TLS, and to verify.
        client_cert: a file with a client certificate (PEM).
        client_key: the file with its private key, if that is elsewhere.
        connect: ``HOST:PORT`` to connect to, whatever the URL says.
        proxy: the URL of an HTTP proxy; ``none`` for none; None for that of the environment.

    Raises:
        ValueError: an argument makes no sense; it is named.
    """
    uri = parse_uri(url)
    checked = check_headers(headers)
    context = None
    if uri.secure:
        context = create_ssl_context(not insecure, cacert)
        if client_cert is not None:
            try:
                context.load_cert_chain(client_cert, client_key)
            except (OSError, ssl.SSLError) as error:
                reason = error.strerror or error
                raise ValueError(f"--client-cert {client_cert} cannot be used: {reason}") from None
    elif cacert or insecure or sni or client_cert:
        raise ValueError("--cacert, --insecure, --sni and --client-cert are for wss:// URLs")
    if client_key is not None and client_cert is None:
        raise ValueError("--client-key needs --client-cert")
    proxies: Proxies | None = None
    if proxy is not None:
        proxies = {} if proxy.lower() == "none" else {"http": proxy, "https": proxy}
        check_proxies(proxies)
    return Target(
        uri,
        checked,
        origin,
        tuple(subprotocols),
        context,
        sni,
        None if connect is None else _address(connect),
        proxies,
    )


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise ValueError(f"--header {text!r} has no colon; it must be 'NAME: VALUE'")
    return name.strip(), value.strip()


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise ValueError(f"--connect {text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)
