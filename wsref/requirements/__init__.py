"""Every requirement of RFC 6455 and RFC 7692 that we know, one entry each, in our words.

The catalogue is ``requirements.toml`` beside this file.  Tests name its entries
(``@pytest.mark.rfc("RFC6455-5.4-03")``), violations carry them, and the checker of
servers cites them.  RFC 7936 and RFC 8307 have a few entries of their own; those of RFC 8441
and RFC 9220 are about WebSockets over HTTP/2 and HTTP/3, which wsref does not speak.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Level", "Observable", "Requirement", "Role", "requirement", "requirements"]

Level: TypeAlias = Literal["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY"]
Role: TypeAlias = Literal["client", "server", "both"]
Observable: TypeAlias = Literal["peer", "local", "none"]


class Requirement(NamedTuple):
    """One thing that an RFC requires, advises or permits.

    Attributes:
        id: such as ``RFC6455-5.4-03``; never reused.
        rfc: the number of the RFC, such as 6455.
        section: such as ``5.4``.
        level: the keyword.  REQUIRED and SHALL are MUST, RECOMMENDED is SHOULD, OPTIONAL is MAY.
        role: who has to obey.
        topic: such as ``framing``.
        summary: what is required, in our words.
        observable: ``peer`` if a violation can show on the wire, ``local`` if only the
            endpoint itself can tell, ``none`` if it is nothing that code can test.
        check: how a violation by a server is provoked and noticed; empty if it cannot be.
        close_code: the status code that the text names or implies for the event.
    """

    id: str
    rfc: int
    section: str
    level: Level
    role: Role
    topic: str
    summary: str
    observable: Observable
    check: str
    close_code: int | None

    @property
    def clause(self) -> str:
        """Where it stands, such as ``RFC 6455 §5.4``."""
        return f"RFC {self.rfc} §{self.section}"

    @property
    def url(self) -> str:
        """Where the section can be read."""
        return f"https://www.rfc-editor.org/rfc/rfc{self.rfc}#section-{self.section}"

    @property
    def is_absolute(self) -> bool:
        """Whether it is a MUST or a MUST NOT."""
        return self.level.startswith("MUST")

    @property
    def binds_servers(self) -> bool:
        """Whether a server has to obey."""
        return self.role != "client"


@cache
def requirements() -> Mapping[str, Requirement]:
    """Return the catalogue: the requirements by their ids, in the order of the RFCs."""
    text = files(__name__).joinpath("requirements.toml").read_text(encoding="utf-8")
    entries = cast("list[dict[str, str | int]]", tomllib.loads(text)["requirement"])
    return MappingProxyType({str(entry["id"]): _requirement(entry) for entry in entries})


def requirement(requirement_id: str) -> Requirement:
    """Return one requirement.

    Raises:
        ValueError: there is none of that id.
    """
    try:
        return requirements()[requirement_id]
    except KeyError:
        raise ValueError(f"{requirement_id!r} is not the id of a requirement") from None


def _requirement(entry: dict[str, str | int]) -> Requirement:
    def text(name: str) -> str:
        return str(entry[name])

    code = entry.get("close_code")
    return Requirement(
        text("id"),
        int(text("id").partition("-")[0].removeprefix("RFC")),
        text("section"),
        cast("Level", text("level")),
        cast("Role", text("role")),
        text("topic"),
        text("summary"),
        cast("Observable", text("observable")),
        text("check"),
        None if code is None else int(code),
    )
