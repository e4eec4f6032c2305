"""The harness's own logic, which needs no engine: which cases, which verdicts, which engine."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from . import __main__ as command_line
from .cases import ALL_CASES, QUICK_CASES, select, split, weight
from .engine import Engine, NoEngine, container, find_engine
from .image import build_context, debian_mirror, image_name, pip_settings
from .process import running
from .results import CaseResult, Report, complaints, read_faults, read_shard, summary, write_page
from .runs import run

AGENT = "wsref-client"


# Which cases


def test_all_517_cases_are_known_once_each() -> None:
    """The table of groups adds up to what the TestSuite has."""
    assert len(ALL_CASES) == len(set(ALL_CASES)) == 517
    assert ALL_CASES[0] == "1.1.1"
    assert ALL_CASES[-1] == "13.7.18"


def test_quick_is_chapters_1_to_7_and_10_and_one_of_each_compressed_group() -> None:
    """The quick selection is what the option promises."""
    chapters = Counter(case.split(".")[0] for case in QUICK_CASES)
    everything = Counter(case.split(".")[0] for case in ALL_CASES)
    assert all(chapters[chapter] == everything[chapter] for chapter in "1234567")
    assert chapters["9"] == 0
    assert chapters["10"] == 1
    groups = [case.rpartition(".")[0] for case in QUICK_CASES if case.startswith(("12", "13"))]
    assert groups == [f"12.{n}" for n in range(1, 6)] + [f"13.{n}" for n in range(1, 8)]


def test_patterns_choose_cases_in_the_testsuites_order() -> None:
    """Patterns match whole ids, and their order and repetition do not matter."""
    assert select("7.13.*, 1.1.2,1.1.*1,7.13.1") == ("1.1.1", "1.1.2", "7.13.1", "7.13.2")
    assert select("2.1") == ("2.1",)
    assert select("full") == ALL_CASES
    assert select("quick") == QUICK_CASES


@pytest.mark.parametrize("pattern", ["8.*", "1.1", "", "1.1.1,", "1x1.1"])
def test_a_pattern_that_matches_nothing_is_refused_by_name(pattern: str) -> None:
    """Nobody runs no case by mistake."""
    wrong = pattern.rpartition(",")[2]
    with pytest.raises(ValueError, match="matches") as caught:
        select(pattern)
    assert repr(wrong) in str(caught.value)


def test_shards_share_every_case_out_evenly() -> None:
    """No case is lost or doubled, order is kept, and the loads differ little."""
    shards = split(ALL_CASES, 2)
    assert len(shards) == 2
    assert sorted(shards[0] + shards[1], key=ALL_CASES.index) == list(ALL_CASES)
    for shard in shards:
        assert list(shard) == sorted(shard, key=ALL_CASES.index)
    loads = [sum(map(weight, shard)) for shard in shards]
    assert max(loads) < 1.05 * min(loads)


def test_no_shard_is_empty() -> None:
    """One case makes one shard."""
    assert split(["1.1.1"], 2) == (("1.1.1",),)
    assert split([], 2) == ()


# Which verdicts


def write_shard(folder: Path, verdicts: dict[str, tuple[str, str]]) -> Path:
    """Write what the TestSuite would write for these verdicts (behavior, behaviorClose)."""
    folder.mkdir(parents=True)
    index: dict[str, object] = {}
    for case, (behavior, behavior_close) in verdicts.items():
        file = f"wsref_case_{case.replace('.', '_')}.json"
        (folder / file).write_text(json.dumps({"result": "Seen.", "resultClose": "<Shut>."}))
        index[case] = {
            "behavior": behavior,
            "behaviorClose": behavior_close,
            "duration": 7,
            "remoteCloseCode": 1000,
            "reportfile": file,
        }
    (folder / "index.json").write_text(json.dumps({AGENT: index}))
    return folder


def report_of(results: tuple[CaseResult, ...], asked: tuple[str, ...]) -> Report:
    """Make a report with these results."""
    return Report("client", asked, results, seconds=61.2, cpu_seconds=12.34)


def all_results(informational: int) -> tuple[CaseResult, ...]:
    """Make results for all cases, the last so many INFORMATIONAL."""
    return tuple(
        CaseResult(case, "OK" if place < 517 - informational else "INFORMATIONAL", "OK", 1, "", "")
        for place, case in enumerate(ALL_CASES)
    )


def test_a_shards_verdicts_are_read_with_their_words(tmp_path: Path) -> None:
    """Each case has both verdicts, its duration, the TestSuite's words and its page."""
    folder = write_shard(tmp_path / "shard-1", {"7.1.6": ("INFORMATIONAL", "OK")})
    assert read_shard(folder, AGENT) == (
        CaseResult(
            "7.1.6", "INFORMATIONAL", "OK", 7, "Seen. <Shut>.", "shard-1/wsref_case_7_1_6.html"
        ),
    )


