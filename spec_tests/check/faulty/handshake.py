"""Faults of the opening handshake (RFC 6455 §4, §9.1, §11.3)."""
# ruff: noqa: D102 - the docstring of each class says what its one override does

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import ClassVar

from wsref.protocol.headers import Extension

from .registry import fault
from .server import (
    GUID,
    Deflate,
    EchoServer,
    Fields,
    Finished,
    Header,
    Refused,
    Request,
)

# ---- requests that ought to be refused


@fault("post", "RFC6455-4.2.1-02", "RFC6455-4.2.1-01")
class Post(EchoServer):
    """Accepts a POST."""

    def check_method(self, request: Request) -> None:
        if request.method not in ("GET", "POST"):
            super().check_method(request)


@fault("any-method", "RFC6455-4.2.1-02", "RFC6455-4.2.1-01")
class AnyMethod(EchoServer):
    """Does not look at the method."""

    def check_method(self, request: Request) -> None:
        pass


@fault("method-in-any-case", "RFC6455-4.2.1-02", "RFC6455-4.2.1-01")
class MethodInAnyCase(EchoServer):
    """Takes ``get`` for GET."""

    def check_method(self, request: Request) -> None:
        super().check_method(request._replace(method=request.method.upper()))


@fault("http-1.0", "RFC6455-4.2.1-03", "RFC6455-4.2.1-01")
class Http10(EchoServer):
    """Accepts an upgrade by HTTP/1.0."""

    def check_http_version(self, request: Request) -> None:
        if request.version != "HTTP/1.0":
            super().check_http_version(request)


@fault("any-http-version", "RFC6455-4.2.1-03", "RFC6455-4.2.1-01")
class AnyHttpVersion(EchoServer):
    """Does not look at the version of HTTP: 0.9 and 1.0 are welcome."""

    def check_http_version(self, request: Request) -> None:
        pass


@fault("no-host", "RFC6455-4.2.1-04", "RFC6455-4.2.1-01")
class NoHost(EchoServer):
    """Accepts a request without Host."""

    def check_host(self) -> None:
        if self.values("Host"):
            super().check_host()


@fault("two-hosts", "RFC6455-4.2.1-18", "RFC6455-4.2.1-01")
class TwoHosts(EchoServer):
    """Accepts a request with several Hosts."""

    def check_host(self) -> None:
        if not self.values("Host"):
            super().check_host()


@fault("space-before-colon", "RFC6455-4.2.1-18", "RFC6455-4.2.1-01")
class SpaceBeforeColon(EchoServer):
    """Accepts white space between a header's name and the colon."""

    def parse_field(self, line: str) -> tuple[str, str]:
        return super().parse_field(re.sub(r"[ \t]+:", ":", line, count=1))


@fault("line-without-colon", "RFC6455-4.2.1-18", "RFC6455-4.2.1-01")
class LineWithoutColon(EchoServer):
    """Passes over header lines that have no colon."""

    def split_lines(self, head: str) -> list[str]:
        first, *lines = super().split_lines(head)
        return [first, *(line for line in lines if ":" in line)]


@fault("no-target", "RFC6455-4.2.1-18", "RFC6455-4.2.1-01")
class NoTarget(EchoServer):
    """Accepts a request line without a target."""

    def split_lines(self, head: str) -> list[str]:
        return super().split_lines(re.sub(r"\A(\S+) +(HTTP/\S+)\r\n", r"\1 / \2\r\n", head))


@fault("lax-request-line", "RFC6455-4.2.1-18", "RFC6455-4.2.1-01", "RFC6455-4.2.1-03")
class LaxRequestLine(EchoServer):
    """Wants a GET at the beginning of the request line, and reads no further."""

    def split_lines(self, head: str) -> list[str]:
        first, *lines = super().split_lines(head)
        target = re.match(r"GET (/\S*|http://\S+) HTTP/[2-9]", first)
        if target is None and first.startswith("GET"):
            first = "GET / HTTP/1.1"
        return [first, *lines]


@fault("no-upgrade", "RFC6455-4.2.1-06")
class NoUpgrade(EchoServer):
    """Accepts a request without Upgrade."""

    def check_upgrade(self) -> None:
        if self.values("Upgrade"):
            super().check_upgrade()


@fault("any-upgrade", "RFC6455-4.2.1-06")
class AnyUpgrade(EchoServer):
    """Wants Upgrade, whatever its value."""

    def check_upgrade(self) -> None:
        if not self.values("Upgrade"):
            super().check_upgrade()


@fault("upgrade-by-substring", "RFC6455-4.2.1-06")
class UpgradeBySubstring(EchoServer):
    """Takes any value of Upgrade that has websocket in it, such as ``notwebsocket``."""

    def check_upgrade(self) -> None:
        if "websocket" not in ",".join(self.values("Upgrade")).lower():
            super().check_upgrade()


@fault("upgrade-by-prefix", "RFC6455-4.2.1-06")
class UpgradeByPrefix(EchoServer):
    """Takes ``websocket2`` and ``websockets`` for websocket."""

    def check_upgrade(self) -> None:
        if not any(value.lower().startswith("websocket") for value in self.values("Upgrade")):
            super().check_upgrade()


@fault("upgrade-in-one-case", "RFC6455-4.2.1-05")
class UpgradeInOneCase(EchoServer):
    """Knows websocket in lower case only."""

    def check_upgrade(self) -> None:
        super().check_upgrade()
        if not any("websocket" in value for value in self.values("Upgrade")):
            raise Refused(400, "websocket is not in lower case")


@fault("upgrade-in-two-cases", "RFC6455-4.2.1-05")
class UpgradeInTwoCases(EchoServer):
    """Knows ``websocket`` and ``WebSocket``, but no other case."""

    def check_upgrade(self) -> None:
        super().check_upgrade()
        if not any(re.search("websocket|WebSocket", value) for value in self.values("Upgrade")):
            raise Refused(400, "websocket is in an odd case")


@fault("upgrade-not-a-list", "RFC6455-4.2.1-19", level="SHOULD")
class UpgradeNotAList(EchoServer):
    """Refuses websocket next to other tokens in Upgrade."""

    def check_upgrade(self) -> None:
        if [value.lower() for value in self.values("Upgrade")] != ["websocket"]:
            raise Refused(400, "only Upgrade: websocket")


@fault("no-connection", "RFC6455-4.2.1-08")
class NoConnection(EchoServer):
    """Accepts a request without Connection."""

    def check_connection(self) -> None:
        if self.values("Connection"):
            super().check_connection()


@fault("any-connection", "RFC6455-4.2.1-08")
class AnyConnection(EchoServer):
    """Wants Connection, whatever its value."""

    def check_connection(self) -> None:
        if not self.values("Connection"):
            super().check_connection()


@fault("connection-by-substring", "RFC6455-4.2.1-08")
class ConnectionBySubstring(EchoServer):
    """Takes any value of Connection that has upgrade in it, such as ``notupgrade``."""

    def check_connection(self) -> None:
        if "upgrade" not in ",".join(self.values("Connection")).lower():
            super().check_connection()


@fault("connection-by-prefix", "RFC6455-4.2.1-08")
class ConnectionByPrefix(EchoServer):
    """Takes ``Upgraded`` for upgrade."""

    def check_connection(self) -> None:
        tokens = ",".join(self.values("Connection")).lower().split(",")
        if not any(token.strip().startswith("upgrade") for token in tokens):
            super().check_connection()


