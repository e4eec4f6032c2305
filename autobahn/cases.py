"""Which cases the TestSuite has, which of them to run, and how to share them out.

A case's id is a dotted path such as ``6.4.2``. The last number counts from one within its
group (``6.4``), so the groups and their sizes say everything: 517 cases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["ALL_CASES", "QUICK_CASES", "select", "split", "weight"]

# Group and number of cases in it, in the TestSuite's order (25.10.1).
_GROUPS = (
    # 1: text and binary echo; 2: pings and pongs; 3: reserved bits; 4: opcodes; 5: fragments
    ("1.1", 8), ("1.2", 8), ("2", 11), ("3", 7), ("4.1", 5), ("4.2", 5), ("5", 20),
    # 6: UTF-8
    ("6.1", 3), ("6.2", 4), ("6.3", 2), ("6.4", 4), ("6.5", 5), ("6.6", 11), ("6.7", 4),
    ("6.8", 2), ("6.9", 4), ("6.10", 3), ("6.11", 5), ("6.12", 8), ("6.13", 5), ("6.14", 10),
    ("6.15", 1), ("6.16", 3), ("6.17", 5), ("6.18", 5), ("6.19", 5), ("6.20", 7), ("6.21", 8),
    ("6.22", 34), ("6.23", 7),
    # 7: closing
    ("7.1", 6), ("7.3", 6), ("7.5", 1), ("7.7", 13), ("7.9", 9), ("7.13", 2),
    # 9: large messages and many of them; 10: one message in fragments
    ("9.1", 6), ("9.2", 6), ("9.3", 9), ("9.4", 9), ("9.5", 6), ("9.6", 6), ("9.7", 6),
    ("9.8", 6), ("10.1", 1),
    # 12: permessage-deflate on five sorts of data; 13: with seven sets of parameters
    ("12.1", 18), ("12.2", 18), ("12.3", 18), ("12.4", 18), ("12.5", 18),
    ("13.1", 18), ("13.2", 18), ("13.3", 18), ("13.4", 18), ("13.5", 18), ("13.6", 18),
    ("13.7", 18),
)  # fmt: skip

#: Every case, in the TestSuite's order.
ALL_CASES: tuple[str, ...] = tuple(
    f"{group}.{number}" for group, count in _GROUPS for number in range(1, count + 1)
)


def select(choice: str) -> tuple[str, ...]:
    """Return the ids of the cases that *choice* names, in the TestSuite's order.

    Args:
        choice: ``quick``, ``full``, or patterns separated by commas: ids in which ``*`` stands
            for anything, such as ``1.*,7.3.1``.

    Raises:
        ValueError: a pattern matches no case.
    """
    if choice == "full":
        return ALL_CASES
    if choice == "quick":
        return QUICK_CASES
    chosen: set[str] = set()
    for pattern in (part.strip() for part in choice.split(",")):
        shape = re.compile(re.escape(pattern).replace(r"\*", ".*"))
        matching = {case for case in ALL_CASES if shape.fullmatch(case)}
        if not matching:
            raise ValueError(f"cases: no case of the TestSuite matches {pattern!r}")
        chosen |= matching
    return tuple(case for case in ALL_CASES if case in chosen)


def weight(case: str) -> float:
    """Return about how many seconds *case* took when it was measured; only ratios matter."""
    group, _, number = case.rpartition(".")
    chapter = group.partition(".")[0]
    if chapter in ("12", "13"):
        return _COMPRESSED_GROUP[group] * _COMPRESSED_SIZE[int(number) - 1]
    return 0.5 if chapter == "9" else 0.03


# Chapters 12 and 13 take nearly all the time: seconds for a group, and the share in them of each
# case, which is of the same message sizes in every group.
_COMPRESSED_GROUP = {
    "12.1": 36.0, "12.2": 142.0, "12.3": 181.0, "12.4": 41.0, "12.5": 88.0,
    "13.1": 33.0, "13.2": 32.0, "13.3": 76.0, "13.4": 38.0, "13.5": 78.0, "13.6": 42.0,
    "13.7": 83.0,
}  # fmt: skip
_COMPRESSED_SIZE = (
    0.005, 0.005, 0.005, 0.006, 0.008, 0.013, 0.018, 0.033, 0.06, 0.12,
    0.015, 0.025, 0.035, 0.08, 0.13, 0.14, 0.14, 0.14,
)  # fmt: skip


def split(cases: Iterable[str], shards: int) -> tuple[tuple[str, ...], ...]:
    """Share *cases* out over at most *shards* shards of about equal weight.

    The heaviest case first, each goes to the shard that has least to do. Shards keep the order
    of *cases*; none is empty.
    """
    ordered = tuple(cases)
    loads = [0.0] * shards
    owner: dict[str, int] = {}
    for case in sorted(ordered, key=weight, reverse=True):
        lightest = loads.index(min(loads))
        owner[case] = lightest
        loads[lightest] += weight(case)
    parts = (tuple(case for case in ordered if owner[case] == shard) for shard in range(shards))
    return tuple(part for part in parts if part)


def _quick(groups: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    chosen: list[str] = []
    for group, count in groups:
        chapter = int(group.partition(".")[0])
        if chapter <= 7 or chapter == 10:
            chosen += [f"{group}.{number}" for number in range(1, count + 1)]
        elif chapter >= 12:
            chosen.append(f"{group}.{_QUICK_COMPRESSED}")
    return tuple(chosen)


# Of each group of compressed cases the quick selection takes the one that sends 1 000 messages
# of 8 KiB in fragments of 256 octets.
_QUICK_COMPRESSED = 11

#: Chapters 1 to 7 and 10 whole, and one case of each group of chapters 12 and 13.
QUICK_CASES: tuple[str, ...] = _quick(_GROUPS)