def test_a_shard_without_a_report_has_no_results(tmp_path: Path) -> None:
    """A container that ended early leaves nothing, and so every case is missing."""
    assert read_shard(tmp_path, AGENT) == ()
    assert complaints(report_of((), ("1.1.1", "1.1.2"))) == ("2 cases were not run: 1.1.1, 1.1.2",)


@pytest.mark.parametrize(
    ("behavior", "behavior_close"),
    [
        ("NON-STRICT", "OK"),
        ("FAILED", "OK"),
        ("UNIMPLEMENTED", "OK"),
        ("OK", "FAILED"),
        ("OK", "WRONG CODE"),
        ("OK", "UNCLEAN"),
        ("OK", "FAILED BY CLIENT"),
    ],
)
def test_every_verdict_but_ok_and_informational_is_a_complaint(
    tmp_path: Path, behavior: str, behavior_close: str
) -> None:
    """The complaint names the case, both verdicts and the TestSuite's reasons."""
    shard = write_shard(
        tmp_path / "shard-1", {"1.1.1": ("OK", "OK"), "3.2": (behavior, behavior_close)}
    )
    report = report_of(read_shard(shard, AGENT), ("1.1.1", "3.2"))
    assert complaints(report) == (f"3.2: {behavior}, close {behavior_close}: Seen. <Shut>.",)


def test_a_clean_run_of_some_cases_has_no_complaint(tmp_path: Path) -> None:
    """OK and INFORMATIONAL are fine."""
    shard = write_shard(
        tmp_path / "shard-1", {"1.1.1": ("OK", "OK"), "7.1.6": ("INFORMATIONAL", "INFORMATIONAL")}
    )
    assert complaints(report_of(read_shard(shard, AGENT), ("1.1.1", "7.1.6"))) == ()


def test_a_run_of_no_case_is_a_complaint() -> None:
    """Nothing run is nothing shown."""
    assert complaints(report_of((), ())) == ("no case was asked for",)


def test_a_full_run_must_give_514_ok_and_3_informational() -> None:
    """One INFORMATIONAL too many would hide a case that was OK."""
    assert complaints(report_of(all_results(3), ALL_CASES)) == ()
    assert complaints(report_of(all_results(4), ALL_CASES)) == (
        "all 517 cases should give 3 INFORMATIONAL, 514 OK, not 4 INFORMATIONAL, 513 OK",
    )


def test_exceptions_out_of_a_client_are_complaints(tmp_path: Path) -> None:
    """They are found in its output, whatever else is there."""
    log = tmp_path / "client.log"
    log.write_text("Traceback\n  somewhere\nfault: ws://h/runCase: TypeError: no\nmore\n")
    faults = read_faults(log)
    assert faults == ("fault: ws://h/runCase: TypeError: no",)
    report = report_of(all_results(3), ALL_CASES)._replace(errors=faults)
    assert complaints(report) == faults


def test_the_summary_has_counts_times_and_complaints() -> None:
    """A reader sees how it went in a line, and what was wrong below."""
    results = (
        CaseResult("1.1.1", "OK", "OK", 1, "", ""),
        CaseResult("1.1.2", "FAILED", "OK", 1, "Wrong.", ""),
    )
    assert summary(report_of(results, ("1.1.1", "1.1.2", "1.1.3"))) == (
        "client: 2 of 3 cases: 1 FAILED, 1 OK; close: 2 OK; 61 s, 12.3 s of it our CPU\n"
        "  1 cases were not run: 1.1.3\n"
        "  1.1.2: FAILED, close OK: Wrong."
    )


def test_the_page_links_to_the_testsuites_pages(tmp_path: Path) -> None:
    """Every case has a row, and what the TestSuite said is escaped."""
    shard = write_shard(tmp_path / "shard-1", {"3.2": ("FAILED", "OK"), "1.1.1": ("OK", "OK")})
    page = write_page(report_of(read_shard(shard, AGENT), ("1.1.1", "3.2")), tmp_path)
    text = page.read_text("utf-8")
    assert '<tr class="fault"><td><a href="shard-1/wsref_case_3_2.html">3.2</a></td>' in text
    assert '<tr class="clean"><td><a href="shard-1/wsref_case_1_1_1.html">1.1.1</a></td>' in text
    assert "&lt;Shut&gt;" in text