@fault("connection-in-one-case", "RFC6455-4.2.1-07")
class ConnectionInOneCase(EchoServer):
    """Knows ``Upgrade`` in Connection with a capital letter only."""

    def check_connection(self) -> None:
        tokens = ",".join(self.values("Connection")).split(",")
        if "Upgrade" not in [token.strip() for token in tokens]:
            raise Refused(400, "Connection: Upgrade is needed")


@fault("connection-in-two-cases", "RFC6455-4.2.1-07")
class ConnectionInTwoCases(EchoServer):
    """Knows ``Upgrade`` and ``upgrade`` in Connection, but not ``UPGRADE``."""

    def check_connection(self) -> None:
        tokens = ",".join(self.values("Connection")).split(",")
        if not {"Upgrade", "upgrade"} & {token.strip() for token in tokens}:
            raise Refused(400, "Connection: Upgrade is needed")


@fault("connection-not-a-list", "RFC6455-4.2.1-07")
class ConnectionNotAList(EchoServer):
    """Refuses upgrade next to other tokens of Connection in one line."""

    def check_connection(self) -> None:
        if "upgrade" not in [value.lower() for value in self.values("Connection")]:
            raise Refused(400, "only Connection: Upgrade")


@fault("connection-first-token", "RFC6455-4.2.1-07", "RFC6455-4.2.1-20")
class ConnectionFirstToken(EchoServer):
    """Looks at the first token of Connection only."""

    def check_connection(self) -> None:
        tokens = ",".join(self.values("Connection")).lower().split(",")
        if tokens[0].strip() != "upgrade":
            raise Refused(400, "Connection: Upgrade is needed")


@fault("connection-last-token", "RFC6455-4.2.1-07")
class ConnectionLastToken(EchoServer):
    """Looks at the last token of Connection only."""

    def check_connection(self) -> None:
        tokens = ",".join(self.values("Connection")).lower().split(",")
        if tokens[-1].strip() != "upgrade":
            raise Refused(400, "Connection: Upgrade is needed")


@fault("connection-comma-and-space", "RFC6455-4.2.1-07")
class ConnectionCommaAndSpace(EchoServer):
    """Wants the tokens of Connection separated by a comma and just one space."""

    def check_connection(self) -> None:
        if "upgrade" not in ", ".join(self.values("Connection")).lower().split(", "):
            raise Refused(400, "Connection: Upgrade is needed")


@fault("connection-first-line", "RFC6455-4.2.1-20")
class ConnectionFirstLine(EchoServer):
    """Looks at the first Connection line only."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        return values[:1] if name == "Connection" else values


@fault("connection-last-line", "RFC6455-4.2.1-20")
class ConnectionLastLine(EchoServer):
    """Looks at the last Connection line only."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        return values[-1:] if name == "Connection" else values


@fault("no-key", "RFC6455-4.2.1-09", "RFC6455-4.2.1-01")
class NoKey(EchoServer):
    """Accepts a request without a key, as if it were empty."""

    def check_key(self) -> None:
        if self.values("Sec-WebSocket-Key"):
            super().check_key()


@fault("any-key", "RFC6455-4.2.1-10", "RFC6455-4.2.1-01")
class AnyKey(EchoServer):
    """Does not look at the key, which may even be empty."""

    def check_key_text(self, key: str) -> None:
        pass


@fault("empty-key", "RFC6455-4.2.1-10", "RFC6455-4.2.1-09")
class EmptyKey(EchoServer):
    """Accepts an empty key, but no other malformed one."""

    def check_key_text(self, key: str) -> None:
        if key:
            super().check_key_text(key)


@fault("short-key", "RFC6455-4.2.1-10")
class ShortKey(EchoServer):
    """Accepts a key that stands for fewer than 16 bytes."""

    def check_key_text(self, key: str) -> None:
        if (
            not re.fullmatch(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2,3}=*)?", key)
            or len(key) > 24
        ):
            super().check_key_text(key)


@fault("long-key", "RFC6455-4.2.1-10")
class LongKey(EchoServer):
    """Accepts a key that stands for more than 16 bytes."""

    def check_key_text(self, key: str) -> None:
        super().check_key_text(key if len(key) < 24 else f"{key[:22]}==")


@fault("key-by-length", "RFC6455-4.2.1-10")
class KeyByLength(EchoServer):
    """Wants a key of 24 characters, whether they are base64 or not."""

    def check_key_text(self, key: str) -> None:
        if len(key) != 24:
            super().check_key_text(key)


@fault("lax-base64-key", "RFC6455-4.2.1-10")
class LaxBase64Key(EchoServer):
    """Skips characters in the key that do not belong to base64."""

    def check_key_text(self, key: str) -> None:
        super().check_key_text(re.sub(r"[^A-Za-z0-9+/=]", "", key))


@fault("two-keys", "RFC6455-11.3.1-02", "RFC6455-4.2.1-01")
class TwoKeys(EchoServer):
    """Takes the first of two keys that differ."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        return values[:1] if name == "Sec-WebSocket-Key" else values


@fault("same-key-twice", "RFC6455-11.3.1-02", level="SHOULD")
class SameKeyTwice(EchoServer):
    """Accepts the key in two headers, if they are identical."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        same = name == "Sec-WebSocket-Key" and len(set(values)) == 1
        return values[:1] if same else values


@fault("no-version", "RFC6455-4.2.1-11", "RFC6455-4.2.1-01")
class NoVersion(EchoServer):
    """Accepts a request without a version."""

    def check_version(self) -> None:
        if self.values("Sec-WebSocket-Version"):
            super().check_version()


@fault("any-version", "RFC6455-4.2.2-07", "RFC6455-4.4-01", "RFC6455-4.3-04")
class AnyVersion(EchoServer):
    """Accepts every version."""

    def is_supported_version(self, version: str) -> bool:
        return True


@fault("older-versions", "RFC6455-4.2.2-07", "RFC6455-4.4-01")
class OlderVersions(EchoServer):
    """Accepts 8 and 0 as well, though it lists 13 only when it refuses."""

    def is_supported_version(self, version: str) -> bool:
        return version in ("0", "8", "13")


@fault("newer-versions", "RFC6455-4.2.2-07", "RFC6455-4.4-01")
class NewerVersions(EchoServer):
    """Accepts every version from 13 up."""

    def is_supported_version(self, version: str) -> bool:
        return re.fullmatch("[1-9][0-9]*", version) is not None and int(version) >= 13


@fault("version-13-leading-zero", "RFC6455-4.3-04")
class VersionLeadingZero(EchoServer):
    """Takes 013 for 13."""

    def is_supported_version(self, version: str) -> bool:
        return version.isdecimal() and int(version) == 13


@fault("version-by-prefix", "RFC6455-4.3-04", "RFC6455-4.2.2-07")
class VersionByPrefix(EchoServer):
    """Reads the version's first two characters: 13.0, 130 and 13abc will do."""

    def is_supported_version(self, version: str) -> bool:
        return version.startswith("13") and "," not in version


@fault("version-absolute-value", "RFC6455-4.3-04")
class VersionAbsoluteValue(EchoServer):
    """Takes -13 for 13."""

    def is_supported_version(self, version: str) -> bool:
        return version in ("13", "-13")


