"""wsref talks to ``websockets`` and to ``wsproto`` through queues, as client and as server.

Everything that both may do: messages in fragments, compressed with every kind of context, Pings,
a close from either side, at any moment, with the bytes cut up in any way.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec_tests.differential.endpoints import PEERS
from spec_tests.differential.queues import Line, make_peer, make_wsref
from wsref.protocol.deflate import DeflateParameters
from wsref.testing import Role, deflate_parameters, texts

ROLES: Final[tuple[Role, ...]] = ("server", "client")

reads: Final = st.one_of(st.just([1]), st.lists(st.integers(1, 60), min_size=1, max_size=3))
#: Long and repetitive enough that there is something to refer to.
contents: Final = st.one_of(
    texts(),
    st.binary(max_size=30).map(bytes),
    st.sampled_from(["Hello, world! " * 30, b"\0" * 700, "\u20ac" * 50, bytes(range(256)) * 3]),
)


class Say(NamedTuple):
    """One side sends a message, in fragments that end at these places."""

    ours: bool
    content: str | bytes
    edges: tuple[int, ...]

    @property
    def fragments(self) -> list[str | bytes]:
        """The fragments."""
        starts, stops = (0, *self.edges), (*self.edges, len(self.content))
        return [self.content[start:stop] for start, stop in zip(starts, stops, strict=True)]


class Ping(NamedTuple):
    """One side sends a Ping."""

    ours: bool
    payload: bytes


class Deliver(NamedTuple):
    """Some bytes get through to one side."""

    to: Literal["ours", "theirs"]
    size: int


Action: TypeAlias = Say | Ping | Deliver

actions: Final = st.lists(
    st.one_of(
        st.builds(
            Say, st.booleans(), contents, st.lists(st.integers(0, 40), max_size=3).map(sorted)
        ).map(lambda say: say._replace(edges=tuple(min(e, len(say.content)) for e in say.edges))),
        st.builds(Ping, st.booleans(), st.binary(max_size=125)),
        st.builds(Deliver, st.sampled_from(["ours", "theirs"]), st.integers(1, 200)),
    ),
    max_size=8,
)
compression: Final = st.one_of(st.none(), deflate_parameters())


def joined(peer: str, role: Role, deflate: DeflateParameters | None) -> Line:
    """Join wsref in a role to a peer in the other; check that the handshake agreed as it should."""
    other: Role = "client" if role == "server" else "server"
    if deflate is not None:  # zlib, which the peers use, has no windows of 8 bits
        deflate = deflate._replace(
            server_max_window_bits=max(9, deflate.server_max_window_bits),
            client_max_window_bits=max(9, deflate.client_max_window_bits),
        )
    line = Line(make_wsref(role, deflate), make_peer(peer, other, deflate))
    for end in (line.ours, line.theirs):
        assert end.is_open
        assert not end.failure
        assert end.compresses is (deflate is not None)
    return line


class Talk:
    """A line, and what should have come out at its ends."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.to_us: list[str | bytes] = []
        self.to_them: list[str | bytes] = []
        self.pongs_to_us: list[bytes] = []
        self.pongs_to_them: list[bytes] = []

    def act(self, action: Action) -> None:
        """Do one thing, if the side that does it may."""
        line = self.line
        if isinstance(action, Deliver):
            line.deliver_some(action.to, action.size)
            return
        end = line.ours if action.ours else line.theirs
        if not end.is_open:
            return
        if isinstance(action, Ping):
            (self.pongs_to_us if action.ours else self.pongs_to_them).append(action.payload)
            end.ping(action.payload)
        else:
            (self.to_them if action.ours else self.to_us).append(action.content)
            end.send(action.fragments)

    def check(self) -> None:
        """Everything sent has arrived whole, in order, once; every Ping was answered."""
        assert self.line.ours.messages == self.to_us
        assert self.line.theirs.messages == self.to_them
        assert self.line.ours.pongs == self.pongs_to_us
        assert self.line.theirs.pongs == self.pongs_to_them
        self.check_nobody_complains()

    def check_nobody_complains(self) -> None:
        """Neither side thinks that the other broke a rule."""
        assert (self.line.ours.failure, self.line.theirs.failure) == ("", "")


