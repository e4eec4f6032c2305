"""Where masking keys come from, and what they protect (RFC 6455 §5.3, §10.3)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from spec_tests.api.recording import opened
from spec_tests.playbook import endpoint, frame
from wsref import WebSocket
from wsref.entropy import MaskingKeys

#: A message that could be changed by whoever else holds it.
CHANGEABLE = bytearray(b"GET / HTTP/1.1")


@pytest.mark.rfc("RFC6455-5.3-03", "RFC6455-5.3-02")
def test_masking_keys_are_the_kernels_random_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte that ``os.urandom`` gives is used in one key only, and nothing else is."""
    drawn: list[bytes] = []

    def urandom(size: int) -> bytes:
        drawn.append(bytes((len(drawn) * size + i) // 4 % 256 for i in range(size)))
        return drawn[-1]

    monkeypatch.setattr(os, "urandom", urandom)
    keys = MaskingKeys()
    taken = [keys.next_key() for _ in range(3000)]
    blocks = b"".join(drawn)
    supplied = [blocks[i : i + 4] for i in range(0, len(blocks), 4)]
    for key in taken:
        supplied.remove(key)


#: Prints keys that are taken in a child process, then keys that its parent takes.
FORKING = """
import os
from wsref.entropy import MaskingKeys

keys = MaskingKeys()
keys.next_key()
child = os.fork()
if child:
    os.waitpid(child, 0)
print(*(keys.next_key().hex() for _ in range(100)), flush=True)
"""


@pytest.mark.rfc("RFC6455-5.3-03", "RFC6455-10.3-01")
def test_every_frame_of_the_api_is_masked_with_random_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pongs that answer by themselves as well: their keys come from a secret that is random."""
    drawn: list[bytes] = []

    def urandom(size: int, draw: Callable[[int], bytes] = os.urandom) -> bytes:
        drawn.append(draw(size))
        return drawn[-1]

    monkeypatch.setattr(os, "urandom", urandom)
    ws = WebSocket("ws://example.com/")
    session = opened(ws)
    for _ in range(20):
        ws.send_text("x")
    ws.send_ping(b"")
    ws.close()
    keys = [data[2:6] for data in session.written]
    assert len(set(keys)) == 22
    blocks = {data[i : i + 4] for data in drawn for i in range(0, len(data), 4)}
    assert blocks.issuperset(keys)
    pongs: set[bytes] = set()
    for _ in range(2):  # two connections to the same peer
        session = opened(WebSocket("ws://example.com/"))
        list(session.websocket.feed(frame(0x89)))
        pongs.update(session.written)
    assert len(pongs) == 2


@pytest.mark.rfc("RFC6455-5.3-03", "RFC6455-5.3-04")
def test_supplies_of_keys_have_nothing_in_common() -> None:
    """What is known of one connection's keys tells nothing about another's."""
    one, other = MaskingKeys(), MaskingKeys()
    keys = {supply.next_key() for supply in (one, other) for _ in range(100)}
    assert len(keys) > 190  # but for chance


@pytest.mark.rfc("RFC6455-5.3-03", "RFC6455-5.3-04")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_does_not_go_on_with_its_parents_keys() -> None:
    """Else two connections would be masked alike."""
    done = subprocess.run(
        [sys.executable, "-c", FORKING], check=True, capture_output=True, text=True, timeout=60
    )
    childs, parents = (set(line.split()) for line in done.stdout.splitlines())
    assert len(childs) > 90
    assert len(parents) > 90
    assert len(childs & parents) < 10


SENDERS: list[Callable[[Any, object], object]] = [
    lambda connection, data: connection.send_binary(data),
    lambda connection, data: connection.send_binary(data, fin=False),
    lambda connection, data: connection.send_ping(data),
    lambda connection, data: connection.send_pong(data),
]


@pytest.mark.rfc("RFC6455-10.3-02")
@pytest.mark.parametrize("send", SENDERS)
def test_only_what_nobody_can_change_is_sent(send: Callable[[Any, object], object]) -> None:
    """Else what is on its way could be altered to undo its masking."""
    for data in (CHANGEABLE, memoryview(CHANGEABLE)):
        with pytest.raises(TypeError, match="data must be bytes, not"):
            send(endpoint("client").connection, data)


@pytest.mark.rfc("RFC6455-10.3-02")
def test_the_api_takes_no_changeable_data_either() -> None:
    """The mistake is told before the connection is looked at."""
    with pytest.raises(TypeError, match="bytearray"):
        WebSocket("ws://example.com/").send_binary(CHANGEABLE)  # type: ignore[arg-type]