@fault("version-not-a-number", "RFC6455-4.3-04")
class VersionNotANumber(EchoServer):
    """Refuses numbers other than 13, but lets a version through that is no number."""

    def is_supported_version(self, version: str) -> bool:
        return version == "13" or (version.isalnum() and not version.isdecimal())


@fault("version-list", "RFC6455-11.3.5-03")
class VersionList(EchoServer):
    """Finds 13 in a list of versions."""

    def is_supported_version(self, version: str) -> bool:
        return "13" in [element.strip() for element in version.split(",")]


@fault("two-versions", "RFC6455-11.3.5-03")
class TwoVersions(EchoServer):
    """Looks for 13 in several version headers."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        return ["13"] if name == "Sec-WebSocket-Version" and "13" in values else values


@fault("first-version", "RFC6455-11.3.5-03")
class FirstVersion(EchoServer):
    """Looks at the first version header only."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        return values[:1] if name == "Sec-WebSocket-Version" else values


@fault("last-version", "RFC6455-11.3.5-03")
class LastVersion(EchoServer):
    """Looks at the last version header only."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        return values[-1:] if name == "Sec-WebSocket-Version" else values


@fault("same-version-twice", "RFC6455-11.3.5-03", level="SHOULD")
class SameVersionTwice(EchoServer):
    """Accepts 13 in two headers."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        same = name == "Sec-WebSocket-Version" and len(set(values)) == 1
        return values[:1] if same else values


@fault("nothing-checked", "RFC6455-4.2.1-01", "RFC6455-4.2.1-06", "RFC6455-4.2.1-08")
class NothingChecked(EchoServer):
    """Accepts every request that has a key."""

    def check_request(self, request: Request) -> None:
        self.check_key()


@fault("head-not-awaited", "RFC6455-4.2.1-01", "RFC6455-4.2.2-01")
class HeadNotAwaited(EchoServer):
    """Answers once it has seen the headers that it needs, before the end of the request."""

    def find_end_of_head(self) -> int | None:
        needed = ("host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version")
        seen = self.buffer.decode("latin-1").lower()
        end = self.buffer.rfind(b"\r\n")
        if end >= 0 and all(f"\r\n{name}:" in seen[:end] for name in needed):
            whole = super().find_end_of_head()
            return end if whole is None else whole
        return super().find_end_of_head()

    def read_header(self) -> Header:
        while self.buffer[:1] and self.buffer[0] in b"\r\n":  # the end that was not awaited
            del self.buffer[:1]
        return super().read_header()


# ---- requests that ought to be accepted


@fault("header-names-in-one-case", "RFC6455-4.2.1-15")
class HeaderNamesInOneCase(EchoServer):
    """Knows header names as the RFC writes them only."""

    def same_name(self, name: str, wanted: str) -> bool:
        return name == wanted


@fault("key-name-in-one-case", "RFC6455-4.2.1-15")
class KeyNameInOneCase(EchoServer):
    """Knows Sec-WebSocket-Key as the RFC writes it only."""

    def same_name(self, name: str, wanted: str) -> bool:
        if wanted == "Sec-WebSocket-Key":
            return name == wanted
        return super().same_name(name, wanted)


@fault("header-names-not-all-capitals", "RFC6455-4.2.1-15")
class HeaderNamesNotAllCapitals(EchoServer):
    """Knows header names as the RFC writes them and in lower case, but not in capitals."""

    def same_name(self, name: str, wanted: str) -> bool:
        return name in (wanted, wanted.lower())


@fault("host-first", "RFC6455-4.2.1-13")
class HostFirst(EchoServer):
    """Wants Host to be the first header."""

    def check_host(self) -> None:
        super().check_host()
        if self.request.fields[0][0].lower() != "host":
            raise Refused(400, "Host is not the first")


@fault("ordered-headers", "RFC6455-4.2.1-13")
class OrderedHeaders(EchoServer):
    """Wants the key after Upgrade and Connection."""

    def check_key(self) -> None:
        super().check_key()
        names = [name.lower() for name, _ in self.request.fields]
        if names.index("sec-websocket-key") < max(
            names.index("upgrade"), names.index("connection")
        ):
            raise Refused(400, "the key comes too early")


@fault("unknown-header-refused", "RFC6455-4.2.1-14")
class UnknownHeaderRefused(EchoServer):
    """Refuses headers that it does not know."""

    known = re.compile(
        r"(?i)host|upgrade|connection|origin|cookie|user-agent|accept.*|cache-control|pragma"
        r"|authorization|sec-websocket-(key|version|protocol|extensions)"
    )

    def check_host(self) -> None:
        super().check_host()
        if not all(self.known.fullmatch(name) for name, _ in self.request.fields):
            raise Refused(400, "an unknown header")


@fault("unknown-sec-header-refused", "RFC6455-4.2.1-14")
class UnknownSecHeaderRefused(EchoServer):
    """Refuses headers that begin with Sec-WebSocket- and are none of the four it knows."""

    def check_host(self) -> None:
        super().check_host()
        known = ("key", "version", "protocol", "extensions")
        for name, _ in self.request.fields:
            first, _, rest = name.lower().partition("sec-websocket-")
            if not first and rest not in known:
                raise Refused(400, "an unknown header")


@fault("non-ascii-header-refused", "RFC6455-4.2.1-14", "RFC6455-8.1-07")
class NonAsciiHeaderDropped(EchoServer):
    """Drops the connection over a header value that is not UTF-8, though it does not need it."""

    def parse_field(self, line: str) -> tuple[str, str]:
        try:
            line.encode("latin-1").decode()
        except UnicodeDecodeError:
            raise Finished from None
        return super().parse_field(line)


@fault("empty-header-refused", "RFC6455-4.2.1-14")
class EmptyHeaderRefused(EchoServer):
    """Refuses a header it does not know because its value is empty."""

    def parse_field(self, line: str) -> tuple[str, str]:
        name, value = super().parse_field(line)
        if not value:
            raise Refused(400, "an empty header")
        return name, value


@fault("space-after-colon-needed", "RFC6455-4.2.1-01", "RFC6455-4.2.2-01")
class SpaceAfterColonNeeded(EchoServer):
    """Wants a space behind the colon of each header."""

    def parse_field(self, line: str) -> tuple[str, str]:
        if ": " not in line:
            raise Refused(400, "a malformed header")
        return super().parse_field(line)


@fault("value-not-stripped", "RFC6455-4.2.2-19", "RFC6455-4.2.1-01")
class ValueNotStripped(EchoServer):
    """Hashes the white space behind the key as well."""

    spaces = ""

    def parse_field(self, line: str) -> tuple[str, str]:
        if line.lower().startswith("sec-websocket-key:"):
            self.spaces = line[len(line.rstrip(" \t")) :]
        return super().parse_field(line)

    def accept_value(self, key: str) -> str:
        return super().accept_value(key + self.spaces)


@fault("absolute-target-refused", "RFC6455-4.2.1-16")
class AbsoluteTargetRefused(EchoServer):
    """Refuses an absolute URI as request target."""

    def check_target(self, request: Request) -> None:
        if not request.target.startswith("/"):
            raise Refused(400, "not a path")


@fault("origin-needed", "RFC6455-4.2.1-17")
class OriginNeeded(EchoServer):
    """Refuses a request without Origin as malformed."""

    def check_origin(self) -> None:
        if not self.values("Origin"):
            raise Refused(400, "no Origin")


