"""Mutated handshakes into three implementations: accepted or refused by all, or listed why not.

The list is ``disagreements.toml``.  Requests and responses, legal in all spellings and with one
requirement broken, go to the parsers of wsref, of ``websockets`` and of ``wsproto``.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec_tests.differential.disagreements import HandshakeEntry, handshake_entries
from spec_tests.differential.endpoints import PEERS
from spec_tests.differential.handshakes import (
    CLIENTS,
    REQUEST,
    SERVERS,
    asked_by,
    plain_response,
    violation_in_request,
)
from wsref.requirements import requirements
from wsref.testing import (
    handshake_requests,
    handshake_responses,
    illegal_handshake_requests,
    illegal_handshake_responses,
)


def word(accepted: bool) -> str:
    """Return what the list calls it."""
    return "accepted" if accepted else "refused"


def listed(kind: str, peer: str, data: bytes, ours: bool, clauses: Sequence[str]) -> list[str]:
    """Return the names of the entries that explain a disagreement."""
    return [
        entry.name
        for entry in handshake_entries()
        if entry.explains(kind, peer, data, word(ours), clauses)
    ]


def judge_request(peer: str, data: bytes, clauses: Sequence[str]) -> bool:
    """Return whether wsref accepts a request; fail if *peer* differs and the list does not."""
    ours, theirs = SERVERS["wsref"](data), SERVERS[peer](data)
    assert ours == theirs or listed("request", peer, data, ours, clauses), (
        f"wsref: {word(ours)}, {peer}: {word(theirs)}: {data!r}"
    )
    return ours


def judge_response(peer: str, offers: bool, data: bytes, clauses: Sequence[str]) -> bool:
    """The same for a response to a client."""
    asked = asked_by(peer, offers)
    ours, theirs = CLIENTS["wsref"](asked, data), CLIENTS[peer](asked, data)
    assert ours == theirs or listed("response", peer, data, ours, clauses), (
        f"wsref: {word(ours)}, {peer}: {word(theirs)}: {data!r}"
    )
    return ours


@pytest.mark.parametrize("peer", PEERS)
@given(st.data())
def test_legal_requests_are_accepted_by_all_or_listed(peer: str, data: st.DataObject) -> None:
    """Property: whatever the order, the case and the white space of the fields."""
    assert judge_request(peer, data.draw(handshake_requests()).data, ())


@pytest.mark.parametrize("peer", PEERS)
@given(st.data())
def test_illegal_requests_are_refused_by_all_or_listed(peer: str, data: st.DataObject) -> None:
    """Property: each with a single requirement broken."""
    illegal = data.draw(illegal_handshake_requests())
    assert not judge_request(peer, illegal.data, illegal.clauses)


@pytest.mark.parametrize("offers", [False, True])
@pytest.mark.parametrize("peer", PEERS)
@given(st.data())
def test_legal_responses_open_the_connection_for_all_or_are_listed(
    peer: str, offers: bool, data: st.DataObject
) -> None:
    """Property: with and without permessage-deflate, of any parameters."""
    response = data.draw(handshake_responses(asked_by(peer, offers)))
    assert judge_response(peer, offers, response.data, ())


@pytest.mark.parametrize("offers", [False, True])
@pytest.mark.parametrize("peer", PEERS)
@given(st.data())
def test_illegal_responses_fail_the_connection_for_all_or_are_listed(
    peer: str, offers: bool, data: st.DataObject
) -> None:
    """Property: each with a single requirement broken."""
    illegal = data.draw(illegal_handshake_responses(asked_by(peer, offers)))
    assert not judge_response(peer, offers, illegal.data, illegal.clauses)


# The list


def example(entry: HandshakeEntry) -> bytes:
    """Return the head that shows an entry."""
    plain = REQUEST if entry.kind == "request" else plain_response()
    assert entry.replace[0] in plain
    return plain.replace(*entry.replace, 1).encode("latin-1")


def verdict(entry: HandshakeEntry, implementation: str, peer: str) -> str:
    """Return what an implementation says about an entry's example when compared with *peer*."""
    if entry.kind == "request":
        return word(SERVERS[implementation](example(entry)))
    return word(CLIENTS[implementation](asked_by(peer, entry.offers), example(entry)))


@pytest.mark.parametrize(
    ("entry", "peer"),
    [
        pytest.param(entry, peer, id=f"{entry.name}-{peer}")
        for entry in handshake_entries()
        for peer in entry.peers
    ],
)
def test_each_listed_disagreement_about_a_handshake_shows(entry: HandshakeEntry, peer: str) -> None:
    """Its example makes the two differ as it says, for the clause it names."""
    assert verdict(entry, "wsref", peer) == entry.ours
    assert verdict(entry, peer, peer) != entry.ours, f"{peer} agrees now: remove {entry.name!r}"
    data = example(entry)
    clauses = violation_in_request(data) if entry.kind == "request" else entry.breaks
    assert entry.explains(entry.kind, peer, data, entry.ours, clauses)


@pytest.mark.parametrize("entry", handshake_entries(), ids=lambda entry: str(entry.name))
def test_whoever_is_not_listed_agrees_about_the_handshake(entry: HandshakeEntry) -> None:
    """So that the list does not blame too few; what another entry says is said."""
    data = example(entry)
    for peer in PEERS:
        if peer not in entry.peers:
            ours, theirs = verdict(entry, "wsref", peer), verdict(entry, peer, peer)
            assert ours == theirs or listed(entry.kind, peer, data, ours == "accepted", ())


def test_the_plainest_handshakes_are_accepted_by_all() -> None:
    """What the examples of the list are made from."""
    for name in SERVERS:
        assert SERVERS[name](REQUEST.encode())
        for offers in (False, True):
            assert CLIENTS[name](asked_by(name, offers), plain_response().encode())


def test_the_list_of_handshakes_is_well_formed() -> None:
    """Each entry has a name of its own, a requirement that exists, and a reason."""
    names = [entry.name for entry in handshake_entries()]
    assert len(set(names)) == len(names)
    known = requirements().keys()
    for entry in handshake_entries():
        assert {entry.clause, *entry.breaks} <= known, entry.name
        assert entry.kind in ("request", "response"), entry.name
        assert entry.right in ("wsref", "peer", "both"), entry.name
        assert set(entry.peers) <= set(PEERS), entry.name
        assert bool(entry.breaks) == (entry.ours == "refused"), entry.name
        assert entry.breaks or entry.pattern, entry.name
        assert entry.why.strip().endswith("."), entry.name
