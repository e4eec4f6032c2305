"""What a person sees of a check: progress, a table by section, a block for every fault.

Where the output is no terminal it has no colours and no progress, and says the same.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal, TextIO, TypeAlias

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from ..requirements import requirement
from .narrate import Line, narrate, short_hex
from .report import Fault, Report, Result
from .sections import section_title, shown_section
from .verdicts import Verdict

__all__ = ["Color", "Terminal"]

Color: TypeAlias = Literal["auto", "always", "never"]

_STYLES: Final = {
    Verdict.FAIL: "bold red",
    Verdict.XPASS: "bold magenta",
    Verdict.WARN: "yellow",
    Verdict.FLAKY: "yellow",
    Verdict.BLOCKED: "magenta",
    Verdict.EXPECTED: "cyan",
    Verdict.INFO: "cyan",
    Verdict.PASS: "green",
    Verdict.SKIP: "dim",
}


class Terminal:
    """Shows checks on a terminal, or in a file.

    Args:
        output: where to write.
        color: whether to use colours.
        verbosity: -1 for a summary only, 0 for the usual, 1 for the frames of every case that is
            not PASS, 2 for those of all cases with their bytes.
        redact: whether to hide credentials.
    """

    def __init__(
        self, output: TextIO, *, color: Color = "auto", verbosity: int = 0, redact: bool = True
    ) -> None:
        force = {"auto": None, "always": True, "never": False}[color]
        self._console = Console(
            file=output,
            force_terminal=force,
            color_system="auto" if force is None else ("standard" if force else None),
            highlight=False,
            soft_wrap=True,
        )
        self._verbosity = verbosity
        self._redact = redact
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._counts: Counter[Verdict] = Counter()

    # While it is going on

    def start(self, url: str) -> None:
        """Say what is checked; show the progress if there is a person to see it."""
        self._counts.clear()
        if self._verbosity >= 0:
            self._print(Text.assemble(("wsref check ", "bold"), url))
        if self._console.is_terminal and self._verbosity >= 0:
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[counts]}"),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
            )
            self._task = self._progress.add_task("controls", total=None, counts="")
            self._progress.start()

    def begins(self, total: int) -> None:
        """So many cases are going to be run."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, total=total)

    def has_result(self, result: Result) -> None:
        """A case was run."""
        self._counts[result.verdict] += 1
        if self._progress is not None and self._task is not None:
            bad = [
                f"[{_STYLES[verdict]}]{self._counts[verdict]} {verdict}[/]"
                for verdict in (Verdict.FAIL, Verdict.WARN, Verdict.FLAKY)
                if self._counts[verdict]
            ]
            self._progress.update(self._task, advance=1, counts=" ".join(bad))

    def enters(self, phase: str) -> None:
        """The check goes on to something else."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=phase)

    def stop(self) -> None:
        """Take the progress off the screen; may be called again."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    # Afterwards

    def show(self, report: Report, replay_options: str = "") -> None:
        """Show a report.

        Args:
            report: what came of the check.
            replay_options: what ``wsref replay`` needs to get to the server, beside its URL.
        """
        self.stop()
        if self._verbosity >= 0:
            self._show_facts(report)
            self._show_sections(report)
            for fault in report.faults:
                self._show_fault(fault, report, replay_options)
            self._show_details(report)
        self._show_summary(report)

    def _show_facts(self, report: Report) -> None:
        facts = report.facts
        about = f"  seed {report.seed}"
        if report.server:
            about += f"   server: {report.server}"
        if facts is not None:
            trip = f"{facts.round_trip * 1000:.1f} ms" if facts.pongs else "no Pong"
            about += (
                f"   Ping: {trip}   echo: {'yes' if facts.echoes else 'no'}"
                f"   permessage-deflate: {'yes' if facts.deflates else 'no'}"
            )
            if facts.unasked:
                about += f"   greets with {facts.unasked} messages"
            if not facts.parallel:
                about += "   serves one connection after another"
            if facts.broadcasts:
                about += "   passes messages on to all"
        self._print(Text(about, style="dim"))
        if report.problem:
            self._print(Text(f"  {report.problem}", style="bold red"))
        self._print()

    def _show_sections(self, report: Report) -> None:
        if not report.results:
            return
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        for section, counts in report.sections.items():
            outcome = Text("  ").join(
                Text(f"{counts[verdict]} {_word(verdict)}", style=_STYLES[verdict])
                for verdict in reversed(Verdict)
                if counts[verdict]
            )
            table.add_row(Text(shown_section(section)), Text(section_title(section)), outcome)
        self._console.print(table)
        self._print()

    def _show_fault(self, fault: Fault, report: Report, replay_options: str) -> None:
        result = fault.results[0]
        finding = result.findings[0] if result.findings else None
        about = requirement(finding.requirement) if finding is not None else None
        level = "" if about is None else f"  [{about.level}]"
        title = result.note or result.case.title if finding is None else finding.message
        self._print(
            Text.assemble(
                (f"{fault.verdict:5}", _STYLES[fault.verdict]), " ", (title, "bold"), (level, "dim")
            )
        )
        if about is not None:
            self._field("clause", f"{about.clause}  {about.id}")
            self._field("why", about.summary)
            self._field("", about.url)
        self._field("case", f"{result.case.id}: {result.case.title}")
        if len(fault.results) > 1:
            others = [other.case.id for other in fault.results[1:]]
            shown = ", ".join(others[:4]) + (f" and {len(others) - 4} more" if others[4:] else "")
            self._field("also", shown)
        self._show_record(result)
        if result.shrunk:
            self._field("shrunk", result.shrunk)
        if result.repeats:
            self._field("seen", result.repeats)
        if result.note and finding is not None:
            self._field("note", result.note)
        token = result.replay or result.case.id
        self._field("replay", " ".join(filter(None, ["wsref replay", token, report.url])))
        if replay_options:
            self._field("", f"with {replay_options}")
        self._print()

    def _show_record(self, result: Result) -> None:
        """Show what was sent and got; heads only where the opening handshake is the matter."""
        if result.record is None:
            return
        lines = list(narrate(result.record, redact=self._redact))
        about_opening = not result.case.opens or not result.record.is_open
        of_frames = [line for line in lines if not _is_head(line)]
        about_opening = about_opening or not any(line.who == "sent" for line in of_frames)
        if about_opening or self._verbosity >= 1:
            of_frames = lines
        last = ""
        for line in of_frames:
            label = line.who if line.who != last or not line.who else ""
            last = line.who
            self._show_line(label, line)

    def _show_line(self, label: str, line: Line) -> None:
        if not line.who:
            self._field("", line.text)
        elif _is_head(line):
            for part in line.data.decode("latin-1").splitlines()[:40]:
                if part:
                    self._field(label, part)
                    label = ""
        else:
            limit = len(line.data) if self._verbosity >= 2 else 24
            note = f"  ({line.note})" if line.note and line.note not in line.text else ""
            self._field(label, f"{short_hex(line.data, limit)}   {line.text}{note}")

    def _show_details(self, report: Report) -> None:
        """Show single cases, as far as one wants to see them."""
        for result in report.results:
            interesting = result.verdict not in (Verdict.PASS, Verdict.SKIP)
            if self._verbosity >= 2 or (self._verbosity == 1 and interesting):
                self._print(
                    Text.assemble(
                        (f"{result.verdict:8}", _STYLES[result.verdict]), " ", result.case.id
                    )
                )
                for finding in result.findings:
                    self._field("", f"{finding.verdict}: {finding.message} ({finding.requirement})")
                if result.note:
                    self._field("", result.note)
                self._show_record(result)

    def _show_summary(self, report: Report) -> None:
        counts = report.counts
        parts = [
            Text(f"{counts[verdict]} {_word(verdict)}", style=_STYLES[verdict])
            for verdict in reversed(Verdict)
            if counts[verdict]
        ] or [Text("nothing was run", style="bold red")]
        summary = Text(" · ").join(parts)
        summary.append(f"   {report.duration:.1f} s   exit {report.exit_code}")
        if self._verbosity < 0:
            summary = Text.assemble(f"{report.url}  ", summary)
            if report.problem:
                summary.append(f"  {report.problem}")
        self._print(summary)
        if self._verbosity >= 0 and report.results:
            ledger = Counter(
                "untested" if verdict is None else "tested" for verdict in report.ledger.values()
            )
            self._print(
                Text(
                    f"requirements that bind servers and show on the wire: {ledger['tested']}"
                    f" tested, {ledger['untested']} not",
                    style="dim",
                )
            )

    def _field(self, label: str, text: str) -> None:
        self._print(Text.assemble((f"  {label:7} ", "dim"), text))

    def _print(self, text: Text | str = "") -> None:
        self._console.print(text if isinstance(text, Text) else escape(text))


def _word(verdict: Verdict) -> str:
    """Say how good a verdict is: the bad ones loud."""
    calm = {
        Verdict.PASS: "ok",
        Verdict.SKIP: "skipped",
        Verdict.INFO: "notes",
        Verdict.EXPECTED: "expected",
        Verdict.BLOCKED: "blocked",
        Verdict.FLAKY: "flaky",
    }
    return calm.get(verdict, str(verdict))


def _is_head(line: Line) -> bool:
    return line.data.startswith((b"HTTP/", b"GET ")) or "HTTP/" in line.text
