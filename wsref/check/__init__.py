"""The compliance checker: which clauses does a WebSocket server break?

::

    from wsref.check import check_server

    report = check_server("ws://localhost:9001/chat")
    for result in report.failures:
        print(result.case.id, result.findings[0].message)

On the command line it is ``wsref check``.  Reading order: :mod:`.conversation` (what is
said), :mod:`.peer` (who says it), :mod:`.record` (what came of it), :mod:`.judgements`
and :mod:`.oracle` (what is wrong with it), :mod:`.cases`, :mod:`.runner`.
"""

from __future__ import annotations

from collections.abc import Sequence

from .arguments import create_target
from .catalogue import Case, Facts, catalogue
from .options import DEFAULT_OPTIONS, Options
from .report import Fault, Report, Result
from .runner import Listener, NothingSelected, check
from .target import Target, Unreachable
from .verdicts import Finding, Verdict

__all__ = [
    "Case",
    "Facts",
    "Fault",
    "Finding",
    "Listener",
    "NothingSelected",
    "Options",
    "Report",
    "Result",
    "Target",
    "Unreachable",
    "Verdict",
    "catalogue",
    "check",
    "check_server",
    "create_target",
]


def check_server(
    url: str,
    options: Options = DEFAULT_OPTIONS,
    *,
    headers: Sequence[tuple[str, str]] = (),
    origin: str | None = None,
    subprotocols: Sequence[str] = (),
    cacert: str | None = None,
    insecure: bool = False,
    sni: str | None = None,
    client_cert: str | None = None,
    client_key: str | None = None,
    connect: str | None = None,
    proxy: str | None = None,
    listener: Listener | None = None,
) -> Report:
    """Check a server.

    Args:
        url: where it is, ``ws://`` or ``wss://``.
        options: what to do: which cases, how long, how many connections.
        headers: header fields to send along, such as Authorization.
        origin: the Origin header.
        subprotocols: those to offer, the most preferred first.
        cacert: a file with the authorities to trust (PEM) instead of the system's.
        insecure: do not verify the server's certificate.
        sni: the name to ask for by TLS, and to verify.
        client_cert: a file with a client certificate (PEM).
        client_key: the file with its private key, if that is elsewhere.
        connect: ``HOST:PORT`` to connect to, whatever the URL says.
        proxy: the URL of an HTTP proxy; ``none`` for none; None for that of the environment.
        listener: told about the progress.

    Returns:
        The report.  If the server cannot be reached its ``problem`` says why.

    Raises:
        ValueError: an argument makes no sense; it is named.
        NothingSelected: the options leave no case to be run.
    """
    target = create_target(
        url,
        headers=tuple(headers),
        origin=origin,
        subprotocols=tuple(subprotocols),
        cacert=cacert,
        insecure=insecure,
        sni=sni,
        client_cert=client_cert,
        client_key=client_key,
        connect=connect,
        proxy=proxy,
    )
    return check(target, options, listener)
