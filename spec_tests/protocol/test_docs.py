"""The documentation says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from docs.closing import generated

ROOT = Path(__file__).parents[2]


def test_the_diagram_of_states_is_drawn_from_the_table() -> None:
    """``python -m docs.closing`` was run after the last change of the table."""
    for path, content in generated().items():
        assert path.read_text(encoding="utf-8") == content


def test_the_readme_opens_with_the_two_commands() -> None:
    """The first two indented lines install and run the main job, and run the tests."""
    lines = (ROOT / "README.rst").read_text(encoding="utf-8").splitlines()
    first, second = [line.strip() for line in lines if line.startswith("    ")][:2]
    assert re.fullmatch(
        r'python3 -m venv \.venv && \.venv/bin/pip install "\.\[check\]" && .*wsref check', first
    )
    assert second.endswith("-m pytest")