@fault("extensions-needed", "RFC6455-4.2.1-17")
class ExtensionsNeeded(EchoServer):
    """Refuses a request without Sec-WebSocket-Extensions as malformed."""

    def check_origin(self) -> None:
        if not self.values("Sec-WebSocket-Extensions"):
            raise Refused(400, "no Sec-WebSocket-Extensions")


@fault("subprotocol-needed", "RFC6455-4.2.1-17")
class SubprotocolNeeded(EchoServer):
    """Refuses a request without Sec-WebSocket-Protocol as malformed."""

    def check_origin(self) -> None:
        if not self.values("Sec-WebSocket-Protocol"):
            raise Refused(400, "no Sec-WebSocket-Protocol")


@fault("user-agent-needed", "RFC6455-4.2.1-17", "RFC6455-4.2.1-01")
class UserAgentNeeded(EchoServer):
    """Refuses a request without User-Agent as malformed."""

    def check_origin(self) -> None:
        if not self.values("User-Agent"):
            raise Refused(400, "no User-Agent")


@fault("request-in-one-read", "RFC6455-4.2.2-01", "RFC6455-4.2.2-16")
class RequestInOneRead(EchoServer):
    """Refuses a request that does not arrive at once."""

    def read_head(self) -> bytes:
        self.buffer += self.receive_some()
        if b"\r\n\r\n" not in self.buffer:
            raise Refused(400, "an incomplete request")
        return super().read_head()


@fault("request-end-across-reads", "RFC6455-4.2.2-01", "RFC6455-4.2.2-16")
class RequestEndAcrossReads(EchoServer):
    """Looks for the end of the request in each read alone, and never finds it if it is cut."""

    def read_head(self) -> bytes:
        latest = b""
        while b"\r\n\r\n" not in latest:
            latest = self.receive_some()
            self.buffer += latest
        return super().read_head()


@fault("unknown-extension-refused", "RFC6455-9.1-11")
class UnknownExtensionRefused(EchoServer):
    """Refuses a request that offers an extension it does not know."""

    def choose_extension(self, offers: Sequence[Extension]) -> Deflate | None:
        if any(offer.name != "permessage-deflate" for offer in offers):
            raise Refused(400, "an unknown extension")
        return super().choose_extension(offers)


@fault("key-alphabet", "RFC6455-4.2.1-01", "RFC6455-4.2.1-10")
class KeyAlphabet(EchoServer):
    """Refuses good keys with a slash or a plus in them, which it does not take for base64."""

    def check_key_text(self, key: str) -> None:
        super().check_key_text(key)
        if "/" in key or "+" in key:
            raise Refused(400, "the key is not base64")


# ---- version negotiation


@fault("refusal-without-version", "RFC6455-4.2.2-07", "RFC6455-11.3.5-04", "RFC6455-4.4-01")
class RefusalWithoutVersion(EchoServer):
    """Refuses other versions, but does not say which it knows."""

    def version_fields(self) -> Fields:
        return []


@fault("refusal-lists-others", "RFC6455-4.2.2-07", "RFC6455-4.4-01")
class RefusalListsOthers(EchoServer):
    """Says that it knows version 8, but not that it knows 13."""

    def version_fields(self) -> Fields:
        return [("Sec-WebSocket-Version", "8")]


@fault("refusal-repeats-version", "RFC6455-4.2.2-07", "RFC6455-4.4-01")
class RefusalRepeatsVersion(EchoServer):
    """Answers a version that it does not know with that version."""

    def version_fields(self) -> Fields:
        return [("Sec-WebSocket-Version", value) for value in self.values("Sec-WebSocket-Version")]


@fault("refusal-lists-too-much", "RFC6455-4.4-01")
class RefusalListsTooMuch(EchoServer):
    """Lists versions 8 and 7, which it refuses all the same."""

    def version_fields(self) -> Fields:
        return [("Sec-WebSocket-Version", "13, 8, 7")]


@fault("refusal-version-name", "RFC6455-4.3-07", "RFC6455-4.2.2-07")
class RefusalVersionName(EchoServer):
    """Lists its versions as ``13, RFC6455``."""

    def version_fields(self) -> Fields:
        return [("Sec-WebSocket-Version", "13, RFC6455")]


@fault("refusal-semicolon", "RFC6455-4.3-07", "RFC6455-4.2.2-07")
class RefusalSemicolon(EchoServer):
    """Separates versions by a semicolon."""

    def version_fields(self) -> Fields:
        return [("Sec-WebSocket-Version", "13; 8")]


@fault("refusal-version-leading-zero", "RFC6455-4.3-07")
class RefusalVersionLeadingZero(EchoServer):
    """Lists version 013."""

    def version_fields(self) -> Fields:
        return [("Sec-WebSocket-Version", "13, 013")]


@fault("refusal-version-too-large", "RFC6455-4.3-07")
class RefusalVersionTooLarge(EchoServer):
    """Lists version 1300, and 13."""

    def version_fields(self) -> Fields:
        return [("Sec-WebSocket-Version", "13, 1300")]


@fault("refusal-empty-version", "RFC6455-4.3-07", "RFC6455-4.2.2-07", "RFC6455-4.4-01")
class RefusalEmptyVersion(EchoServer):
    """Sends an empty version header in refusals."""

    def version_fields(self) -> Fields:
        return [("Sec-WebSocket-Version", "")]


@fault("version-refused-with-200", "RFC6455-4.2.2-07")
class VersionRefusedWith200(EchoServer):
    """Answers an unsupported version with a page and status 200."""

    def check_version(self) -> None:
        try:
            super().check_version()
        except Refused as refusal:
            refusal.status = 200
            raise


@fault("version-refused-by-closing", "RFC6455-4.2.2-07", "RFC6455-10.7-04", level="SHOULD")
class VersionRefusedByClosing(EchoServer):
    """Closes TCP without an answer if it does not know the version."""

    def check_version(self) -> None:
        try:
            super().check_version()
        except Refused:
            raise Finished from None


# ---- refusals


@fault("refused-by-closing", "RFC6455-10.7-04", level="SHOULD")
class RefusedByClosing(EchoServer):
    """Closes TCP without an HTTP status where it does not like the request."""

    def refuse(self, refusal: Refused) -> None:
        if ("Sec-WebSocket-Version", "13") in refusal.fields:
            super().refuse(refusal)


@fault("refused-by-101", "RFC6455-4.2.1-01", "RFC6455-4.2.2-06")
class RefusedBy101(EchoServer):
    """Accepts bad requests, to send a Close with 1002 at once."""

    def refuse(self, refusal: Refused) -> None:
        self.key = next(iter(self.values("Sec-WebSocket-Key")), "")
        self.respond()
        self.send_close(b"\x03\xea")


@fault("refused-by-101-and-fin", "RFC6455-4.2.1-01", "RFC6455-4.2.2-06")
class RefusedBy101AndFin(EchoServer):
    """Accepts bad requests, to close TCP at once."""

    def refuse(self, refusal: Refused) -> None:
        self.key = next(iter(self.values("Sec-WebSocket-Key")), "")
        self.respond()


@fault("frame-after-refusal", "RFC6455-7.2.2-01", "RFC6455-4.2.2-23")
class FrameAfterRefusal(EchoServer):
    """Sends a Close behind its HTTP error."""

    def refuse(self, refusal: Refused) -> None:
        super().refuse(refusal)
        self.send_close(b"\x03\xea")


