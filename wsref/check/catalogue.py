"""Cases: what is said to a server, and how its answer is judged.

The cases themselves are in :mod:`.cases`, a module for each part of the RFCs.  A case's id is the
section it is about and a name, such as ``5.1/unmasked-text-frame``; sections of RFC 7692
have ``7692:`` before them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from ..requirements import Requirement, requirement
from .sections import section_key

if TYPE_CHECKING:
    from .conversation import Step
    from .record import Record
    from .verdicts import Finding

__all__ = ["Case", "Facts", "Judge", "Need", "case", "catalogue"]


class Facts(NamedTuple):
    """What the controls have found out about the server.

    Attributes:
        echoes: whether it sends every message back.
        deflates: whether it agrees on permessage-deflate.
        unasked: how many messages it sends by itself at the beginning.
        subprotocol: the one it chose of those the user offers, or else of well-known ones; None
            if it chose none.
        pongs: whether it answers a Ping by a Pong with the same payload; else a text message that
            it echoes has to prove that a connection is alive.
        echo_time: what a message and its echo took, in seconds; 0 if it does not echo.
        round_trip: what a Ping and its Pong took, in seconds.
        is_secure: whether it is reached by TLS.
        takes_binary: whether it bears binary messages; a service may be for text only.
        failure_code: the status code of the Close by which it fails a connection, 0 if it has
            none; None if it sends no Close then.
        parallel: whether it serves several connections at the same time, not one after another.
        broadcasts: whether what is said over one connection comes over others, too.
    """

    echoes: bool = False
    deflates: bool = False
    pongs: bool = True
    unasked: int = 0
    subprotocol: str | None = None
    round_trip: float = 0.0
    is_secure: bool = False
    echo_time: float = 0.0
    takes_binary: bool = True
    failure_code: int | None = 1002
    parallel: bool = True
    broadcasts: bool = False


#: What a case needs of a server to be of use.
Need: TypeAlias = Literal["echo", "quick", "deflate", "tls", "subprotocol"]

#: Looks at the record of a conversation and returns what is wrong.
Judge: TypeAlias = Callable[["Record", Facts], "Iterable[Finding]"]


class Case(NamedTuple):
    """One case.

    Attributes:
        id: section and name.
        requirements: the ids of the requirements it is about, the first above all.
        title: what is done and what is wanted, in one sentence.
        steps: the conversation.
        judge: looks at its record.
        needs: what the server must be able to do; else the case is skipped.
        opens: whether the conversation is of use only if the opening handshake succeeds, which
            is then not what the case is about.
        plain: whether to connect without TLS, whatever the address says.
        stress: whether it is one of those that are only run when asked for.
        watches: whether it stands for what no server may ever do: it then gets the findings of
            the oracle about its requirements, in whichever conversation they were made.
    """

    id: str
    requirements: tuple[str, ...]
    title: str
    steps: tuple[Step, ...]
    judge: Judge
    needs: frozenset[Need] = frozenset()
    opens: bool = True
    plain: bool = False
    stress: bool = False
    watches: bool = False

    @property
    def section(self) -> str:
        """The section it is listed under, such as ``5.1`` or ``7692:7.2``."""
        return self.id.partition("/")[0]

    @property
    def clauses(self) -> tuple[Requirement, ...]:
        """The requirements it is about."""
        return tuple(requirement(name) for name in self.requirements)


def case(
    case_id: str,
    requirements: str | tuple[str, ...],
    title: str,
    steps: Iterable[Step],
    judge: Judge,
    *,
    needs: Iterable[Need] = (),
    opens: bool = True,
    plain: bool = False,
    stress: bool = False,
    watches: bool = False,
) -> Case:
    """Return a case; see :class:`Case`.

    Raises:
        ValueError: a requirement is not in the catalogue of requirements.
    """
    names = (requirements,) if isinstance(requirements, str) else requirements
    for name in names:
        requirement(name)
    return Case(
        case_id, names, title, tuple(steps), judge, frozenset(needs), opens, plain, stress, watches
    )


@cache
def catalogue() -> tuple[Case, ...]:
    """Return all cases, in the order in which they are run.

    Raises:
        ValueError: two cases have the same id.
    """
    from .cases import ALL  # here since the cases are made with what this module defines

    seen: set[str] = set()
    for one in ALL:
        if one.id in seen:
            raise ValueError(f"there are two cases {one.id}")
        seen.add(one.id)
    return tuple(sorted(ALL, key=lambda one: section_key(one.section)))
