"""The exhaustive model: what it proves, and that it would notice."""

from __future__ import annotations

import re

import pytest

from spec_tests.model.__main__ import main
from spec_tests.model.documented import differences, in_code, in_page, in_picture, sources
from spec_tests.model.explore import Counterexample, Proof, explore
from spec_tests.model.world import Act, Moved, Perform, perform
from spec_tests.playbook import frame
from wsref.protocol.closing import NO_CLOSE, Input, State
from wsref.protocol.connection import Connection, Step
from wsref.protocol.errors import WebSocketError
from wsref.protocol.events import Closed, Closing, Disconnected, Event, Ping

#: A message and a Close of a client, masked with zeros as all frames of the model are.
MESSAGE = frame(0x81, b"late", bytes(4))
CLOSE = frame(0x88, b"\x03\xe8", bytes(4))


@pytest.fixture(scope="module")
def proof() -> Proof:
    """Explore with one frame on its way each way, once for all tests."""
    return explore(1)


# What holds


@pytest.mark.rfc(
    "RFC6455-5.5.1-09",
    "RFC6455-5.5.1-10",
    "RFC6455-5.5.1-15",
    "RFC6455-5.5.1-19",
    "RFC6455-5.5.1-20",
    "RFC6455-5.5.1-21",
    "RFC6455-7.1.5-01",
    "RFC6455-7.1.5-02",
    "RFC6455-7.1.5-03",
)
def test_every_interleaving_closes_as_it_should(proof: Proof) -> None:
    """Nobody waits for ever, says too much or reports a wrong code, in any of many states."""
    assert proof.states > 20_000
    assert proof.transitions > 200_000
    assert proof.closing + proof.over < proof.states
    assert proof.over > 50
    assert proof.parts > 500  # so that fairness had to decide something


def test_all_that_is_documented_can_be_reached_and_nothing_else(proof: Proof) -> None:
    """The table of the core, the page and the picture say what both ends do."""
    assert differences(proof.moves, sources()) == []
    assert {(end, moved) for end in (0, 1) for moved in in_code()} == proof.moves


def test_with_nothing_on_the_way_the_model_is_small() -> None:
    """No messages are sent then, and still every transition of the table is reached."""
    small = explore(0)
    assert 500 < small.states < 1000
    assert {moved for _end, moved in small.moves} == in_code()