# Which engine


def fake_program(folder: Path, name: str, status: int, output: str = "") -> None:
    """Put a program on a fake PATH that notes its arguments and ends with *status*."""
    program = folder / name
    program.write_text(
        f'#!/bin/sh\necho {name} "$@" >> {folder}/calls\necho "{output}"\nexit {status}\n'
    )
    program.chmod(0o755)


@pytest.fixture
def fake_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty folder the whole PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_docker_is_preferred_where_both_answer(fake_path: Path) -> None:
    """Docker first, and podman if asked for by name."""
    fake_program(fake_path, "docker", 0)
    fake_program(fake_path, "podman", 0)
    assert find_engine() == Engine("docker", str(fake_path / "docker"))
    assert find_engine("podman") == Engine("podman", str(fake_path / "podman"))


def test_podman_is_taken_where_dockers_daemon_is_silent(fake_path: Path) -> None:
    """An engine that is installed but does not answer is passed over."""
    fake_program(fake_path, "docker", 1)
    fake_program(fake_path, "podman", 0)
    assert find_engine() == Engine("podman", str(fake_path / "podman"))


def test_without_an_engine_the_reason_is_one_clear_line(fake_path: Path) -> None:
    """It says of each engine what is amiss."""
    with pytest.raises(NoEngine) as nothing:
        find_engine()
    assert str(nothing.value) == (
        "no container engine answers: docker is not installed, podman is not installed"
    )
    fake_program(fake_path, "docker", 1)
    with pytest.raises(NoEngine) as silent:
        find_engine()
    assert str(silent.value) == (
        "no container engine answers: docker is installed but its daemon does not answer,"
        " podman is not installed"
    )


def test_the_reason_says_how_to_start_the_daemon_if_we_can(
    fake_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root with dockerd at hand needs but one command."""
    fake_program(fake_path, "docker", 1)
    fake_program(fake_path, "dockerd", 0)
    monkeypatch.setattr("os.getuid", lambda: 0)
    with pytest.raises(NoEngine, match=r"'python -m autobahn engine-start' starts the daemon$"):
        find_engine("docker")


def test_an_unknown_engine_is_refused() -> None:
    """The message names the value."""
    with pytest.raises(ValueError, match="'lxc'"):
        find_engine("lxc")


def test_podman_runs_with_runc_where_there_is_one(fake_path: Path) -> None:
    """Podman's usual runtime does not start on every kernel."""
    podman = Engine("podman", "podman")
    assert podman.command("info") == ["podman", "info"]
    fake_program(fake_path, "runc", 0)
    assert podman.command("info") == ["podman", "--runtime", "runc", "info"]
    assert Engine("docker", "docker").command("info") == ["docker", "info"]


def test_a_container_is_removed_by_name_when_its_user_fails(tmp_path: Path) -> None:
    """Whatever happens inside the block, the container is stopped."""
    folder = tmp_path / "bin"
    folder.mkdir()
    engine = folder / "docker"
    # Like the engine's client: 'run' lasts until 'rm' has ended the container.
    engine.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {folder}/calls\n'
        f'if [ "$1" = run ]; then while [ ! -e {folder}/removed ]; do sleep 0.01; done; fi\n'
        f'if [ "$1" = rm ]; then touch {folder}/removed; fi\n'
    )
    engine.chmod(0o755)
    with (
        pytest.raises(KeyboardInterrupt),
        container(Engine("docker", str(engine)), "image", tmp_path, ["wstest"]) as client,
    ):
        raise KeyboardInterrupt
    assert client.returncode == 0
    calls = (folder / "calls").read_text().splitlines()
    (ran,) = [call for call in calls if call.startswith("run ")]
    # A removal can be noted first: the block is left before the client is well under way.
    removals = [call for call in calls if call != ran]
    name = ran.split()[ran.split().index("--name") + 1]
    assert removals
    assert set(removals) == {f"rm --force {name}"}


# The image's build context


def test_the_build_context_is_complete(tmp_path: Path) -> None:
    """Every file that the Dockerfile speaks of is there, be it empty."""
    build_context(tmp_path)
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {"Dockerfile", "ca-certificates.crt", "pip.conf", "sources.list"}


def test_the_images_name_follows_the_dockerfile() -> None:
    """It is stable, and its tag is a digest."""
    assert image_name() == image_name()
    repository, tag = image_name().split(":")
    assert repository == "wsref-autobahntestsuite"
    assert len(tag) == 12