@fault("frame-instead-of-refusal", "RFC6455-7.2.2-01", "RFC6455-4.2.2-23")
class FrameInsteadOfRefusal(EchoServer):
    """Answers a bad request with a Close frame and no HTTP."""

    def refuse(self, refusal: Refused) -> None:
        self.send_close(b"\x03\xea")


@fault("open-after-refusal", "RFC6455-7.2.2-01", "RFC6455-4.2.1-01")
class OpenAfterRefusal(EchoServer):
    """Sends an HTTP error, and serves the connection all the same."""

    def refuse(self, refusal: Refused) -> None:
        super().refuse(refusal)
        self.receive_frames()


@fault("refused-with-200", "RFC6455-4.2.1-01", "RFC6455-10.7-04", level="SHOULD")
class RefusedWith200(EchoServer):
    """Answers malformed requests with status 200, unless the version is to blame."""

    def refuse(self, refusal: Refused) -> None:
        if ("Sec-WebSocket-Version", "13") not in refusal.fields:
            refusal.status = 200
        super().refuse(refusal)


@fault("bad-request-unanswered", "RFC6455-4.2.1-01")
class BadRequestUnanswered(EchoServer):
    """Neither answers a bad request nor closes TCP."""

    def refuse(self, refusal: Refused) -> None:
        self.hang()


# ---- the response: Sec-WebSocket-Accept


@fault("accept-missing", "RFC6455-4.2.2-19")
class AcceptMissing(EchoServer):
    """Sends no Sec-WebSocket-Accept."""

    def accept_fields(self) -> Fields:
        return []


@fault("accept-empty", "RFC6455-4.2.2-19", "RFC6455-4.3-05")
class AcceptEmpty(EchoServer):
    """Sends an empty Sec-WebSocket-Accept."""

    def accept_value(self, key: str) -> str:
        return ""


@fault("accept-constant", "RFC6455-4.2.2-19")
class AcceptConstant(EchoServer):
    """Sends the RFC's sample of Sec-WebSocket-Accept, whatever the key."""

    def accept_value(self, key: str) -> str:
        return "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@fault("accept-of-first-connection", "RFC6455-4.2.2-19")
class AcceptOfFirstConnection(EchoServer):
    """Computes Sec-WebSocket-Accept once, and sends every other client the same."""

    def __init__(self) -> None:
        self.cache: list[str] = []

    def accept_value(self, key: str) -> str:
        self.cache.append(super().accept_value(key))
        return self.cache[0]


@fault("accept-is-key", "RFC6455-4.2.2-19")
class AcceptIsKey(EchoServer):
    """Sends the key back as Sec-WebSocket-Accept."""

    def accept_value(self, key: str) -> str:
        return key


@fault("accept-without-guid", "RFC6455-4.2.2-19")
class AcceptWithoutGuid(EchoServer):
    """Forgets the GUID: Sec-WebSocket-Accept looks right but is not."""

    def accept_value(self, key: str) -> str:
        return base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()


@fault("accept-decoded-key", "RFC6455-4.2.2-19")
class AcceptDecodedKey(EchoServer):
    """Hashes the 16 bytes that the key stands for instead of its text."""

    def accept_value(self, key: str) -> str:
        digest = hashlib.sha1(base64.b64decode(key) + GUID.encode()).digest()
        return base64.b64encode(digest).decode()


@fault("accept-normalised-key", "RFC6455-4.2.2-19")
class AcceptNormalisedKey(EchoServer):
    """Decodes and encodes the key before it hashes it, which clears its unused bits."""

    def accept_value(self, key: str) -> str:
        return super().accept_value(base64.b64encode(base64.b64decode(key)).decode())


@fault("accept-key-without-padding", "RFC6455-4.2.2-19")
class AcceptKeyWithoutPadding(EchoServer):
    """Hashes the key without its padding."""

    def accept_value(self, key: str) -> str:
        return super().accept_value(key.rstrip("="))


@fault("accept-lower-case-key", "RFC6455-4.2.2-19")
class AcceptLowerCaseKey(EchoServer):
    """Hashes the key in lower case."""

    def accept_value(self, key: str) -> str:
        return super().accept_value(key.lower())


@fault("accept-lower-case-guid", "RFC6455-4.2.2-19")
class AcceptLowerCaseGuid(EchoServer):
    """Hashes the GUID in lower case."""

    def accept_value(self, key: str) -> str:
        return base64.b64encode(hashlib.sha1((key + GUID.lower()).encode()).digest()).decode()


@fault("accept-wrong-guid", "RFC6455-4.2.2-19")
class AcceptWrongGuid(EchoServer):
    """Hashes a GUID with a digit changed."""

    def accept_value(self, key: str) -> str:
        guid = GUID.replace("258E", "258F")
        return base64.b64encode(hashlib.sha1((key + guid).encode()).digest()).decode()


@fault("accept-guid-first", "RFC6455-4.2.2-19")
class AcceptGuidFirst(EchoServer):
    """Hashes the GUID before the key."""

    def accept_value(self, key: str) -> str:
        return base64.b64encode(hashlib.sha1((GUID + key).encode()).digest()).decode()


@fault("accept-without-padding", "RFC6455-4.2.2-19", "RFC6455-4.3-05")
class AcceptWithoutPadding(EchoServer):
    """Leaves the padding of Sec-WebSocket-Accept out."""

    def accept_value(self, key: str) -> str:
        return super().accept_value(key).rstrip("=")


@fault("accept-url-safe", "RFC6455-4.2.2-19", "RFC6455-4.3-05")
class AcceptUrlSafe(EchoServer):
    """Uses the alphabet of base64 that is for URLs."""

    def accept_value(self, key: str) -> str:
        return super().accept_value(key).translate(str.maketrans("+/", "-_"))


@fault("accept-percent-encoded", "RFC6455-4.2.2-19", "RFC6455-4.3-05")
class AcceptPercentEncoded(EchoServer):
    """Writes a plus in Sec-WebSocket-Accept as %2B."""

    def accept_value(self, key: str) -> str:
        return super().accept_value(key).replace("+", "%2B")


@fault("accept-hexadecimal", "RFC6455-4.2.2-19", "RFC6455-4.3-05")
class AcceptHexadecimal(EchoServer):
    """Sends the digest in hexadecimal."""

    def accept_value(self, key: str) -> str:
        return base64.b64decode(super().accept_value(key)).hex()


@fault("accept-base64-of-hexadecimal", "RFC6455-4.2.2-19", "RFC6455-4.3-05")
class AcceptBase64OfHexadecimal(EchoServer):
    """Encodes the hexadecimal digest instead of its bytes."""

    def accept_value(self, key: str) -> str:
        digest = base64.b64decode(super().accept_value(key))
        return base64.b64encode(digest.hex().encode()).decode()


@fault("accept-sha256", "RFC6455-4.2.2-19", "RFC6455-4.3-05")
class AcceptSha256(EchoServer):
    """Uses SHA-256, cut to 20 bytes."""

    def accept_value(self, key: str) -> str:
        return base64.b64encode(hashlib.sha256((key + GUID).encode()).digest()[:20]).decode()