def test_the_command_says_what_was_proven(capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers of states and transitions first."""
    assert main(["--frames", "0"]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert re.fullmatch(
        r"\d+ states, [\d,]+ transitions with 0 on the way each way \(\d+ s\)", first
    )
    assert "picture docs/closing.svg: 14 transitions, each reached" in rest[-1]


# What would be noticed


def counterexample(wrong: Perform, frames: int = 0) -> Counterexample:
    """Explore with steps that are taken wrongly."""
    with pytest.raises(Counterexample) as caught:
        explore(frames, wrong)
    return caught.value


def says_more(connection: Connection, act: Act, data: bytes) -> Step:
    """Send a message behind the client's Close."""
    step = perform(connection, act, data)
    if act is Act.CLOSE and connection.is_client and step.output:
        return step._replace(output=step.output + MESSAGE)
    return step


def sends_after_close(connection: Connection, act: Act, data: bytes) -> Step:
    """Let a client send messages while it waits for the server's Close."""
    if act is Act.TEXT and connection.is_client and connection.state is State.CLOSE_SENT:
        return Step(connection, (), MESSAGE)
    return perform(connection, act, data)


def closes_twice(connection: Connection, act: Act, data: bytes) -> Step:
    """Answer the server's Close although ours was first."""
    step = perform(connection, act, data)
    if connection.is_client and any(isinstance(event, Closed) for event in step.events):
        return step._replace(output=CLOSE)
    return step


def does_not_reply(connection: Connection, act: Act, data: bytes) -> Step:
    """Let a server lose the Close it got."""
    step = perform(connection, act, data)
    if not connection.is_client and any(isinstance(event, Closing) for event in step.events):
        return step._replace(connection=connection, events=())
    return step


def reports_another_code(connection: Connection, act: Act, data: bytes) -> Step:
    """Report 1000 at the end of every connection that was closed without a code."""

    def changed(event: Event) -> Event:
        if isinstance(event, Disconnected) and event.code == 1005:
            return Disconnected(event.reason, event.graceful, 1000)
        return event

    step = perform(connection, act, data)
    return step._replace(events=tuple(map(changed, step.events)))


def opens_again(connection: Connection, act: Act, data: bytes) -> Step:
    """Let a client forget that it sent a Close when a Ping comes in."""
    step = perform(connection, act, data)
    if (
        connection.is_client
        and connection.state is State.CLOSE_SENT
        and any(isinstance(event, Ping) for event in step.events)
    ):
        again = step.connection._replace(state=State.OPEN, closes=NO_CLOSE)
        return step._replace(connection=again)
    return step


def never_replies(connection: Connection, act: Act, data: bytes) -> Step:
    """Let an end owe its Close for ever."""
    if act is Act.REPLY:
        return Step(connection, (), b"")
    return perform(connection, act, data)


def hesitates(connection: Connection, act: Act, data: bytes) -> Step:
    """Let a client do something else than to reply, again and again."""
    if act is Act.REPLY and connection.is_client:
        settings = connection.settings
        changed = settings._replace(auto_pong=not settings.auto_pong)
        return Step(connection._replace(settings=changed), (), b"")
    return perform(connection, act, data)


def is_at_a_loss(connection: Connection, act: Act, data: bytes) -> Step:
    """Let a server neither accept nor reject."""
    if act is Act.ACCEPT or act is Act.REJECT:
        raise WebSocketError("I cannot decide")
    return perform(connection, act, data)


def lives_on(connection: Connection, act: Act, data: bytes) -> Step:
    """Let a closed connection send what it likes."""
    if act is Act.TEXT and connection.state is State.CLOSED and connection.is_client:
        return Step(connection, (), MESSAGE)
    return perform(connection, act, data)


def loses_the_rest(connection: Connection, act: Act, data: bytes) -> Step:
    """Forget what is behind the first frame of a read."""
    if act is Act.DELIVER_ALL and data[:1] == b"\x81":
        return connection.receive(data[:3])
    return perform(connection, act, data)


@pytest.mark.parametrize(
    ("wrong", "frames", "message"),
    [
        (says_more, 0, "client: sends 'message' after its Close"),
        (sends_after_close, 1, "client: sends 'message' after its Close"),
        (closes_twice, 0, "client: sends 'Close 1000' after its Close"),
        (does_not_reply, 0, "server: reports 1006 at the end instead of 1001 (§7.1.5)"),
        (reports_another_code, 0, "client: reports 1000 at the end instead of 1005 (§7.1.5)"),
        (opens_again, 1, "client: moves from CLOSE_SENT to OPEN for no reason"),
        (lives_on, 1, "client: does something after its end"),
        (loses_the_rest, 2, "server: one read of all is not the same as one read of each"),
        (never_replies, 0, "deadlock: everybody waits for somebody else"),
        (is_at_a_loss, 0, "deadlock: everybody waits for somebody else"),
        (hesitates, 0, "this can go on for ever, although all that is owed is done"),
    ],
)
def test_what_is_wrong_is_found(wrong: Perform, frames: int, message: str) -> None:
    """With the way to it, from the request on."""
    found = counterexample(wrong, frames)
    assert found.message == message
    assert "── request ──►" in found.diagram


DIAGRAM = """
         client                                          server
     CONNECTING │── request ──►                        │ CONNECTING      the client asks
     CONNECTING │                        ── request ──►│ CONNECTING      server: deliver: Requested
     CONNECTING │                     ◄── acceptance ──│ OPEN            server: accept: Ready
           OPEN │◄── acceptance ──                     │ OPEN            client: deliver: Ready
                ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ and then ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄
           OPEN │── Close 1001 ──►                     │ OPEN            client: close
           OPEN │── message ──►                        │ OPEN
                ✗ client: sends 'message' after its Close
"""


def test_a_counterexample_is_a_sequence_diagram() -> None:
    """The shortest way to the fault: what is sent and arrives, who is where, and what is wrong."""
    assert str(counterexample(says_more)).splitlines() == [
        "client: sends 'message' after its Close",
        "",
        *DIAGRAM.strip("\n").splitlines(),
    ]


def test_what_is_not_documented_is_named(proof: Proof) -> None:
    """And what is documented and never happens; for each end and each place."""
    closes = Moved(State.OPEN, Input.SEND_CLOSE, State.CLOSE_SENT)
    never = Moved(State.CLOSE_RECEIVED, Input.FAIL, State.FAILED)
    places = {"here": in_code() - {closes}, "there": in_code() | {never}}
    assert differences(proof.moves, places) == [
        "here: OPEN, send Close, CLOSE_SENT is missing",
        "there: CLOSE_RECEIVED, fail the connection, FAILED cannot be reached by a client",
        "there: CLOSE_RECEIVED, fail the connection, FAILED cannot be reached by a server",
    ]


def test_page_and_picture_are_read_as_they_stand() -> None:
    """A row is a transition, and so is an arrow with its label."""
    row = "OPEN             send Close                      FAILED\n"
    assert in_page(row) == {Moved(State.OPEN, Input.SEND_CLOSE, State.FAILED)}
    picture = (
        '<svg xmlns="http://www.w3.org/2000/svg">'
        '<path d="M60 20L200 20"/><text>fail</text><text>fail</text>'
        '<rect x="0" y="0" width="50" height="40"/><text>OPEN</text>'
        '<rect x="210" y="0" width="50" height="40"/><text>FAILED</text></svg>'
    )
    assert in_picture(picture) == {Moved(State.OPEN, Input.FAIL, State.FAILED)}
