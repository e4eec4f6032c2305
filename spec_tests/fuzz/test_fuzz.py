"""The fuzz targets on their seeds and on random changes to these; and what they once failed on.

``python -m spec_tests.fuzz`` prints what it finds as tests, to be put at the end.
"""

from __future__ import annotations

from random import Random
from typing import Final

import pytest

from spec_tests.expectations import ROLES
from spec_tests.fuzz.minimise import failure_of, minimised, regression_test
from spec_tests.fuzz.mutations import mutations
from spec_tests.fuzz.seeds import WORDS, seeds
from spec_tests.fuzz.targets import KNOBS, LIMITS, TARGETS, split
from wsref.protocol.closing import State
from wsref.protocol.connection import Connection, Step
from wsref.protocol.events import Event, Text
from wsref.protocol.reading import AT_BOUNDARY, Frames

RECEIVE: Final = Connection.receive


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_taken(name: str) -> None:
    """The examples of the RFCs, under all settings that fuzzing begins with."""
    for seed in seeds(name):
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
def test_random_changes_to_seeds_are_taken(name: str) -> None:
    """The same ones each time."""
    for data in mutations(seeds(name), WORDS, Random(name), 400):
        TARGETS[name](data)


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_many_random_changes_to_seeds_are_taken(name: str) -> None:
    """Others each time: what fails is in the message, and small."""
    for data in mutations(seeds(name), WORDS, Random(), 10_000):
        if failure_of(TARGETS[name], data):
            pytest.fail(regression_test(name, minimised(TARGETS[name], data)))


@pytest.mark.parametrize("role", ROLES)
def test_seeds_reach_messages_failures_and_ends(role: str) -> None:
    """In particular, the examples are written for the role that reads them."""
    events: list[Event] = []

    def watched(connection: Connection, data: bytes, now: float = 0.0) -> Step:
        step = RECEIVE(connection, data, now)
        events.extend(step.events)
        return step

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "receive", watched)
        for seed in seeds(role):
            TARGETS[role](seed)
    kinds = {event.name for event in events}
    assert kinds >= {"text", "binary", "ping", "pong", "closing", "closed", "protocol_error"}
    assert Text("Hello") in events


def test_knobs_are_the_first_bytes_and_zero_if_they_are_missing() -> None:
    """So that an input can be made smaller from its end."""
    knobs, stream = split(bytes.fromhex("c9 02 31 81 00"))
    assert stream == bytes.fromhex("81 00")
    assert (knobs.deflate, knobs.forgetful, knobs.quiet, knobs.closing) == (
        True,
        False,
        False,
        True,
    )
    assert (knobs.limits, knobs.window_bits, knobs.sizes) == (LIMITS[3], 10, (2, 4))
    assert split(b"") == split(bytes(KNOBS))


# What would be noticed


def loses_single_bytes(connection: Connection, data: bytes, now: float = 0.0) -> Step:
    """Forget what comes in single bytes."""
    return RECEIVE(connection, b"" if len(data) == 1 else data, now)


def copies(connection: Connection, data: bytes, now: float = 0.0) -> Step:
    """Return another object though nothing changed."""
    step = RECEIVE(connection, data, now)
    if step.connection.reading is not AT_BOUNDARY or step.connection is not connection:
        return step
    return step._replace(connection=connection._replace())


def stumbles(connection: Connection, data: bytes, now: float = 0.0) -> Step:
    """Take it for granted that a read has two bytes."""
    if len(data) == 1:
        raise IndexError("index out of range")
    return RECEIVE(connection, data, now)


def goes_on(connection: Connection, data: bytes, now: float = 0.0) -> Step:
    """Tell of a message behind a failure."""
    step = RECEIVE(connection, data, now)
    failed = step.connection.state is State.FAILED and connection.reads
    return step._replace(events=(*step.events, Text("!"))) if failed else step


def hoards(connection: Connection, data: bytes, now: float = 0.0) -> Step:
    """Keep what comes in the middle of a frame, whatever its length."""
    step = RECEIVE(connection, data, now)
    reading = step.connection.reading
    if not isinstance(reading, Frames) or reading.header is None:
        return step
    hoard = reading._replace(received=reading.received.add(bytes(3000)))
    return step._replace(connection=step.connection._replace(reading=hoard))


def is_silent(connection: Connection, data: bytes, now: float = 0.0) -> Step:
    """Answer nothing."""
    return RECEIVE(connection, data, now)._replace(output=b"")


FOR_ALL: Final = [
    (loses_single_bytes, "AssertionError: it depends on how the stream was cut"),
    (stumbles, "IndexError: index out of range"),
]
FOR_FRAMES: Final = [
    (copies, "AssertionError: an equal copy"),
    (goes_on, "AssertionError: something happens behind the end"),
    (hoards, "AssertionError: a frame beyond the limit"),
    (is_silent, "AssertionError: wrong answers"),
]


@pytest.mark.parametrize(
    ("name", "wrong", "failure"),
    [(name, *planted) for name in TARGETS for planted in FOR_ALL]
    + [(name, *planted) for name in ROLES for planted in FOR_FRAMES],
)
def test_a_planted_fault_is_noticed(
    monkeypatch: pytest.MonkeyPatch, name: str, wrong: object, failure: str
) -> None:
    """By random changes alone, and for what it is."""
    monkeypatch.setattr(Connection, "receive", wrong)
    inputs = [*seeds(name), *mutations(seeds(name), WORDS, Random(name), 200)]
    assert failure in {failure_of(TARGETS[name], data) for data in inputs}


def test_a_failing_input_is_made_small_and_written_as_a_test_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The two bytes of a frame are enough for a fault about single bytes."""
    monkeypatch.setattr(Connection, "receive", loses_single_bytes)
    data = bytes.fromhex("01 07 00  81 05 48 65 6c 6c 6f 89 00")
    small = minimised(TARGETS["client"], data)
    failure = failure_of(TARGETS["client"], data)
    assert small == bytes(KNOBS + 2)
    assert failure_of(TARGETS["client"], small) == failure

    written = regression_test("client", small)
    assert failure in written
    names: dict[str, object] = {"TARGETS": TARGETS}
    exec(written, names)
    (test,) = [value for key, value in names.items() if key.startswith("test_client_")]
    assert callable(test)
    with pytest.raises(AssertionError, match="it depends on how the stream was cut"):
        test()
    monkeypatch.undo()
    test()


# What fuzzing has found: nothing yet
