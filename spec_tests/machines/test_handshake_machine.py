"""The opening handshake: what is legal opens, and each thing that is not is refused for itself.

Servers and clients in the middle of their opening handshakes are kept in bundles, as the values
that they are.  Any of them may be taken up again at any time, also one that went on before: with
other bytes, in other pieces, with another decision.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from spec_tests.expectations import is_deaf
from spec_tests.machines.noticing import noticed
from spec_tests.playbook import SEED
from wsref.protocol.closing import State
from wsref.protocol.connection import Connection, Step
from wsref.protocol.deflate import DeflateOffer, DeflateParameters, DeflatePolicy
from wsref.protocol.errors import WebSocketError
from wsref.protocol.events import (
    Disconnected,
    Event,
    Ping,
    ProtocolError,
    Ready,
    Rejected,
    Requested,
)
from wsref.protocol.handshake import Agreement, Asked, check_response, choose_subprotocol
from wsref.protocol.http import Request, end_of_head, parse_response
from wsref.protocol.uri import parse_uri
from wsref.protocol.violations import Violation
from wsref.testing import (
    HandshakeRequest,
    HandshakeResponse,
    IllegalHandshake,
    Role,
    WireFrame,
    cut,
    deflate_offers,
    deflate_parameters,
    handshake_requests,
    handshake_responses,
    illegal_handshake_requests,
    illegal_handshake_responses,
    tokens,
)

URI: Final = parse_uri("ws://example.com/chat")

#: What a peer says as soon as it may.
EARLY: Final[dict[Role, bytes]] = {
    "client": WireFrame(0x89, b"early", bytes(4)).data,
    "server": WireFrame(0x89, b"early").data,
}


class Serving(NamedTuple):
    """A server in its opening handshake.

    Attributes:
        server: its connection.
        coming: what the client said and has not arrived.
        request: what is coming, or has come.
        early: whether a Ping comes right behind it.
        client: the client whose request it is, if that is a connection of ours.
        has_asked: whether there is a request to decide about.
    """

    server: Connection
    coming: bytes
    request: HandshakeRequest | IllegalHandshake
    early: bool = False
    client: Connection | None = None
    has_asked: bool = False


class Asking(NamedTuple):
    """A client in its opening handshake.

    Attributes:
        client: its connection.
        asked: what it asked for.
        coming: what the server said and has not arrived.
        response: what is coming, or has come; None before there is an answer.
    """

    client: Connection
    asked: Asked
    coming: bytes = b""
    response: HandshakeResponse | IllegalHandshake | None = None


#: Lists of subprotocols, with some that both sides are likely to know.
subprotocols = st.lists(st.one_of(st.sampled_from(["a", "b"]), tokens()), max_size=3, unique=True)

#: In pieces of which sizes bytes arrive; most often all at once.
cuts = st.one_of(st.just([1 << 20]), st.lists(st.integers(1, 99), min_size=1, max_size=4))

policies = st.one_of(
    st.none(), deflate_parameters().map(lambda parameters: DeflatePolicy(*parameters))
)


def policy_allows(policy: DeflatePolicy, agreed: DeflateParameters, offers: int) -> bool:
    """Whether a server with this policy may have agreed on that."""
    forgets, demands, server_bits, _client_bits = policy
    return (
        offers > 0
        and agreed.server_max_window_bits <= server_bits
        and agreed.server_no_context_takeover >= forgets
        and agreed.client_no_context_takeover >= demands
    )


class OpeningHandshake(RuleBasedStateMachine):
    """Clients and servers that begin to talk to each other, or to somebody worse."""

    servers: Bundle[Serving] = Bundle("servers")
    clients: Bundle[Asking] = Bundle("clients")

    # What comes to a server

    @rule(target=servers, request=handshake_requests(), early=st.booleans())
    def ask(self, request: HandshakeRequest, early: bool) -> Serving:
        """Send a server what it has to accept, perhaps with a frame right behind."""
        coming = request.data + (EARLY["client"] if early else b"")
        return Serving(Connection.listen(), coming, request, early)

    @rule(target=servers, request=illegal_handshake_requests(), early=st.booleans())
    def ask_wrongly(self, request: IllegalHandshake, early: bool) -> Serving:
        """Send a server what breaks one requirement."""
        coming = request.data + (EARLY["client"] if early else b"")
        return Serving(Connection.listen(), coming, request, early)

    @rule(target=servers, asking=clients)
    def ask_as_a_client(self, asking: Asking) -> Serving:
        """Send a server what one of our clients asks."""
        client, request = connect(asking.asked)
        asked = HandshakeRequest(request, asking.asked)
        return Serving(Connection.listen(), request, asked, client=client)

    # What a server does

    @rule(target=servers, serving=servers, data=st.data())
    def serve(self, serving: Serving, data: st.DataObject) -> Serving:
        """Deliver a part of what is coming to a server."""
        size = data.draw(st.integers(0, len(serving.coming)))
        return self._serve(serving, [serving.coming[:size]])

    @rule(target=servers, serving=servers, sizes=cuts)
    def serve_all(self, serving: Serving, sizes: list[int]) -> Serving:
        """Deliver all of it, in any pieces."""
        return self._serve(serving, cut(serving.coming, sizes))

    @rule(target=servers, serving=servers, sizes=cuts, policy=policies, data=st.data())
    def accept(
        self, serving: Serving, sizes: list[int], policy: DeflatePolicy | None, data: st.DataObject
    ) -> Serving:
        """Let a server accept as soon as it knows all of the request, if it is a legal one."""
        serving = self._serve(serving, cut(serving.coming, sizes))
        server, _coming, request, has_early, client, _has_asked = serving
        if isinstance(request, IllegalHandshake):
            return serving
        asked = request.asked
        supported = data.draw(st.permutations([*asked.subprotocols, "another"]))
        step = server.accept(subprotocols=supported, deflate=policy)
        assert step.connection.state is State.OPEN
        ready, *others = step.events
        assert isinstance(ready, Ready)
        assert others == [Ping(b"early")] * has_early, "what came early is lost"
        chosen = step.connection.subprotocol
        assert chosen == next(iter(asked.subprotocols), None), "another subprotocol is chosen"
        agreed = step.connection.deflate
        if agreed is not None:
            assert policy is not None, "compression is agreed on that was declined"
            assert policy_allows(policy, agreed, len(asked.offers))
        head = step.output[: end_of_head(step.output)]
        agreement = check_response(parse_response(head), asked)
        assert agreement == Agreement(chosen, agreed), "ends disagree"
        if client is not None:
            after, events, output = feed(client, cut(step.output, sizes))
            assert after.state is State.OPEN, "a client refuses what our server answers"
            assert isinstance(events[0], Ready)
            assert (after.subprotocol, after.deflate) == (chosen, agreed)
            assert output == b""
        return serving

    @rule(serving=servers, sizes=cuts, status=st.integers(300, 599))
    def reject(self, serving: Serving, sizes: list[int], status: int) -> None:
        """Let a server refuse what it could accept."""
        serving = self._serve(serving, cut(serving.coming, sizes))
        if isinstance(serving.request, IllegalHandshake):
            return
        step = serving.server.reject(status)
        assert (step.connection.state, step.events) == (State.FAILED, ())
        assert is_deaf(step.connection, EARLY["client"])
        if serving.client is not None:
            after, events, _output = feed(serving.client, cut(step.output, sizes))
            assert after.state is State.FAILED
            (event,) = events
            assert isinstance(event, Rejected)
            assert event.response.status_code == status

    @rule(serving=servers)
    def decide_too_early(self, serving: Serving) -> None:
        """Let a server answer while it knows of no request."""
        if not serving.has_asked:
            with pytest.raises(WebSocketError, match="no request to accept"):
                serving.server.accept()
            with pytest.raises(WebSocketError, match="no request to reject"):
                serving.server.reject()

    @rule(serving=servers)
    def lose_the_client(self, serving: Serving) -> None:
        """End the transport of a server."""
        ends(serving.server)

    # What comes to a client

    @rule(
        target=clients,
        nonce=st.binary(min_size=16, max_size=16),
        wanted=subprotocols,
        offers=st.lists(deflate_offers(), max_size=2),
    )
    def begin(self, nonce: bytes, wanted: list[str], offers: list[DeflateOffer]) -> Asking:
        """Let a client ask."""
        asked = Asked(b64encode(nonce).decode(), tuple(wanted), tuple(offers))
        client, request = connect(asked)
        assert end_of_head(request) == len(request), "a client says more than its request"
        return Asking(client, asked)

    @rule(target=clients, asking=clients, early=st.booleans(), data=st.data())
    def answer(self, asking: Asking, early: bool, data: st.DataObject) -> Asking:
        """Answer a client as a server may, in the place of what was coming."""
        client, asked = connect(asking.asked)[0], asking.asked
        response = data.draw(handshake_responses(asked))
        return Asking(client, asked, response.data + EARLY["server"] * early, response)

    @rule(target=clients, asking=clients, early=st.booleans(), data=st.data())
    def answer_wrongly(self, asking: Asking, early: bool, data: st.DataObject) -> Asking:
        """Answer a client with what breaks one requirement."""
        client, asked = connect(asking.asked)[0], asking.asked
        response = data.draw(wrong_answers(asked))
        return Asking(client, asked, response.data + EARLY["server"] * early, response)

    # What a client does

    @rule(target=clients, asking=clients, data=st.data())
    def hear(self, asking: Asking, data: st.DataObject) -> Asking:
        """Deliver a part of what is coming to a client."""
        size = data.draw(st.integers(0, len(asking.coming)))
        return self._hear(asking, [asking.coming[:size]])

    @rule(target=clients, asking=clients, sizes=cuts)
    def hear_all(self, asking: Asking, sizes: list[int]) -> Asking:
        """Deliver all of it, in any pieces."""
        return self._hear(asking, cut(asking.coming, sizes))

    @rule(asking=clients)
    def lose_the_server(self, asking: Asking) -> None:
        """End the transport of a client."""
        ends(asking.client)

    # What has to come of it

    def _serve(self, serving: Serving, pieces: list[bytes]) -> Serving:
        before, coming, request, early, client, has_asked = serving
        hashed = hash(before)
        server, events, output = feed(before, pieces)
        assert hash(before) == hashed
        coming = coming[sum(map(len, pieces)) :]
        if isinstance(request, HandshakeRequest):
            assert server.state is State.CONNECTING, "what is legal is refused"
            assert output == b"", "a server answers without being asked to"
            assert len(events) <= 1 - has_asked, "a server knows more than one request"
            for event in events:
                assert isinstance(event, Requested)
                assert event.request.get("sec-websocket-key") == request.asked.key
                has_asked = True
            assert coming or has_asked, "a server waits for more than the request"
        else:
            for event in events:
                assert isinstance(event, ProtocolError), "a server takes what is illegal"
                assert event.clause == request.clauses[0], "refused for another reason"
                assert event.critical
                statuses = [str(status).encode() for status in request.http_statuses]
                assert output.split(b" ")[1] in statuses, "refused with another status"
            assert (output != b"") == bool(events), "an answer without a reason"
            if not coming:
                assert server.state is State.FAILED, "a server waits for more than the request"
                assert is_deaf(server, EARLY["client"], request.data)
        return Serving(server, coming, request, early, client, has_asked)

    def _hear(self, asking: Asking, pieces: list[bytes]) -> Asking:
        before, asked, coming, response = asking
        hashed = hash(before)
        client, events, output = feed(before, pieces)
        assert hash(before) == hashed
        coming = coming[sum(map(len, pieces)) :]
        if isinstance(response, HandshakeResponse):
            if before.state is State.CONNECTING and events:
                ready = events.pop(0)
                assert isinstance(ready, Ready), "what is legal is refused"
                agreement = Agreement(ready.protocol, client.deflate)
                assert agreement == response.agreement, "ends disagree"
            if not coming:
                assert client.state is State.OPEN, "a client waits for more than the response"
            assert events in ([], [Ping(b"early")]), "what came early is not what was sent"
        elif response is not None:
            for event in events:
                refused_for(event, asked, response)
            assert output == b"", "a client that refuses says something"
            if not coming:
                assert client.state is State.FAILED, "a client takes what is illegal"
                assert is_deaf(client, EARLY["server"], response.data)
        return Asking(client, asked, coming, response)


@lru_cache(64)
def wrong_answers(asked: Asked) -> st.SearchStrategy[IllegalHandshake]:
    """Return a strategy for answers that break one requirement; making it takes a while."""
    return illegal_handshake_responses(asked)


def connect(asked: Asked) -> tuple[Connection, bytes]:
    """Return a client that asks for this, and its request."""
    step = Connection.connect(
        URI,
        b64decode(asked.key),
        seed=SEED,
        subprotocols=asked.subprotocols,
        offers=asked.offers,
    )
    assert (step.connection.state, step.events) == (State.CONNECTING, ())
    return step.connection, step.output


def feed(connection: Connection, pieces: list[bytes]) -> tuple[Connection, list[Event], bytes]:
    """Receive pieces one by one."""
    events: list[Event] = []
    output = b""
    for piece in pieces:
        connection, more, written = connection.receive(piece)
        events += more
        output += written
    return connection, events, output


def refused_for(event: Event, asked: Asked, response: IllegalHandshake) -> None:
    """Check that a client refuses an answer for what is wrong with it."""
    if isinstance(event, ProtocolError):
        assert event.clause == response.clauses[0], "refused for another reason"
        return
    assert isinstance(event, Rejected), "a client takes what is illegal"
    head = response.data[: end_of_head(response.data)]
    with pytest.raises(Violation) as caught:
        check_response(parse_response(head), asked)
    assert caught.value.clause == response.clauses[0], "refused for another reason"
    assert event.reason == caught.value.detail


def ends(connection: Connection) -> None:
    """Check how a connection ends when its transport does."""
    step = connection.receive_eof()
    assert step.connection.state is State.CLOSED
    (event,) = step.events
    assert isinstance(event, Disconnected)
    assert (event.graceful, event.code) == (False, 1006)
    assert is_deaf(step.connection, EARLY["client"], EARLY["server"])


#: To draw a handshake takes long.
OpeningHandshake.TestCase.settings = settings(
    OpeningHandshake.TestCase.settings, stateful_step_count=20
)

TestOpeningHandshake = pytest.mark.rfc(
    "RFC6455-3-06",
    "RFC6455-4.1-20",
    "RFC6455-4.1-40",
    "RFC6455-4.1-42",
    "RFC6455-4.1-43",
    "RFC6455-4.1-44",
    "RFC6455-4.1-47",
    "RFC6455-4.1-48",
    "RFC6455-4.1-49",
    "RFC6455-4.2.1-02",
    "RFC6455-4.2.1-03",
    "RFC6455-4.2.1-04",
    "RFC6455-4.2.1-06",
    "RFC6455-4.2.1-08",
    "RFC6455-4.2.1-09",
    "RFC6455-4.2.1-10",
    "RFC6455-4.2.1-11",
    "RFC6455-4.2.1-18",
    "RFC6455-4.2.2-07",
    "RFC6455-4.2.2-11",
    "RFC6455-4.3-01",
    "RFC6455-4.3-04",
    "RFC6455-4.3-06",
    "RFC6455-7.1.4-02",
    "RFC6455-7.2.2-01",
    "RFC6455-9.1-01",
    "RFC6455-10.7-04",
    "RFC6455-11.3.1-02",
    "RFC6455-11.3.3-02",
    "RFC6455-11.3.4-04",
    "RFC6455-11.3.5-03",
    "RFC7692-5-09",
    "RFC7692-5-12",
    "RFC7692-5-17",
)(OpeningHandshake.TestCase)


# What would be noticed

RECEIVE: Final = Connection.receive


def passes(*_arguments: object) -> None:
    """Check nothing."""


def chooses_the_last(request: Request, supported: Sequence[str]) -> str | None:
    """Choose the subprotocol that the server names last, as if it were asked."""
    return choose_subprotocol(request, supported[-1:])


def forgets_what_is_early(connection: Connection, data: bytes, now: float = 0.0) -> Step:
    """Lose what is in the same read as the end of a request."""
    head, end, early = data.partition(b"\r\n\r\n")
    if connection.state is State.CONNECTING and early and not connection.is_client:
        return RECEIVE(connection, head + end, now)
    return RECEIVE(connection, data, now)


def explains(connection: Connection, data: bytes, now: float = 0.0) -> Step:
    """Let a client that refuses say so."""
    step = RECEIVE(connection, data, now)
    if connection.is_client and any(isinstance(event, Rejected) for event in step.events):
        return step._replace(output=WireFrame(0x88, b"\x03\xea", bytes(4)).data)
    return step


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "wrong", "messages"),
    [
        ("handshake._check_version", passes, ["a server takes what is illegal"]),
        ("handshake._check_key", passes, ["a server takes what is illegal"]),
        (
            "handshake._check_accepted_extensions",
            passes,
            ["ends disagree", "a client takes what is illegal"],
        ),
        (
            "handshake._check_chosen_subprotocol",
            passes,
            ["ends disagree", "a client takes what is illegal"],
        ),
        ("handshake.choose_subprotocol", chooses_the_last, ["another subprotocol is chosen"]),
        ("connection.Connection.receive", forgets_what_is_early, ["what came early is lost"]),
        ("connection.Connection.receive", explains, ["a client that refuses says something"]),
    ],
)
def test_an_opening_handshake_that_goes_wrong_is_noticed(
    monkeypatch: pytest.MonkeyPatch, name: str, wrong: object, messages: list[str]
) -> None:
    """Without one of its checks, with another choice, or with something lost or too much."""
    monkeypatch.setattr(f"wsref.protocol.{name}", wrong)
    assert noticed(OpeningHandshake) in messages
