"""The catalogue of requirements."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from wsref.requirements import requirement, requirements


def test_every_id_says_where_the_requirement_stands() -> None:
    """RFC, section and ordinal; ids are unique, as keys of a mapping have to be."""
    for name, entry in requirements().items():
        assert entry.id == name
        assert re.fullmatch(rf"RFC{entry.rfc}-{re.escape(entry.section)}-\d\d", name)


def test_the_catalogue_covers_the_rfcs_that_wsref_implements() -> None:
    """334 entries of RFC 6455 and 109 of RFC 7692."""
    counts = Counter(entry.rfc for entry in requirements().values())
    assert counts == {6455: 334, 7692: 109, 7936: 2, 8307: 2, 8441: 17, 9220: 5}


def test_fields_have_the_values_that_they_can_have() -> None:
    """Level, role, what can be observed, and the status code if there is one."""
    for entry in requirements().values():
        assert entry.level in ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY")
        assert entry.role in ("client", "server", "both")
        assert entry.observable in ("peer", "local", "none")
        assert entry.summary.endswith(".")
        assert entry.close_code is None or 1000 <= entry.close_code <= 1015
        assert entry.is_absolute == entry.level.startswith("MUST")


def test_only_what_binds_servers_and_shows_has_a_check_of_servers() -> None:
    """What a client does, and what nobody can see, a server cannot be checked for."""
    for entry in requirements().values():
        if entry.check:
            assert entry.binds_servers, entry.id
            assert entry.observable == "peer", entry.id


def test_a_requirement_says_where_it_can_be_read() -> None:
    """The clause as people write it, and the section's address."""
    masking = requirement("RFC6455-5.1-02")
    assert masking.clause == "RFC 6455 §5.1"
    assert masking.url == "https://www.rfc-editor.org/rfc/rfc6455#section-5.1"


def test_an_unknown_id_is_named() -> None:
    """With ValueError."""
    with pytest.raises(ValueError, match=r"'RFC6455-99-01' is not the id of a requirement"):
        requirement("RFC6455-99-01")


def test_the_catalogue_cannot_be_changed() -> None:
    """It is shared by all who ask for it."""
    with pytest.raises(TypeError):
        requirements()["RFC6455-5.1-02"] = requirement("RFC6455-5.1-04")  # type: ignore[index]