@fault("accept-in-capitals", "RFC6455-4.2.2-19")
class AcceptInCapitals(EchoServer):
    """Changes Sec-WebSocket-Accept to capital letters."""

    def accept_value(self, key: str) -> str:
        return super().accept_value(key).upper()


@fault("accept-quoted", "RFC6455-4.2.2-19", "RFC6455-4.3-05")
class AcceptQuoted(EchoServer):
    """Puts Sec-WebSocket-Accept in quotes."""

    def accept_value(self, key: str) -> str:
        return f'"{super().accept_value(key)}"'


@fault("accept-twice", "RFC6455-11.3.3-01")
class AcceptTwice(EchoServer):
    """Sends Sec-WebSocket-Accept twice, both right."""

    def accept_fields(self) -> Fields:
        return super().accept_fields() * 2


@fault("accept-twice-one-wrong", "RFC6455-11.3.3-01", "RFC6455-4.2.2-19")
class AcceptTwiceOneWrong(EchoServer):
    """Sends a wrong Sec-WebSocket-Accept behind the right one."""

    def accept_fields(self) -> Fields:
        return [*super().accept_fields(), ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]


@fault("accept-list", "RFC6455-4.2.2-19", "RFC6455-4.3-05", "RFC6455-11.3.3-01")
class AcceptList(EchoServer):
    """Sends the right value of Sec-WebSocket-Accept as the first of two in a list."""

    def accept_value(self, key: str) -> str:
        return f"{super().accept_value(key)}, s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@fault("accept-name-misspelt", "RFC6455-4.2.2-19")
class AcceptNameMisspelt(EchoServer):
    """Calls the header Sec-Websocket-Accept-Key."""

    def accept_fields(self) -> Fields:
        return [("Sec-WebSocket-Accept-Key", self.accept_value(self.key))]


# ---- the response: status line, Upgrade, Connection, and how it is written


class StatusLine(EchoServer):
    """Has another status line."""

    line: ClassVar[str]

    def status_line(self) -> str:
        return self.line


@fault("status-200", "RFC6455-4.2.2-16")
class Status200(StatusLine):
    """Accepts with status 200."""

    line = "HTTP/1.1 200 OK"


@fault("status-100", "RFC6455-4.2.2-16")
class Status100(StatusLine):
    """Accepts with status 100."""

    line = "HTTP/1.1 100 Continue"


@fault("status-102", "RFC6455-4.2.2-16")
class Status102(StatusLine):
    """Accepts with status 102."""

    line = "HTTP/1.1 102 Processing"


@fault("status-1010", "RFC6455-4.2.2-16")
class Status1010(StatusLine):
    """Accepts with a status of four digits that begins with 101."""

    line = "HTTP/1.1 1010 Switching Protocols"


@fault("answer-http-1.0", "RFC6455-4.2.2-16")
class AnswerHttp10(StatusLine):
    """Accepts by HTTP/1.0."""

    line = "HTTP/1.0 101 Switching Protocols"


@fault("status-line-without-version", "RFC6455-4.2.2-16")
class StatusLineWithoutVersion(StatusLine):
    """Sends a status line without a version of HTTP."""

    line = "HTTP 101 Switching Protocols"


@fault("status-line-draft", "RFC6455-4.2.2-16")
class StatusLineDraft(StatusLine):
    """Calls the protocol WebSocket/1.1 in its status line."""

    line = "WebSocket/1.1 101 Switching Protocols"


@fault("upgrade-missing", "RFC6455-4.2.2-17")
class UpgradeMissing(EchoServer):
    """Sends no Upgrade."""

    def upgrade_fields(self) -> Fields:
        return []


@fault("upgrade-nonsense", "RFC6455-4.2.2-17", "RFC6455-11.2-01")
class UpgradeNonsense(EchoServer):
    """Sends an Upgrade to nonsense."""

    def upgrade_fields(self) -> Fields:
        return [("Upgrade", "nonsense")]


@fault("upgrade-with-version", "RFC6455-4.2.2-17", "RFC6455-11.2-01")
class UpgradeWithVersion(EchoServer):
    """Sends an Upgrade to websocket/13."""

    def upgrade_fields(self) -> Fields:
        return [("Upgrade", "websocket/13")]


@fault("upgrade-list", "RFC6455-4.2.2-17")
class UpgradeList(EchoServer):
    """Sends an Upgrade to websocket and h2c."""

    def upgrade_fields(self) -> Fields:
        return [("Upgrade", "websocket, h2c")]


@fault("upgrade-empty", "RFC6455-4.2.2-17")
class UpgradeEmpty(EchoServer):
    """Sends an empty Upgrade."""

    def upgrade_fields(self) -> Fields:
        return [("Upgrade", "")]


@fault("connection-missing", "RFC6455-4.2.2-18")
class ConnectionMissing(EchoServer):
    """Sends no Connection."""

    def connection_fields(self) -> Fields:
        return []


@fault("connection-keep-alive", "RFC6455-4.2.2-18")
class ConnectionKeepAlive(EchoServer):
    """Sends Connection: keep-alive instead of Upgrade."""

    def connection_fields(self) -> Fields:
        return [("Connection", "keep-alive")]


@fault("connection-websocket", "RFC6455-4.2.2-18")
class ConnectionWebsocket(EchoServer):
    """Mixes Connection and Upgrade up."""

    def connection_fields(self) -> Fields:
        return [("Connection", "websocket")]


@fault("connection-upgraded", "RFC6455-4.2.2-18")
class ConnectionUpgraded(EchoServer):
    """Sends a Connection that only contains the letters."""

    def connection_fields(self) -> Fields:
        return [("Connection", "upgraded")]


class SpoiltHead(EchoServer):
    """Spoils the bytes of an acceptance."""

    def spoil(self, head: bytes) -> bytes:
        raise NotImplementedError

    def response_head(self) -> bytes:
        return self.spoil(super().response_head())


@fault("bare-lf", "RFC6455-4.2.2-16")
class BareLf(SpoiltHead):
    """Ends the lines of its answer in a bare LF."""

    def spoil(self, head: bytes) -> bytes:
        return head.replace(b"\r\n", b"\n")


@fault("one-bare-lf", "RFC6455-4.2.2-16")
class OneBareLf(SpoiltHead):
    """Ends the status line in a bare LF."""

    def spoil(self, head: bytes) -> bytes:
        return head.replace(b"\r\n", b"\n", 1)


@fault("no-empty-line", "RFC6455-4.2.2-16", "RFC6455-4.2.2-23")
class NoEmptyLine(SpoiltHead):
    """Ends its answer without an empty line."""

    def spoil(self, head: bytes) -> bytes:
        return head[:-2]


@fault("two-empty-lines", "RFC6455-4.2.2-23")
class TwoEmptyLines(SpoiltHead):
    """Ends its answer in two empty lines."""

    def spoil(self, head: bytes) -> bytes:
        return head + b"\r\n"


@fault("empty-line-first", "RFC6455-4.2.2-16", "RFC6455-4.2.2-23")
class EmptyLineFirst(SpoiltHead):
    """Begins its answer with an empty line."""

    def spoil(self, head: bytes) -> bytes:
        return b"\r\n" + head


@fault("banner", "RFC6455-4.2.2-16", "RFC6455-4.2.2-23")
class Banner(SpoiltHead):
    """Greets the client before its status line."""

    def spoil(self, head: bytes) -> bytes:
        return b"welcome\r\n" + head


