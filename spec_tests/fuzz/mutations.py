"""Random changes to seeds: fuzzing without a guide, and without Atheris."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from spec_tests.fuzz.targets import KNOBS

__all__ = ["mutations"]

#: Where lengths, codes and characters change their meaning.
_BYTES = bytes.fromhex("00 01 02 03 08 0a 0d 20 2c 3b 3d 40 7d 7e 7f 80 81 88 89 c1 ed f4 fe ff")


def mutations(
    seeds: Sequence[bytes], words: Sequence[bytes], random: Random, number: int
) -> Iterator[bytes]:
    """Yield inputs, each of which is a seed with one to four changes.

    Args:
        seeds: the inputs to begin with.
        words: what may be put in as a whole.
        random: where all choices come from.
        number: how many inputs to make.
    """
    for _ in range(number):
        data = bytearray(random.choice(seeds))
        for _ in range(random.randint(1, 4)):
            _change(data, seeds, words, random)
        yield bytes(data)


def _change(
    data: bytearray, seeds: Sequence[bytes], words: Sequence[bytes], random: Random
) -> None:
    """Make one change."""
    start = random.randrange(len(data) + 1)
    stop = min(len(data), start + random.choice((1, 1, 2, 4, 16)))
    match random.randrange(7):
        case 0 if start < len(data):
            data[start] ^= 1 << random.randrange(8)
        case 1:
            data[start:stop] = random.choice(_BYTES).to_bytes()
        case 2:
            data.insert(start, random.choice(_BYTES))
        case 3:
            del data[start:stop]
        case 4:
            data[start:start] = data[start:stop]
        case 5:
            data[start:start] = random.choice(words)
        case _:  # go on like another seed
            other = random.choice(seeds)
            data[start:] = other[random.randrange(KNOBS, len(other)) :]
