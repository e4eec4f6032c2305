"""Every requirement is traced: the snapshot is current, and nothing that binds is left out."""

from __future__ import annotations

from functools import cache

import pytest

from spec_tests.traceability import (
    SNAPSHOT,
    Pin,
    Trace,
    autobahn_cases,
    find_pins,
    find_symbols,
    main,
    reasons,
    render,
    summary,
    traces,
    unknown_ids,
    without_pin_or_reason,
)
from wsref.requirements import requirement, requirements


@cache
def found() -> tuple[Trace, ...]:
    """Trace the project once for all tests."""
    return traces()


# The project


def test_the_snapshot_is_what_the_sources_say() -> None:
    """Run ``python -m spec_tests.traceability --write`` and look at what has changed."""
    assert SNAPSHOT.read_text(encoding="utf-8") == render(found())


def test_tests_and_code_name_only_what_is_a_requirement() -> None:
    """A wrong id would pin nothing."""
    assert unknown_ids() == []


def test_every_obligation_has_a_test_of_an_endpoint_or_a_reason() -> None:
    """The levels MUST, MUST NOT, SHOULD and SHOULD NOT, all of them."""
    assert [trace.requirement.id for trace in without_pin_or_reason(found())] == []


def test_reasons_are_only_given_where_there_is_no_test() -> None:
    """Else a reason would outlive what it is about."""
    assert [one.requirement.id for one in found() if one.reason and one.is_pinned] == []


def test_what_is_pinned_is_named_or_cited_by_code() -> None:
    """A reader finds the place; of obligations at least."""
    assert [
        one.requirement.id
        for one in found()
        if one.is_pinned and one.requirement.level != "MAY" and not (one.code or one.citing)
    ] == []


def test_what_binds_by_must_is_pinned_but_for_what_nobody_can_test() -> None:
    """Reasons are no way out: nearly all of RFC 6455 and RFC 7692 has a test."""
    bound = [
        one
        for one in found()
        if one.requirement.rfc in (6455, 7692)
        and one.requirement.is_absolute
        and one.requirement.observable != "none"
    ]
    assert sum(one.is_pinned for one in bound) >= 0.95 * len(bound)


# How it is found


CODE = '''
"""Frames (RFC 6455 §5.2)."""

#: As long as can be (§5.5, RFC 7692 §6.1).
LONGEST = 125


class Frame:
    """One of them.

    An id is something such as ``RFC6455-5.2-01``.
    """

    opcode: int  #: which (§11.8)

    def check(self) -> None:
        """Check it (RFC 6455 §5.4 to §5.6)."""

        def complain() -> None:
            raise Violation("RFC6455-5.4-03", "bad")

        complain()


def nothing() -> None:
    """Cite nothing, like RFC 6455 as a whole."""
'''


def test_symbols_are_found_with_what_they_name_and_cite() -> None:
    """By their docstrings and comments, and by the strings in their code."""
    symbols = {one.name: one for one in find_symbols(CODE, "frames")}
    assert set(symbols) == {"frames", "frames.LONGEST", "frames.Frame.opcode", "frames.Frame.check"}
    assert symbols["frames"].clauses == {(6455, "5.2")}
    assert symbols["frames.LONGEST"].clauses == {(6455, "5.5"), (7692, "6.1")}
    assert symbols["frames.Frame.opcode"].clauses == {(6455, "11.8")}
    assert symbols["frames.Frame.check"].clauses == {(6455, "5.4"), (6455, "5.5"), (6455, "5.6")}
    assert symbols["frames.Frame.check"].ids == {"RFC6455-5.4-03"}
    assert symbols["frames"].ids == frozenset()


def test_a_range_stays_within_a_section() -> None:
    """What §5.4 to §6.1 would mean nobody knows."""
    with pytest.raises(ValueError, match=r"§5\.4 to 6\.1"):
        list(find_symbols('"""All of RFC 6455 §5.4 to §6.1."""', "x"))


TESTS = """
@pytest.mark.rfc("A", "B")
@pytest.mark.parametrize("x", [1, pytest.param(2, marks=pytest.mark.rfc("C"))])
def test_unit(x): ...

@pytest.mark.rfc("A")
@given(st.integers())
def test_property(x): ...

def test_without(): ...

@pytest.mark.rfc("A")
def helper(): ...

@pytest.mark.rfc("A")
def test_machine():
    run_state_machine_as_test(Machine)

@pytest.mark.rfc("D")
class TestGroup:
    @pytest.mark.rfc("E")
    async def test_member(self): ...

@pytest.mark.rfc("F")
class Pair(stateful.RuleBasedStateMachine): ...

TestPair = pytest.mark.rfc("G")(Pair.TestCase)
"""