@fault("body-in-101", "RFC6455-4.2.2-23", "RFC6455-4.2.2-16")
class BodyIn101(SpoiltHead):
    """Sends a body with its 101, and says how long it is."""

    def spoil(self, head: bytes) -> bytes:
        return head[:-2] + b"Content-Length: 8\r\n\r\nswitched"


@fault("nul-behind-101", "RFC6455-4.2.2-23")
class NulBehind101(SpoiltHead):
    """Sends the NUL that ends its string, too."""

    def spoil(self, head: bytes) -> bytes:
        return head + b"\0"


@fault("frame-before-101", "RFC6455-4.2.2-23", "RFC6455-4.2.2-01")
class FrameBefore101(SpoiltHead):
    """Sends a Ping before its 101."""

    def spoil(self, head: bytes) -> bytes:
        return b"\x89\x00" + head


@fault("space-before-colon-in-answer", "RFC6455-4.2.2-16")
class SpaceBeforeColonInAnswer(SpoiltHead):
    """Writes a space before the colons of its headers."""

    def spoil(self, head: bytes) -> bytes:
        return head.replace(b": ", b" : ")


@fault("header-line-without-colon-in-answer", "RFC6455-4.2.2-16")
class LineWithoutColonInAnswer(SpoiltHead):
    """Has a line among its headers that is none."""

    def spoil(self, head: bytes) -> bytes:
        return head[:-2] + b"websocket ready\r\n\r\n"


@fault("folded-header-in-answer", "RFC6455-4.2.2-16")
class FoldedHeaderInAnswer(SpoiltHead):
    """Continues a header on the next line."""

    def spoil(self, head: bytes) -> bytes:
        return head[:-2] + b"X-Server: faulty\r\n and folded\r\n\r\n"


@fault("head-in-wrong-order", "RFC6455-4.2.2-16")
class StatusLineLast(SpoiltHead):
    """Sends its headers before the status line."""

    def spoil(self, head: bytes) -> bytes:
        first, _, rest = head.partition(b"\r\n")
        return rest[:-2] + first + b"\r\n\r\n"


@fault("101-awaits-frame", "RFC6455-4.2.2-01", "RFC6455-4.2.2-16")
class AwaitsFrame(EchoServer):
    """Holds its 101 back until the client has sent more than the request."""

    def respond(self) -> None:
        if not self.buffer:
            self.buffer += self.receive_some()
        super().respond()


@fault("refused-by-101-and-silence", "RFC6455-4.2.1-01", "RFC6455-4.2.2-06")
class RefusedBy101AndSilence(EchoServer):
    """Accepts bad requests, to ignore everything that follows."""

    def refuse(self, refusal: Refused) -> None:
        self.key = next(iter(self.values("Sec-WebSocket-Key")), "")
        self.respond()
        self.hang()


# ---- the response: subprotocols


class Subprotocols(EchoServer):
    """Answers with the values that `answers` gives."""

    def answers(self, offers: Sequence[str]) -> list[str]:
        raise NotImplementedError

    def subprotocol_fields(self) -> Fields:
        offers = self.offered_subprotocols()
        return [("Sec-WebSocket-Protocol", answer) for answer in self.answers(offers)]


@fault("subprotocol-unasked", "RFC6455-4.2.2-10", "RFC6455-4.2.2-09")
class SubprotocolUnasked(Subprotocols):
    """Names a subprotocol though the client offers none."""

    def answers(self, offers: Sequence[str]) -> list[str]:
        return [self.subprotocol or "chat"] if self.subprotocol or not offers else []


@fault("subprotocol-not-offered", "RFC6455-4.2.2-09", "RFC6455-4.2.2-10")
class SubprotocolNotOffered(Subprotocols):
    """Names its own subprotocol if it knows none of those offered."""

    def answers(self, offers: Sequence[str]) -> list[str]:
        return [self.subprotocol or "chat"] if offers else []


@fault("subprotocol-constant", "RFC6455-4.2.2-09")
class SubprotocolConstant(Subprotocols):
    """Names another of its subprotocols than the one that was offered."""

    def answers(self, offers: Sequence[str]) -> list[str]:
        return ["superchat"] if self.subprotocol else []


@fault("subprotocol-empty", "RFC6455-4.2.2-11", "RFC6455-4.2.2-10")
class SubprotocolEmpty(Subprotocols):
    """Sends an empty Sec-WebSocket-Protocol if it knows none of those offered."""

    def answers(self, offers: Sequence[str]) -> list[str]:
        return [self.subprotocol or ""] if offers else []


@fault("subprotocol-always-sent", "RFC6455-4.2.2-11", "RFC6455-4.2.2-10")
class SubprotocolAlwaysSent(Subprotocols):
    """Sends an empty Sec-WebSocket-Protocol even if none is offered."""

    def answers(self, offers: Sequence[str]) -> list[str]:
        return [self.subprotocol or ""]


@fault("subprotocol-null", "RFC6455-4.2.2-10", "RFC6455-4.2.2-09")
class SubprotocolNull(Subprotocols):
    """Says null where it has no subprotocol."""

    def answers(self, offers: Sequence[str]) -> list[str]:
        return [self.subprotocol or "null"] if offers else []


@fault("subprotocol-list", "RFC6455-4.2.2-12", "RFC6455-4.2.2-09")
class SubprotocolList(Subprotocols):
    """Sends the list of all subprotocols that both know."""

    def answers(self, offers: Sequence[str]) -> list[str]:
        known = [offer for offer in offers if offer in self.subprotocols]
        return [", ".join(known)] if known else []


@fault("subprotocol-offer-repeated", "RFC6455-4.2.2-12", "RFC6455-4.2.2-09")
class SubprotocolOfferRepeated(EchoServer):
    """Sends the client's header back as it is."""

    def subprotocol_fields(self) -> Fields:
        return [
            ("Sec-WebSocket-Protocol", value) for value in self.values("Sec-WebSocket-Protocol")
        ]


@fault("subprotocol-twice", "RFC6455-11.3.4-03", "RFC6455-4.2.2-12")
class SubprotocolTwice(Subprotocols):
    """Sends Sec-WebSocket-Protocol twice."""

    def answers(self, offers: Sequence[str]) -> list[str]:
        return [self.subprotocol] * 2 if self.subprotocol else []


@fault("subprotocol-headers", "RFC6455-11.3.4-03", "RFC6455-4.2.2-12")
class SubprotocolHeaders(Subprotocols):
    """Sends a Sec-WebSocket-Protocol for each subprotocol that both know."""

    def answers(self, offers: Sequence[str]) -> list[str]:
        return [offer for offer in offers if offer in self.subprotocols]


@fault("subprotocol-in-capitals", "RFC6455-4.2.2-09")
class SubprotocolInCapitals(Subprotocols):
    """Names the subprotocol in capital letters."""

    def answers(self, offers: Sequence[str]) -> list[str]:
        return [self.subprotocol.upper()] if self.subprotocol else []


@fault("subprotocol-own-case", "RFC6455-4.2.2-09")
class SubprotocolOwnCase(Subprotocols):
    """Compares subprotocols in any case, and answers in its own."""

    def answers(self, offers: Sequence[str]) -> list[str]:
        return [offer.lower() for offer in offers if offer.lower() in self.subprotocols][:1]


