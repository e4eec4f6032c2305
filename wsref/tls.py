"""TLS settings for clients (RFC 6455 §4.1, §10.6).

The connection of a ``wss`` URL is verified unless the application says otherwise, and
never older than TLS 1.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

__all__ = ["create_ssl_context"]


def create_ssl_context(
    ssl_verify: bool = True,
    ssl_cafile: str | None = None,
    ssl_context: ssl.SSLContext | None = None,
) -> ssl.SSLContext:
    """Return the TLS context for a client's connection.

    Args:
        ssl_verify: whether to verify the server's certificate and name.
        ssl_cafile: a file with the authorities (PEM) to trust instead of the system's.
        ssl_context: a context of the application's own, which is returned as it is: what
            it allows, old versions of TLS included, is the application's decision.

    Raises:
        ValueError: *ssl_cafile* cannot be loaded.
    """
    if ssl_context is not None:
        return ssl_context
    import ssl  # a third of what it takes to import this package; ws:// needs none of it

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])  # the Upgrade header does not exist in HTTP/2
    if not ssl_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ssl_cafile is None:
        context.load_default_certs()
    else:
        try:
            context.load_verify_locations(ssl_cafile)
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(f"ssl_cafile: {ssl_cafile!r} cannot be loaded: {error}") from error
    return context
