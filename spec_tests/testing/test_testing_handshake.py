"""The handshakes that wsref.testing draws: legal ones open, each mutation is refused for it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from wsref.protocol.closing import State
from wsref.protocol.connection import Connection
from wsref.protocol.deflate import DeflateOffer, answer_offers, check_answer, offer_extension
from wsref.protocol.events import ProtocolError, Ready, Rejected, Requested
from wsref.protocol.handshake import Asked, check_response
from wsref.protocol.headers import parse_extensions
from wsref.protocol.http import parse_response
from wsref.protocol.reading import AwaitingResponse
from wsref.protocol.uri import parse_uri
from wsref.protocol.violations import Violation
from wsref.testing import (
    BrokenHeader,
    Declined,
    ExtensionHeader,
    HandshakeRequest,
    IllegalHandshake,
    broken_extension_headers,
    declinable_offers,
    deflate_offers,
    extension_headers,
    handshake_requests,
    handshake_responses,
    illegal_handshake_requests,
    illegal_handshake_responses,
    misfitting_answers,
)

#: All that is to be found is found within this, and nothing is left over on disk.
FINDING = settings(max_examples=300, database=None, deadline=None)

#: A client that asked for much, and one that asked for nothing.
MUCH = Asked("AAAAAAAAAAAAAAAAAAAAAA==", ("a", "b"), (DeflateOffer(), DeflateOffer(True, True)))
NOTHING = Asked("AAAAAAAAAAAAAAAAAAAAAA==", (), ())
#: Clients whose only offer demands something.
DEMANDING = [
    Asked("AQIDBAUGBwgJCgsMDQ4PEA==", (), (offer,))
    for offer in (
        DeflateOffer(client_max_window_bits=None),
        DeflateOffer(True, False, None, True),
        DeflateOffer(False, False, 10, None),
        DeflateOffer(True, True, 8, 9),
    )
]
ALL_ASKED = [MUCH, NOTHING, *DEMANDING]

REQUEST_CLAUSES = [
    "RFC6455-3-06",
    "RFC6455-4.1-20",
    "RFC6455-4.1-34",
    "RFC6455-4.1-38",
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
    "RFC6455-4.3-01",
    "RFC6455-4.3-04",
    "RFC6455-4.3-06",
    "RFC6455-9.1-01",
    "RFC6455-11.3.1-02",
    "RFC6455-11.3.5-03",
]
RESPONSE_CLAUSES = [
    "RFC6455-4.1-40",
    "RFC6455-4.1-42",
    "RFC6455-4.1-43",
    "RFC6455-4.1-44",
    "RFC6455-4.1-47",
    "RFC6455-4.1-48",
    "RFC6455-4.1-49",
    "RFC6455-4.2.2-11",
    "RFC6455-4.3-01",
    "RFC6455-9.1-01",
    "RFC6455-11.3.3-02",
    "RFC6455-11.3.4-04",
]
#: The clauses about an answer that depend on what was offered.
OFFER_CLAUSES = [
    "RFC7692-5-12",
    "RFC7692-7-07",
    "RFC7692-7-08",
    "RFC7692-7-09",
    "RFC7692-7.1.1.1-02",
    "RFC7692-7.1.2.1-04",
    "RFC7692-7.1.2.2-06",
]


def waiting(asked: Asked) -> Connection:
    """Return a client that waits for the answer to what it asked."""
    step = Connection.connect(
        parse_uri("ws://example.com/"),
        bytes(16),
        seed=bytes(32),
        subprotocols=asked.subprotocols,
        offers=asked.offers,
    )
    return step.connection._replace(reading=AwaitingResponse(b"", asked))


# Requests


@pytest.mark.rfc(
    "RFC6455-4.2.1-05",
    "RFC6455-4.2.1-07",
    "RFC6455-4.2.1-13",
    "RFC6455-4.2.1-14",
    "RFC6455-4.2.1-15",
    "RFC6455-4.2.1-16",
    "RFC6455-4.2.1-17",
    "RFC6455-4.2.1-19",
    "RFC6455-4.2.1-20",
)
@given(handshake_requests())
def test_every_request_drawn_opens_and_says_what_it_says(request: HandshakeRequest) -> None:
    """A server reads the key, the subprotocols and the offers as they were meant."""
    server, events, output = Connection.listen().receive(request.data)
    assert output == b""
    (event,) = events
    assert isinstance(event, Requested)
    assert event.request.get("sec-websocket-key") == request.asked.key
    step = server.accept(subprotocols=list(reversed(request.asked.subprotocols)))
    assert step.connection.state is State.OPEN
    assert step.connection.subprotocol == next(iter(request.asked.subprotocols), None)
    if request.asked.offers:
        assert step.connection.deflate is not None
    client = waiting(request.asked).receive(step.output)
    assert client.connection.state is State.OPEN
    assert client.connection.deflate == step.connection.deflate


def refused_for(illegal: IllegalHandshake) -> tuple[str | None, int]:
    """Return the clause for which a server refuses, and the HTTP status it answers with."""
    server, events, output = Connection.listen().receive(illegal.data)
    assert server.state is State.FAILED, illegal
    (event,) = events
    assert isinstance(event, ProtocolError)
    status = parse_response(output.partition(b"\r\n\r\n")[0] + b"\r\n\r\n").status_code
    assert status is not None
    return event.clause, status


@pytest.mark.rfc("RFC6455-4.2.1-01")
@given(illegal_handshake_requests())
def test_every_illegal_request_is_refused_for_its_clause(illegal: IllegalHandshake) -> None:
    """And with the HTTP status that fits best."""
    assert refused_for(illegal) == (illegal.clauses[0], illegal.http_statuses[0])


@pytest.mark.parametrize("clause", REQUEST_CLAUSES)
def test_a_request_can_be_drawn_for_each_clause(clause: str) -> None:
    """It is refused for that clause, the whole range of ways to break it."""

    @settings(max_examples=15)
    @given(illegal_handshake_requests(clause))
    def refused(illegal: IllegalHandshake) -> None:
        assert refused_for(illegal) == (illegal.clauses[0], illegal.http_statuses[0])
        assert clause == illegal.clauses[0]

    refused()


def test_clauses_that_no_request_breaks_are_refused_at_once() -> None:
    """A misspelled id would otherwise draw nothing, and a test of nothing passes."""
    with pytest.raises(ValueError, match=r"RFC6455-4\.1-44"):
        illegal_handshake_requests("RFC6455-4.1-44")
    with pytest.raises(ValueError, match="RFC7692-5-12"):
        illegal_handshake_responses(NOTHING, "RFC7692-5-12")


PLAIN_REQUEST = (
    b"GET / HTTP/1.1\r\n"
    b"Host: example.com\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"\r\n"
)


@pytest.mark.long
def test_a_request_shrinks_to_the_plainest() -> None:
    """Nothing but the fields that have to be there."""
    assert (
        find(handshake_requests(), lambda _request: True, settings=FINDING, random=Random(0)).data
        == PLAIN_REQUEST
    )


@pytest.mark.long
@pytest.mark.parametrize(
    ("clause", "old", "new"),
    [
        ("RFC6455-4.2.1-04", b"Host: example.com\r\n", b""),
        ("RFC6455-4.2.2-07", b"Version: 13", b"Version: 8"),
        ("RFC6455-9.1-01", b"13\r\n", b"13\r\nSec-WebSocket-Extensions: ;\r\n"),
        ("RFC6455-4.2.1-18", b"HTTP/1.1\r\n", b"HTTP/1.1\n"),
    ],
)
def test_an_illegal_request_shrinks_to_the_plainest_with_one_fault(
    clause: str, old: bytes, new: bytes
) -> None:
    """One thing changed in the plainest request, and nothing else."""
    found = find(
        illegal_handshake_requests(clause),
        lambda _illegal: True,
        settings=FINDING,
        random=Random(0),
    )
    assert found.data == PLAIN_REQUEST.replace(old, new, 1)


@pytest.mark.long
def test_an_illegal_request_shrinks_by_clause_from_whatever_was_drawn() -> None:
    """Not from the simplest of one clause, but from any."""
    found = find(
        illegal_handshake_requests(),
        lambda illegal: illegal.clauses[0] == "RFC6455-4.2.1-03",
        settings=FINDING,
        random=Random(0),
    )
    assert found.data == PLAIN_REQUEST.replace(b"1.1", b"1.0", 1)


# Responses


@pytest.mark.rfc("RFC6455-4.1-45", "RFC6455-4.1-50", "RFC6455-4.1-51", "RFC7692-7.1.1.1-06")
@given(st.sampled_from(ALL_ASKED) | handshake_requests().map(lambda one: one.asked), st.data())
def test_every_response_drawn_opens_with_its_agreement(asked: Asked, data: st.DataObject) -> None:
    """A client concludes what the server meant."""
    response = data.draw(handshake_responses(asked))
    client, events, output = waiting(asked).receive(response.data)
    assert client.state is State.OPEN
    assert output == b""
    assert [type(event) for event in events] == [Ready]
    assert client.settings.agreement == response.agreement


def failed_for(asked: Asked, illegal: IllegalHandshake) -> str:
    """Return the clause for which a client fails the connection."""
    client, (event,), output = waiting(asked).receive(illegal.data)
    assert client.state is State.FAILED
    assert output == b""
    assert isinstance(event, (ProtocolError, Rejected))
    with pytest.raises(Violation) as caught:
        check_response(parse_response(illegal.data), asked)
    return caught.value.clause


@pytest.mark.rfc("RFC6455-4.1-39", "RFC6455-4.1-49")
@given(st.sampled_from(ALL_ASKED), st.data())
def test_every_illegal_response_fails_the_connection_for_its_clause(
    asked: Asked, data: st.DataObject
) -> None:
    """Whatever the client asked for."""
    illegal = data.draw(illegal_handshake_responses(asked))
    assert failed_for(asked, illegal) == illegal.clauses[0]


@pytest.mark.parametrize("clause", [*RESPONSE_CLAUSES, *OFFER_CLAUSES])
def test_a_response_can_be_drawn_for_each_clause(clause: str) -> None:
    """Given a client that asked for something which it can misfit."""
    fitting: list[Asked] = []
    for asked in ALL_ASKED:
        try:
            illegal_handshake_responses(asked, clause)
        except ValueError:
            continue
        fitting.append(asked)
    assert fitting

    @settings(max_examples=15)
    @given(st.sampled_from(fitting), st.data())
    def refused(asked: Asked, data: st.DataObject) -> None:
        illegal = data.draw(illegal_handshake_responses(asked, clause))
        assert failed_for(asked, illegal) == illegal.clauses[0] == clause

    refused()


PLAIN_RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n"
    b"\r\n"
)


@pytest.mark.long
def test_a_response_shrinks_to_the_plainest() -> None:
    """Nothing but the fields that have to be there."""
    found = find(
        handshake_responses(MUCH), lambda _response: True, settings=FINDING, random=Random(0)
    )
    assert found.data == PLAIN_RESPONSE
    assert found.agreement == (None, None)


@pytest.mark.long
@pytest.mark.parametrize(
    ("clause", "old", "new"),
    [
        ("RFC6455-4.1-43", b"Connection: Upgrade\r\n", b""),
        ("RFC6455-4.1-47", b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: x\r\n\r\n"),
        (
            "RFC7692-7-07",
            b"\r\n\r\n",
            b"\r\nSec-WebSocket-Extensions: permessage-deflate; x\r\n\r\n",
        ),
    ],
)
def test_an_illegal_response_shrinks_to_the_plainest_with_one_fault(
    clause: str, old: bytes, new: bytes
) -> None:
    """One thing changed in the plainest response, and nothing else."""
    found = find(
        illegal_handshake_responses(MUCH, clause),
        lambda _illegal: True,
        settings=FINDING,
        random=Random(0),
    )
    assert found.data == PLAIN_RESPONSE.replace(old, new, 1)


# Extensions


@pytest.mark.rfc("RFC6455-9.1-02", "RFC6455-9.1-03", "RFC6455-9.1-04", "RFC7692-7-12")
@given(extension_headers())
def test_an_extension_header_says_what_it_lists(header: ExtensionHeader) -> None:
    """However it is spelled."""
    assert parse_extensions(header.values) == header.extensions


@pytest.mark.rfc("RFC6455-9.1-01", "RFC6455-4.3-01")
@given(broken_extension_headers())
def test_a_broken_extension_header_is_refused_for_its_clause(broken: BrokenHeader) -> None:
    """Whatever stands beside the fault."""
    with pytest.raises(Violation) as caught:
        parse_extensions([broken.value])
    assert caught.value.clause == broken.clauses[0]


@pytest.mark.rfc(
    "RFC7692-7-01", "RFC7692-7-02", "RFC7692-7-03", "RFC7692-7-04", "RFC7692-7-05", "RFC7692-5-03"
)
@given(declinable_offers(), deflate_offers())
def test_an_offer_to_decline_is_declined_and_spoils_no_other(
    declined: Declined, good: DeflateOffer
) -> None:
    """There is no agreement on it alone."""
    assert answer_offers([declined.extension]) is None
    assert answer_offers([declined.extension, offer_extension(good)]) is not None


@pytest.mark.rfc("RFC7692-7-07", "RFC7692-7-08", "RFC7692-7-09")
@given(misfitting_answers())
def test_a_misfitting_answer_is_refused_for_its_clause(misfit: Declined) -> None:
    """By a client that offered all there is."""
    with pytest.raises(Violation) as caught:
        check_answer(misfit.extension, [DeflateOffer()])
    assert caught.value.clause == misfit.clauses[0]