def test_pips_indexes_are_handed_on() -> None:
    """The environment outweighs files, and what lies on the host's disk is left out."""
    config = (
        ":env:.index-url='https://env.example/simple'\n"
        ":env:.timeout='180'\n"
        "global.extra-index-url='file:///opt/simple https://extra.example/simple'\n"
        "global.index-url='https://global.example/simple'\n"
        "user.trusted-host='env.example'\n"
    )
    assert pip_settings(config) == (
        "[global]\n"
        "extra-index-url = https://extra.example/simple\n"
        "index-url = https://env.example/simple\n"
        "trusted-host = env.example\n"
    )


def test_without_indexes_there_are_no_pip_settings() -> None:
    """Then pip's own default holds."""
    assert pip_settings("global.cert='/x.pem'\nglobal.extra-index-url='file:///opt/simple'\n") == ""
    assert pip_settings("") == ""


def write_etc(etc: Path, identity: str) -> Path:
    """Write an os-release, and return the folder for apt's sources."""
    (etc / "apt" / "sources.list.d").mkdir(parents=True)
    (etc / "os-release").write_text(f'ID={identity}\nVERSION_CODENAME="trixie"\n')
    return etc / "apt"


def test_the_mirror_is_read_from_apts_paragraphs(tmp_path: Path) -> None:
    """Other packages' sources and disabled ones are passed over."""
    apt = write_etc(tmp_path, "debian")
    (apt / "sources.list.d" / "a.sources").write_text(
        "Types: deb\nURIs: http://other.example\nSuites: stable\nComponents: main\n\n"
        "# off\nTypes: deb\nURIs: http://off.example\nSuites: trixie\nComponents: main\n"
        "Enabled: no\n\n"
        "Types: deb deb-src\n# a comment\nURIs: http://mirror.example/debian\n"
        "Suites: trixie trixie-updates\nComponents: main\n"
    )
    assert debian_mirror(tmp_path) == "http://mirror.example/debian"


def test_the_mirror_is_read_from_apts_lines(tmp_path: Path) -> None:
    """Options in brackets and comments do not disturb."""
    apt = write_etc(tmp_path, "debian")
    (apt / "sources.list").write_text(
        "# deb http://no.example trixie main\n"
        "deb-src http://source.example trixie main\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian trixie main # yes\n"
    )
    assert debian_mirror(tmp_path) == "http://mirror.example/debian"


def test_a_host_that_is_not_debian_has_no_mirror_for_it(tmp_path: Path) -> None:
    """Its apt, if it has one, serves other packages."""
    apt = write_etc(tmp_path, "ubuntu")
    (apt / "sources.list").write_text("deb http://mirror.example/ubuntu trixie main\n")
    assert debian_mirror(tmp_path) == ""
    assert debian_mirror(tmp_path / "nowhere") == ""


# Our processes, and the command line


def test_a_process_is_billed_for_its_cpu_time(tmp_path: Path) -> None:
    """Its own, and its exit status with it."""
    work = "import sys; sum(range(10**6)); print('done'); sys.exit(3)"
    with running([sys.executable, "-c", work], tmp_path / "log") as process:
        assert process.has_ended(60.0)
        ended = process.collect()
    assert ended.status == 3
    assert ended.cpu_seconds > 0
    assert process.collect() is ended
    assert (tmp_path / "log").read_text() == "done\n"


def test_a_process_is_killed_when_its_user_leaves(tmp_path: Path) -> None:
    """Nothing of ours is left running."""
    with running(
        [sys.executable, "-c", "import time; time.sleep(600)"], tmp_path / "log"
    ) as process:
        assert not process.has_ended()
    assert process.collect().status == -9


def test_an_unknown_endpoint_is_refused(tmp_path: Path) -> None:
    """The message names the value."""
    with pytest.raises(ValueError, match="'browser'"):
        run("browser", Engine("docker", "docker"), ["1.1.1"], tmp_path)


def test_the_command_line_without_an_engine_says_so(
    fake_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, and the status for 'could not be run'."""
    assert fake_path.is_dir()
    assert command_line.main(["client", "--cases", "1.1.1"]) == 2
    assert capsys.readouterr().err == (
        "autobahn: no container engine answers: docker is not installed, podman is not installed\n"
    )


def test_the_command_line_refuses_cases_that_do_not_exist(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As it does any other wrong argument."""
    with pytest.raises(SystemExit) as ended:
        command_line.main(["client", "--cases", "99.*"])
    assert ended.value.code == 2
    assert "no case of the TestSuite matches '99.*'" in capsys.readouterr().err