def test_tests_are_found_with_what_they_pin_and_how() -> None:
    """Functions, methods, machines and what is only assigned; no helpers."""
    assert list(find_pins(TESTS, "spec_tests/rfc6455/test_x.py")) == [
        Pin("rfc6455/test_x.py::test_unit", "unit", ("A", "B", "C")),
        Pin("rfc6455/test_x.py::test_property", "property", ("A",)),
        Pin("rfc6455/test_x.py::test_machine", "machine", ("A",)),
        Pin("rfc6455/test_x.py::TestGroup::test_member", "unit", ("D", "E")),
        Pin("rfc6455/test_x.py::Pair", "machine", ("F",)),
        Pin("rfc6455/test_x.py::TestPair", "machine", ("G",)),
    ]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("spec_tests/model/test_x.py", "model"),
        ("spec_tests/testing/test_x.py", "tool"),
        ("spec_tests/api/test_explain.py", "tool"),
    ],
)
def test_the_place_of_a_test_may_say_what_it_is(path: str, kind: str) -> None:
    """Those of tools pin nothing, whatever they name."""
    pins = list(find_pins(TESTS, path))
    assert {pin.kind for pin in pins} == {kind}
    trace = Trace(requirement("RFC6455-5.4-03"), (), (), tuple(pins), (), (), "")
    assert trace.is_pinned is (kind == "model")


def test_a_mark_on_a_module_is_on_all_its_tests() -> None:
    """As pytest has it."""
    source = 'pytestmark = [pytest.mark.rfc("A"), pytest.mark.slow]\ndef test_x(): ...\n'
    assert list(find_pins(source, "spec_tests/test_x.py")) == [
        Pin("test_x.py::test_x", "unit", ("A",))
    ]


def test_an_unknown_requirement_is_reported() -> None:
    """With the test that names it."""
    pins = [Pin("test_x.py::test_x", "unit", ("RFC6455-5.4-03", "RFC6455-1.4-99"))]
    assert unknown_ids(pins, ()) == ["test_x.py::test_x names RFC6455-1.4-99"]


def test_what_has_neither_test_nor_reason_is_reported() -> None:
    """A test of a tool is not enough; a permission may go without."""
    pin = Pin("test_x.py::test_x", "unit", ("RFC6455-5.4-03",))
    bare = Trace(requirement("RFC6455-5.4-03"), (), (), (), (), ("5.4/a-case",), "")
    assert without_pin_or_reason(
        [
            bare,
            bare._replace(tests=(pin,)),
            bare._replace(tests=(pin._replace(kind="tool"),)),
            bare._replace(reason="because"),
            bare._replace(requirement=requirement("RFC6455-5.4-06")),
        ]
    ) == [bare, bare._replace(tests=(pin._replace(kind="tool"),))]


# What people write


def test_reasons_are_read_with_their_patterns() -> None:
    """One reason may stand for many."""
    text = '[[reason]]\nrequirements = ["RFC9220-*"]\nwhy = """\nIt is\nHTTP/3."""\n'
    expected = {name: "It is HTTP/3." for name in requirements() if name.startswith("RFC9220-")}
    assert reasons(text) == expected
    assert len(expected) == 5


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ('"RFC6455-5.4-99"', "'RFC6455-5.4-99' stands for no requirement"),
        ('"RFC6455-5.4-03", "RFC6455-5.4-0*"', "RFC6455-5.4-03 has two reasons"),
    ],
)
def test_a_mistake_in_the_reasons_is_named(patterns: str, message: str) -> None:
    """Else it would stay there for ever."""
    with pytest.raises(ValueError, match=message.replace("*", r"\*")):
        reasons(f'[[reason]]\nrequirements = [{patterns}]\nwhy = "x"\n')


def test_autobahn_cases_have_to_be_there() -> None:
    """Both the case and the requirement."""
    assert autobahn_cases('[cases]\n"RFC6455-5.4-03" = ["5.9", "5.1*"]\n') == {
        "RFC6455-5.4-03": ("5.9", "5.1*")
    }
    with pytest.raises(ValueError, match=r"'5\.99'"):
        autobahn_cases('[cases]\n"RFC6455-5.4-03" = ["5.99"]\n')
    with pytest.raises(ValueError, match=r"'RFC6455-5\.4-99'"):
        autobahn_cases('[cases]\n"RFC6455-5.4-99" = ["5.9"]\n')


# The command


def test_the_command_prints_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    """By level, with what pins how many."""
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(summary(found()))
    assert "named or cited by code" in printed


def test_the_command_tells_all_about_a_clause(capsys: pytest.CaptureFixture[str]) -> None:
    """Where it is, and what pins it."""
    assert main(["RFC6455-5.4-03", "7692:7.2.1"]) == 0
    printed = capsys.readouterr().out
    assert "``protocol.messages.check_fragment``" in printed
    assert "test_a_continuation_without_a_message_fails_with_1002" in printed
    assert "``RFC7692-7.2.1-01`` MUST, both" in printed
    assert "RFC6455-5.4-04" not in printed


def test_the_command_knows_when_nothing_is_meant(capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2, like every mistake in a command."""
    with pytest.raises(SystemExit) as caught:
        main(["5.99"])
    assert caught.value.code == 2
    assert "no requirement is named by '5.99'" in capsys.readouterr().err