@pytest.mark.rfc("RFC6455-5.4-12", "RFC6455-5.5.2-01")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("peer", PEERS)
@given(compression, actions, reads)
def test_whatever_is_sent_arrives_and_every_ping_is_answered(
    peer: str, role: Role, deflate: DeflateParameters | None, acts: list[Action], sizes: list[int]
) -> None:
    """Property: any messages both ways, in any fragments and any reads, compressed or not."""
    talk = Talk(joined(peer, role, deflate))
    for action in acts:
        talk.act(action)
    talk.line.deliver(sizes)
    talk.check()


@pytest.mark.rfc("RFC6455-5.5.1-10", "RFC6455-7.1.5-02")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("peer", PEERS)
@given(
    compression,
    actions,
    actions,
    st.sampled_from(["ours", "theirs"]),
    st.sampled_from([1000, 1001, 1003, 1011, 3000, 4999]),
    texts(30),
    reads,
)
def test_a_close_from_either_side_is_answered_and_understood(
    peer: str,
    role: Role,
    deflate: DeflateParameters | None,
    before: list[Action],
    after: list[Action],
    closer: Literal["ours", "theirs"],
    code: int,
    reason: str,
    sizes: list[int],
) -> None:
    """Property: at any moment; both ends learn code and reason, and all sent before it arrives."""
    talk = Talk(joined(peer, role, deflate))
    for action in before:
        talk.act(action)
    line = talk.line
    closing, other = (line.ours, line.theirs) if closer == "ours" else (line.theirs, line.ours)
    sent = list(talk.to_them if closer == "ours" else talk.to_us)
    closing.close(code, reason)
    for action in after:
        talk.act(action)
    line.deliver(sizes)
    talk.check_nobody_complains()
    assert other.closed_by == (code, reason)
    # The answer repeats the code; whether it repeats the reason is up to who answers.
    assert closing.closed_by is not None
    assert closing.closed_by[0] == code
    assert other.messages == sent
    assert not closing.is_open
    assert not other.is_open


@pytest.mark.rfc("RFC6455-5.5.1-19")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("peer", PEERS)
@given(compression, actions, reads)
def test_both_sides_may_close_at_once(
    peer: str, role: Role, deflate: DeflateParameters | None, acts: list[Action], sizes: list[int]
) -> None:
    """Property: two Closes that cross are a closing handshake; each end learns the other's code."""
    talk = Talk(joined(peer, role, deflate))
    for action in acts:
        talk.act(action)
    line = talk.line
    line.ours.close(4000, "ours")
    line.theirs.close(4001, "theirs")
    line.deliver(sizes)
    talk.check_nobody_complains()
    assert line.theirs.closed_by == (4000, "ours")
    assert line.ours.closed_by == (4001, "theirs")


@pytest.mark.rfc("RFC7692-7.2.1-09", "RFC7692-7.2.1-11", "RFC7692-7.2.2-06", "RFC7692-7.2.2-08")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("peer", PEERS)
@given(
    st.booleans(),
    st.booleans(),
    st.sampled_from([9, 10, 15]),
    st.sampled_from([9, 10, 15]),
    st.lists(contents, min_size=2, max_size=5),
)
def test_messages_that_refer_to_earlier_ones_arrive_with_every_kind_of_context(
    peer: str,
    role: Role,
    server_forgets: bool,
    client_forgets: bool,
    server_bits: int,
    client_bits: int,
    sent: list[str | bytes],
) -> None:
    """Property: with and without takeover, in each direction, with small and large windows."""
    parameters = DeflateParameters(server_forgets, client_forgets, server_bits, client_bits)
    line = joined(peer, role, parameters)
    for content in sent:
        for end in (line.ours, line.theirs):
            end.send([content])
            end.send([content])
        line.deliver([1 << 16])
    twice = [content for content in sent for _ in range(2)]
    assert line.ours.messages == twice
    assert line.theirs.messages == twice


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("peer", PEERS)
def test_what_was_agreed_on_makes_repeated_messages_small(peer: str, role: Role) -> None:
    """With takeover the second of two equal messages costs a few bytes; both sides know it."""
    line = joined(peer, role, DeflateParameters())
    text = " ".join(map(str, range(300)))
    sizes: list[int] = []
    for _ in range(2):
        for end in (line.ours, line.theirs):
            end.send([text])
            sizes.append(len(end.output))
            line.deliver([1 << 16])
    assert min(sizes[:2]) > 300
    assert max(sizes[2:]) < 60
    assert line.ours.messages == line.theirs.messages == [text, text]
