"""The checker in pytest: every case a test item, and a fixture for servers that a test starts.

``pytest --wsref-url ws://localhost:9001/`` adds an item for each case, named by the case and the
requirement that it is about.  For a server that is started by a test there is a fixture::

    def test_my_server_keeps_to_the_rfc(wsref_check):
        with my_server() as url:
            wsref_check(url)

pytest finds this plugin by itself once wsref is installed.  Before it is used, nothing of the
checker is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import pytest

if TYPE_CHECKING:
    from .check.baseline import Expectation
    from .check.options import Options
    from .check.report import Report, Result

__all__ = ["CheckFunction", "wsref_check"]


class CheckFunction(Protocol):
    """What the fixture ``wsref_check`` is."""

    def __call__(self, url: str, options: Options | None = None) -> Report:
        """Check a server; the test fails if it breaks anything.

        Args:
            url: where the server is.
            options: what to check; those of the command line if None.

        Returns:
            The report, if there is nothing bad in it.
        """
        ...


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("wsref", "check WebSocket servers (RFC 6455, RFC 7692)")
    group.addoption(
        "--wsref-url",
        action="append",
        default=[],
        metavar="URL",
        help="check this server, each case a test item (repeatable)",
    )
    group.addoption(
        "--wsref-include",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only these: a section, a case, a glob of cases, a requirement (repeatable)",
    )
    group.addoption(
        "--wsref-exclude", action="append", default=[], metavar="PATTERN", help="but not these"
    )
    group.addoption("--wsref-strict", action="store_true", help="fail for WARN and FLAKY, too")
    group.addoption("--wsref-baseline", metavar="FILE", help="what is known to be wrong")


def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add an item for each case and server."""
    for url in _list_option(config, "--wsref-url"):
        server = _Server.from_parent(  # pyright: ignore[reportUnknownMemberType]
            session, name=url
        )
        server.url = url
        items.extend(server.collect())


@pytest.fixture
def wsref_check(request: pytest.FixtureRequest) -> CheckFunction:
    """Check a server that the test has started; see :class:`CheckFunction`."""
    config = request.config

    def run(url: str, options: Options | None = None) -> Report:
        from .check import check_server

        __tracebackhide__ = True
        report = check_server(url, _options(config) if options is None else options)
        if report.exit_code:
            pytest.fail(_story(report), pytrace=False)
        return report

    return run


class _Server(pytest.Collector):
    """A server, whose items are the cases."""

    url: str

    def collect(self) -> Iterator[_CaseItem]:
        from .check.catalogue import catalogue
        from .check.options import selects

        options = _options(self.config)
        for case in catalogue():
            if selects(options, case):
                item = _CaseItem.from_parent(  # pyright: ignore[reportUnknownMemberType]
                    self, name=f"{case.id}[{case.requirements[0]}]"
                )
                item.case_id = case.id
                yield item

    @cached_property
    def results(self) -> dict[str, Result]:
        """The outcome of all cases; checking is done for the first one that asks."""
        from .check import check_server
        from .check.baseline import apply_baseline

        report = check_server(self.url, _options(self.config))
        if report.facts is None:
            pytest.fail(f"{self.url}: {report.problem}", pytrace=False)
        return {
            result.case.id: result for result in apply_baseline(report, self._baseline()).results
        }

    def _baseline(self) -> dict[str, Expectation]:
        from .check.baseline import read_baseline
        from .check.catalogue import catalogue

        path = cast("str | None", self.config.getoption("--wsref-baseline"))
        if path is None:
            return {}
        return read_baseline(Path(path), (case.id for case in catalogue()))


class _CaseItem(pytest.Item):
    """One case, for one server."""

    case_id: str

    def runtest(self) -> None:
        """Report the outcome of the case.

        Raises:
            _CaseFailed: the server breaks something.
        """
        from .check.verdicts import Verdict

        assert isinstance(self.parent, _Server)
        result = self.parent.results[self.case_id]
        gating = [Verdict.FAIL, Verdict.XPASS, Verdict.BLOCKED]
        if _is_strict(self.config):
            gating += [Verdict.WARN, Verdict.FLAKY]
        if result.verdict is Verdict.SKIP:
            pytest.skip(result.note)
        if result.verdict in gating:
            raise _CaseFailed(_tell(result))

    def repr_failure(  # type: ignore[override]
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> object:
        """Tell what was sent and got, without a traceback."""
        if isinstance(excinfo.value, _CaseFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return what the item is called."""
        return self.path, None, self.name


class _CaseFailed(Exception):
    """The server breaks something; the message tells it to people."""


def _options(config: pytest.Config) -> Options:
    from .check.options import Options

    return Options(
        include=tuple(_list_option(config, "--wsref-include")),
        exclude=tuple(_list_option(config, "--wsref-exclude")),
        strict=_is_strict(config),
        phases=("fixed",),
    )


def _list_option(config: pytest.Config, name: str) -> list[str]:
    return cast("list[str]", config.getoption(name))


def _is_strict(config: pytest.Config) -> bool:
    return bool(config.getoption("--wsref-strict"))


def _tell(result: Result) -> str:
    """Tell what came of one case, and what was said."""
    from .check.narrate import narrate, short_hex
    from .requirements import requirement

    lines = [f"{result.verdict}: {result.case.title}"]
    for finding in result.findings:
        about = requirement(finding.requirement) if finding.requirement else None
        lines.append(f"  {finding.message}")
        if about is not None:
            lines.append(f"    {about.clause} ({about.id}, {about.level}): {about.summary}")
    if result.note:
        lines.append(f"  {result.note}")
    if result.record is not None:
        for line in narrate(result.record):
            shown = f"{short_hex(line.data)}   {line.text}" if line.who else line.text
            lines.append(f"  {line.who:4} {shown}")
    return "\n".join(lines)


def _story(report: Report) -> str:
    """Return the report as text."""
    from .check.terminal import Terminal

    output = StringIO()
    Terminal(output, color="never").show(report)
    return output.getvalue()