@fault("subprotocol-by-substring", "RFC6455-4.2.2-09")
class SubprotocolBySubstring(Subprotocols):
    """Finds chat in any offer that has these letters in it."""

    def answers(self, offers: Sequence[str]) -> list[str]:
        return ["chat"] if any("chat" in offer for offer in offers) else []


@fault("subprotocol-first-line", "RFC6455-11.3.4-02")
class SubprotocolFirstLine(EchoServer):
    """Looks at the first Sec-WebSocket-Protocol line only."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        return values[:1] if name == "Sec-WebSocket-Protocol" else values


@fault("subprotocol-last-line", "RFC6455-11.3.4-02")
class SubprotocolLastLine(EchoServer):
    """Looks at the last Sec-WebSocket-Protocol line only."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        return values[-1:] if name == "Sec-WebSocket-Protocol" else values


@fault("subprotocol-split-at-comma-and-space", "RFC6455-4.2.2-12", "RFC6455-4.2.2-09")
class SubprotocolSplitAtCommaAndSpace(EchoServer):
    """Accepts whatever the first line offers, split at a comma and a space only."""

    def subprotocol_fields(self) -> Fields:
        values = self.values("Sec-WebSocket-Protocol")
        return [("Sec-WebSocket-Protocol", values[0].split(", ")[0])] if values else []


@fault("subprotocol-malformed", "RFC6455-4.3-06", "RFC6455-4.2.2-12")
class SubprotocolMalformed(EchoServer):
    """Speaks whatever is offered, even if it is no token."""

    def offered_subprotocols(self) -> tuple[str, ...]:
        offered = ",".join(self.values("Sec-WebSocket-Protocol")).split(",")
        return tuple(element.strip() for element in offered if element.strip())

    def choose_subprotocol(self, offers: Sequence[str]) -> str | None:
        return offers[0] if offers else None


# ---- the response: extensions


@fault("extension-unasked", "RFC6455-4.2.2-14", "RFC6455-9-03", "RFC6455-4.2.2-13")
class ExtensionUnasked(EchoServer):
    """Names permessage-deflate though the client does not offer it."""

    def extension_fields(self) -> Fields:
        return super().extension_fields() or [("Sec-WebSocket-Extensions", "permessage-deflate")]


@fault("extension-not-offered", "RFC6455-4.2.2-13", "RFC6455-4.2.2-14", "RFC6455-9-03")
class ExtensionNotOffered(EchoServer):
    """Names an extension of its own if the client offers any at all."""

    def extension_fields(self) -> Fields:
        own = ("Sec-WebSocket-Extensions", "x-own")
        offered = self.values("Sec-WebSocket-Extensions")
        return [*super().extension_fields(), own] if offered else []


@fault("extension-webkit", "RFC6455-4.2.2-13", "RFC6455-4.2.2-14", "RFC6455-9-03")
class ExtensionWebkit(EchoServer):
    """Answers an offer of permessage-deflate by the name of its forerunner."""

    def extension_fields(self) -> Fields:
        if not super().extension_fields():
            return []
        return [("Sec-WebSocket-Extensions", "x-webkit-deflate-frame")]


@fault("extension-empty", "RFC6455-4.2.2-15")
class ExtensionEmpty(EchoServer):
    """Sends an empty Sec-WebSocket-Extensions if it accepts none of those offered."""

    def extension_fields(self) -> Fields:
        if not self.values("Sec-WebSocket-Extensions"):
            return []
        return super().extension_fields() or [("Sec-WebSocket-Extensions", "")]


@fault("extension-always-sent", "RFC6455-4.2.2-15")
class ExtensionAlwaysSent(EchoServer):
    """Sends an empty Sec-WebSocket-Extensions even if none is offered."""

    def extension_fields(self) -> Fields:
        return super().extension_fields() or [("Sec-WebSocket-Extensions", "")]


@fault("unknown-extension-accepted", "RFC6455-4.2.2-13", "RFC6455-9.1-11", "RFC6455-9-04")
class UnknownExtensionAccepted(EchoServer):
    """Sends the client's offers back as they are, known or not, and uses none."""

    compression = False

    def extension_fields(self) -> Fields:
        values = self.values("Sec-WebSocket-Extensions")
        return [("Sec-WebSocket-Extensions", value) for value in values]


@fault("extensions-first-line", "RFC6455-9.1-04")
class ExtensionsFirstLine(EchoServer):
    """Looks at the first Sec-WebSocket-Extensions line only."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        return values[:1] if name == "Sec-WebSocket-Extensions" else values


@fault("extensions-last-line", "RFC6455-9.1-04")
class ExtensionsLastLine(EchoServer):
    """Looks at the last Sec-WebSocket-Extensions line only."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        return values[-1:] if name == "Sec-WebSocket-Extensions" else values


@fault("malformed-extensions-agreed", "RFC6455-9.1-01", "RFC6455-4.3-02")
class MalformedExtensionsAgreed(EchoServer):
    """Agrees on permessage-deflate wherever it reads that name, however malformed the rest."""

    def offered_extensions(self) -> tuple[Extension, ...]:
        try:
            return super().offered_extensions()
        except Refused:
            values = ",".join(self.values("Sec-WebSocket-Extensions"))
            return (Extension("permessage-deflate"),) if "permessage-deflate" in values else ()


@fault("malformed-extensions-ignored", "RFC6455-9.1-01", "RFC6455-4.3-02", level="SHOULD")
class MalformedExtensionsIgnored(EchoServer):
    """Ignores extensions that break the grammar, instead of refusing the request."""

    def offered_extensions(self) -> tuple[Extension, ...]:
        try:
            return super().offered_extensions()
        except Refused:
            return ()


@fault("quoted-value-not-a-token", "RFC6455-4.3-01", "RFC6455-9.1-02", "RFC6455-9.1-01")
class QuotedValueNotAToken(EchoServer):
    """Takes ``client_max_window_bits="1 5"`` for 15."""

    def values(self, name: str) -> list[str]:
        values = super().values(name)
        if name != "Sec-WebSocket-Extensions":
            return values
        return [re.sub(r'"[^"]*"', self.without_spaces, value) for value in values]

    def without_spaces(self, match: re.Match[str]) -> str:
        return match[0].replace(" ", "")


@fault("quoted-value-refused", "RFC6455-9.1-02", "RFC7692-7-12")
class QuotedValueRefused(EchoServer):
    """Declines an extension with a quoted value."""

    def choose_extension(self, offers: Sequence[Extension]) -> Deflate | None:
        if any('"' in value for value in self.values("Sec-WebSocket-Extensions")):
            return None
        return super().choose_extension(offers)


@fault("extension-trailing-semicolon", "RFC6455-9.1-01", "RFC6455-4.3-02", "RFC6455-4.2.2-13")
class ExtensionTrailingSemicolon(EchoServer):
    """Ends its Sec-WebSocket-Extensions in a semicolon."""

    def extension_fields(self) -> Fields:
        return [(name, f"{value};") for name, value in super().extension_fields()]


# ---- after the handshake


@fault("101-twice", "RFC6455-4.2.2-23", "RFC6455-6.1-03")
class SwitchingTwice(EchoServer):
    """Sends its 101 again with the first frame that arrives."""

    repeated = False

    def read_header(self) -> Header:
        header = super().read_header()
        if not self.repeated:
            self.repeated = True
            self.respond()
        return header
