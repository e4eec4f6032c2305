"""The command ``wsref``.

``wsref check``    which clauses does a server break?
``wsref list``     the cases of the check
``wsref replay``   a conversation of a check again
``wsref verify-trace``  a recorded conversation, judged
``wsref demo``     a whole conversation over TCP, every byte explained
``wsref serve``    the reference echo server
``wsref explain``  bytes in hexadecimal, explained

It exits with 0 if all went well, 1 if the result is a failure, 2 if the command itself
cannot be carried out: then one line on standard error says why.  ``wsref check`` has two more:
3 if the server cannot be checked, 4 if that is our own fault.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final, NoReturn, Protocol, cast

from ._version import __version__

__all__ = ["main"]


_STANDARD_OUTPUT = 1  # its descriptor


#: The commands that need more than the standard library: their modules, and what they are for.
_TOOLS: Final = {
    "check": ("command", "tell which clauses a server breaks"),
    "list": ("listing", "list the cases of the check, and explain them"),
    "replay": ("replay", "have a conversation of a check again"),
    "verify-trace": ("trace", "judge a recorded conversation, both directions"),
}


class _Tool(Protocol):
    """What is used of the module of such a command."""

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None: ...
    def run(self, arguments: argparse.Namespace, /) -> int: ...


def _tool(name: str) -> _Tool:
    return cast(_Tool, import_module(f".check.{_TOOLS[name][0]}", __package__))


class _UsageError(Exception):
    """The command cannot be carried out as given."""


class _Parser(argparse.ArgumentParser):
    """A parser that reports a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: those behind the command's name; the process's own if None.

    Returns:
        The exit status.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _build_parser(given).parse_args(given)
    reconfigure: Callable[..., None] | None = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")  # not every terminal has every character
    try:
        if options.command in _TOOLS:
            return _tool(options.command).run(options)
        if options.command == "serve":
            return _serve(options)
        if options.command == "explain":
            return _explain(options)
        return _demo(options)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STANDARD_OUTPUT)
        return 1
    except (_UsageError, OSError) as error:
        print(f"wsref {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0 if options.command == "serve" else 130


def _build_parser(given: Sequence[str]) -> _Parser:
    """Return the parser; the arguments of the tools are there only if they are *given*."""
    parser = _Parser(prog="wsref", description="WebSocket, readable: RFC 6455 and RFC 7692.")
    parser.add_argument("--version", action="version", version=f"wsref {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    for name, (_module, purpose) in _TOOLS.items():
        tool = commands.add_parser(name, help=purpose, description=f"{purpose.capitalize()}.")
        if name in given:
            try:
                _tool(name).add_arguments(tool)
            except ImportError as error:
                if (error.name or "").startswith(str(__package__)):
                    raise
                parser.error(f'{name} needs {error.name}: pip install "wsref[check]"')

    demo = commands.add_parser(
        "demo", help="show a whole conversation over TCP, every byte explained"
    )
    demo.add_argument("--no-compress", action="store_true", help="without permessage-deflate")
    _add_color(demo)

    serve = commands.add_parser("serve", help="run the reference echo server")
    serve.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: %(default)s)"
    )
    serve.add_argument(
        "--port", type=_port, default=9001, help="TCP port, 0: a free one (default: %(default)s)"
    )
    serve.add_argument("--no-compress", action="store_true", help="without permessage-deflate")
    serve.add_argument("--certfile", help="serve wss:// with this certificate chain (PEM)")
    serve.add_argument("--keyfile", help="its private key, unless the certificate file has it")

    explain = commands.add_parser("explain", help="explain bytes given in hexadecimal")
    explain.add_argument(
        "--from",
        dest="sender",
        choices=["client", "server"],
        help="who sent them (default: told from the bytes)",
    )
    explain.add_argument("hex", nargs="*", metavar="HEX", help="default: standard input")
    _add_color(explain)
    return parser


def _add_color(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--color",
        choices=["auto", "always", "never"],
        default="auto",
        help="colours (default: on a terminal)",
    )


def _wants_color(options: argparse.Namespace) -> bool:
    return options.color == "always" or (options.color == "auto" and sys.stdout.isatty())


def _port(text: str) -> int:
    """Read a port number, for the parser."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number (0 to 65535)")
    return int(text)


def _demo(options: argparse.Namespace) -> int:
    from .demo import demo

    return demo(sys.stdout, compress=not options.no_compress, color=_wants_color(options))


def _serve(options: argparse.Namespace) -> int:
    """Serve until a signal says stop (RFC 6455 §7.4.1: clients are told 1001)."""
    import asyncio
    import signal
    import ssl
    from contextlib import suppress

    from .serve import echo_server

    context = None
    if options.certfile is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(options.certfile, options.keyfile)
        except OSError as error:
            raise _UsageError(f"cannot use --certfile {options.certfile}: {error}") from None
    elif options.keyfile is not None:
        raise _UsageError("--keyfile needs --certfile")

    async def run() -> None:
        server = echo_server(
            options.host, options.port, ssl=context, compress=not options.no_compress
        )
        try:
            await server.start()
        except OSError as error:
            where = f"{options.host} port {options.port}"
            raise _UsageError(f"cannot listen on {where}: {error.strerror or error}") from None
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):  # then SIGINT raises KeyboardInterrupt
                loop.add_signal_handler(signal_number, server.close)
        print(server.url, flush=True)
        await server.wait_closed()

    asyncio.run(run())
    return 0


def _explain(options: argparse.Namespace) -> int:
    from .explain import explain

    text = " ".join(options.hex) if options.hex else sys.stdin.read()
    try:
        data = bytes.fromhex(text.replace(":", " "))
    except ValueError as error:
        raise _UsageError(f"not hexadecimal: {error}") from None
    if options.sender is not None:
        from_client = options.sender == "client"
    else:  # only a client begins with GET, and only a client masks (RFC 6455 §5.1)
        from_client = data.startswith(b"GET ") or data[1:2] >= b"\x80"
        from_client = from_client and not data.startswith(b"HTTP/")
    for line in explain(data, from_client=from_client, color=_wants_color(options)):
        print(line)
    return 0
