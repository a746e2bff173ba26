"""`gurney transfer`, as people and scripts use it: what it prints where, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import attrs
import pytest

from gurney import DICOMDownloadable, DICOMFile, Query, Receipt, SearchResult
from gurney.archives import Archive
from gurney.cli import ExitCode, main
from gurney.manners import Retries
from gurney.testing import MemoryArchive, example_datasets
from gurney.transfer import Limits
from gurney.transfer.ledger import Ledger

URL = "memory://here/x"
EVERYTHING = "StudyInstanceUID\n2.25.4001\n2.25.4002\n2.25.4003\n2.25.4004\n"


@attrs.frozen
class Ran:
    """What a run of the command left."""

    code: int
    out: str
    err: str


Gurney = Callable[..., Ran]
Serve = Callable[[Archive], None]


@attrs.frozen
class Entry:
    """What an installed backend announces."""

    archive: Archive
    name: str = "memory"
    dist: None = None

    def load(self) -> Callable[[str], Archive]:
        def opened(_: str) -> Archive:
            return self.archive

        return opened


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Return a function that puts an archive at `URL`."""

    def at_url(archive: Archive) -> None:
        def entries(*, group: str) -> list[Entry]:
            assert "gurney.archives" == group
            return [Entry(archive)]

        monkeypatch.setattr("gurney.archives.entry_points", entries)

    return at_url


@pytest.fixture
def gurney(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    serve: Serve,
    tmp_path: Path,
) -> Gurney:
    """Return the command, in a folder of its own; the archive of examples is at `URL`."""
    serve(MemoryArchive(example_datasets()))
    monkeypatch.chdir(tmp_path)
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)  # pytest's own plug-ins set some of them

    def run(*arguments: object, stdin: str = "") -> Ran:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = main(["transfer", *(str(argument) for argument in arguments)])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture
def planned(gurney: Gurney) -> Gurney:
    """The command, after all of the examples have been planned into ``out``."""
    assert 0 == gurney("plan", URL, "--from", "-", "-o", "out", stdin=EVERYTHING).code
    return gurney


class Failing(MemoryArchive):
    """An archive of which one instance cannot be had, until somebody mends it."""

    mended = False

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        for n, file in enumerate(super().files(objects)):
            if n or self.mended:
                yield file


class Silent(MemoryArchive):
    """An archive that does not say whether it found everything."""

    def find_studies(self, query: Query, /) -> SearchResult:
        return list(super().find_studies(query))  # type: ignore[return-value]  # as some do


# ---------------------------------------------------------------- plan


def test_plan_says_how_much_there_is(gurney: Gurney, tmp_path: Path) -> None:
    """It looks up what is wanted, and how sure that is; it fetches nothing."""
    (tmp_path / "cohort.csv").write_text("AccessionNumber,x\nEX-A1,1\n")
    ran = gurney("plan", URL, "--from", "cohort.csv", "-o", "out")

    assert (0, "2 instances of 1 study; known to be everything\n") == (ran.code, ran.out)
    assert "to fetch them: gurney transfer run out" in ran.err
    assert [] == list((tmp_path / "out").rglob("*.dcm"))


def test_a_search_that_may_be_cut_short_is_loud(gurney: Gurney, serve: Serve) -> None:
    """By its exit code too, when planned and when run: nobody takes the rest for everything."""
    serve(Silent(example_datasets()))
    plan = gurney("plan", URL, "--from", "-", "-o", "out", stdin="AccessionNumber\nEX-A1\n")
    run = gurney("run", "out")

    assert (ExitCode.INCOMPLETE, ExitCode.INCOMPLETE) == (plan.code, run.code)
    for ran in (plan, run):
        assert "nobody can say whether this is everything" in ran.out
        assert "row 2 of standard input" in ran.err


def test_what_is_not_found_is_named_by_its_row(gurney: Gurney) -> None:
    """The row can be looked up; its value, which is a patient's, is not repeated."""
    plan = gurney("plan", URL, "--from", "-", "-o", "out", stdin="AccessionNumber\nEX-A1\nSECRET\n")
    run = gurney("run", "out")

    for ran in (plan, run):
        assert ExitCode.INCOMPLETE == ran.code
        assert "row 3 of standard input" in ran.err
        assert "SECRET" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--rate", "fast"], "--rate is a number of bytes a second, as in 20MB or 500kB"),
        (["--rate", "0"], "--rate is a number above 0"),
        (["--requests", "-1"], "--requests is a number above 0"),
        (["--window", "at night"], "window"),
        (["--tz", "Europe/Amsterdam"], "--tz is the clock of a --window"),
        (["--window", "19:00-07:00", "--tz", "Utopia"], "Utopia"),
        (["--transform", "json"], "--transform is MODULE:FUNCTION"),
        (["--transform", "no_such_module:f"], "no module named no_such_module"),
        (["--transform", "json:nothing"], "the module json has no function nothing"),
        (["--layout", "{PatientID"], "layout"),
        (["--checksum", "crc"], "crc"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    gurney: Gurney, tmp_path: Path, options: list[str], reason: str
) -> None:
    """In one line, before anything is asked or made."""
    ran = gurney("plan", URL, "--from", "-", "-o", "out", *options, stdin=EVERYTHING)

    assert ExitCode.WRONG_USE == ran.code
    assert reason in ran.err
    assert 1 == len(ran.err.splitlines())
    assert [] == list(tmp_path.iterdir())


def test_an_object_store_needs_a_ledger_elsewhere(gurney: Gurney) -> None:
    """It has no room for one; run takes the folder of the ledger then."""
    plan = ("plan", URL, "--from", "-", "-o", "memory://bucket/cohort")
    refused = gurney(*plan, stdin=EVERYTHING)
    taken = gurney(*plan, "--ledger", "book", stdin=EVERYTHING)
    ran = gurney("run", "book")

    assert ExitCode.WRONG_USE == refused.code
    assert "--ledger DIR" in refused.err
    assert (0, 0) == (taken.code, ran.code)
    assert "gurney transfer run book" in taken.err
    assert ExitCode.WRONG_USE == gurney("run", "memory://bucket/cohort").code


def test_plan_of_nothing_is_refused(gurney: Gurney, tmp_path: Path) -> None:
    """A filter that let nothing through would be a cohort of which everything is here."""
    ran = gurney("plan", URL, "--from", "-", "-o", "out", stdin="AccessionNumber\n\n")

    assert ExitCode.WRONG_USE == ran.code
    assert "nothing below it" in ran.err
    assert [] == list(tmp_path.iterdir())


def test_path_that_is_not_there_is_refused_at_once(gurney: Gurney, tmp_path: Path) -> None:
    """An archive that is away is waited for; a mistyped path does not come back."""
    ran = gurney("plan", tmp_path / "mistyped", "--from", "-", "-o", "out", stdin=EVERYTHING)

    assert ExitCode.WRONG_USE == ran.code
    assert "mistyped is not there" in ran.err.replace("\n", "")
    assert [] == list(tmp_path.iterdir())


def test_status_says_which_rows_were_not_found(gurney: Gurney) -> None:
    """By their places, for people and for programs."""
    gurney("plan", URL, "--from", "-", "-o", "out", stdin=EVERYTHING + "2.25.9\n")
    table = gurney("status", "out", "--format", "table")
    told = json.loads(gurney("status", "out", "--format", "json").out)

    assert "row 6 of standard input" in table.err
    assert any("row 6 of standard input" in reason for reason in told["reasons"])


def test_what_a_transform_withheld_is_counted(gurney: Gurney, tmp_path: Path) -> None:
    """A function without its `return` withholds everything: who looks only at the end sees it."""
    (tmp_path / "forgetting.py").write_text("def nothing(dataset):\n    pass\n")
    transform = ("--transform", "forgetting:nothing")
    planned = gurney("plan", URL, "--from", "-", "-o", "out", *transform, stdin=EVERYTHING)
    ran = gurney("run", "out")

    assert "8 withheld by the transform" in ran.out
    assert "gurney-transfer in the output will tell" in planned.err.replace("\n", " ")


def test_a_password_is_not_written_down(gurney: Gurney, tmp_path: Path) -> None:
    """A transfer outlives the command line: it is said where passwords belong."""
    ran = gurney("plan", "memory://me:secret@here/x", "--from", "-", "-o", "out", stdin=EVERYTHING)

    assert ExitCode.WRONG_USE == ran.code
    assert "GURNEY_PASSWORD" in ran.err
    assert "secret" not in ran.err
    assert [] == list(tmp_path.iterdir())


def test_another_archive_is_another_transfer(planned: Gurney) -> None:
    """What is in a ledger came from where it says; a second plan may only add to it."""
    other = planned("plan", ".", "--from", "-", "-o", "out", stdin=EVERYTHING)

    assert ExitCode.WRONG_USE == other.code
    assert 0 == planned("run", "out").code


# ---------------------------------------------------------------- run


def test_run_fetches_what_was_planned(planned: Gurney, tmp_path: Path) -> None:
    """With a receipt, and once only."""
    first = planned("run", "out")
    second = planned("run", "out", "--progress", "json")
    receipt = Receipt.from_json((tmp_path / "out" / "gurney-receipt.json").read_text())

    assert (0, 0) == (first.code, second.code)
    assert "complete: 8 of 8 instances of 4 studies" in first.out
    assert receipt.complete
    assert URL == receipt.archive
    assert 8 == len(list((tmp_path / "out").rglob("*.dcm")))
    assert 0 == json.loads(second.err.splitlines()[0])["received"]


def test_run_says_where_its_receipt_is(planned: Gurney, tmp_path: Path) -> None:
    """As a fetch does; a run that had nothing to do has written none."""
    first = planned("run", "out")
    second = planned("run", "out")

    assert f"receipt: {tmp_path / 'out' / 'gurney-receipt.json'}" in first.err.replace("\n", "")
    assert "receipt:" not in second.err


def test_samples_are_called_by_their_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pydicom has them on this machine is of no use to those who read a receipt."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("PatientID,StudyDate\n77654033,20010101\n"))
    main(["transfer", "plan", "demo://", "--from", "-", "-o", "out"])
    main(["transfer", "run", "out"])
    receipt = Receipt.from_json((tmp_path / "out" / "gurney-receipt.json").read_text())
    with Ledger.reading(tmp_path / "out" / "gurney-transfer") as ledger:
        counts = ledger.counts

    assert receipt.outcomes
    assert "demo://" == receipt.archive
    assert ["demo://"] == list(counts.by_archive)


@pytest.mark.parametrize("transform", [(), ("--transform", "renaming:renamed")])
def test_output_of_a_transfer_is_verified(
    gurney: Gurney, tmp_path: Path, transform: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """By the receipt of the run, wherever that is; what to do next is another run."""
    (tmp_path / "renaming.py").write_text(_RENAMING)
    gurney("plan", URL, "--from", "-", "-o", "out", *transform, stdin=EVERYTHING)
    gurney("run", "out")
    whole = main(["verify", "out"])
    said = capsys.readouterr().out
    next((tmp_path / "out").rglob("*.dcm")).unlink()
    short = main(["verify", "out"])
    advice = capsys.readouterr().err

    assert (ExitCode.COMPLETE, ExitCode.INCOMPLETE) == (whole, short)
    assert "gurney-receipt.json proves is here, whole" in said
    assert "gurney transfer run out --retry-failed" in advice


_RENAMING = """
def renamed(dataset):
    dataset.SOPInstanceUID += ".9"
    return dataset
"""


def test_off_a_terminal_progress_is_silent(planned: Gurney) -> None:
    """A log is not filled with bars."""
    ran = planned("run", "out", "--quiet")

    assert "" == ran.err


def test_progress_as_json(planned: Gurney) -> None:
    """A line a time, each an object; nothing but that, if quiet."""
    ran = planned("run", "out", "--progress", "json", "--quiet")
    lines = [json.loads(line) for line in ran.err.splitlines()]

    assert 8 == lines[-1]["done"] == lines[-1]["instances"]
    assert 0 == lines[-1]["pending"] == lines[-1]["failed"]
    assert lines[-1]["received"] == lines[-1]["by_archive"][URL] > 0
    assert [line["done"] for line in lines] == sorted(line["done"] for line in lines)
    assert {"rate", "eta", "limit", "waiting", "until", "problem"} <= lines[0].keys()


def test_what_fails_is_told_and_can_be_tried_again(
    gurney: Gurney, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It neither stops the rest nor vanishes; `--retry-failed` fetches it when it can be had."""
    once = partial(Limits, retries=Retries(attempts=1))
    monkeypatch.setattr("gurney.cli.manners.Limits", once)
    archive = Failing(example_datasets())
    serve(archive)
    gurney("plan", URL, "--from", "-", "-o", "out", stdin="StudyInstanceUID\n2.25.4001\n")
    failed = gurney("run", "out")
    archive.mended = True
    again = gurney("run", "out")
    status = gurney("status", "out", "--format", "table")
    mended = gurney("run", "out", "--retry-failed")

    assert [ExitCode.INCOMPLETE] * 2 == [failed.code, again.code]
    assert "INCOMPLETE: 1 of 2 instances of 1 study" in failed.out
    assert "--retry-failed" in failed.err
    assert "1 of them failed" in status.out
    assert 0 == mended.code


@pytest.mark.parametrize("command", ["run", "status", "report"])
def test_where_there_is_no_transfer(gurney: Gurney, tmp_path: Path, command: str) -> None:
    """It is said, with how to make one; nothing is made."""
    ran = gurney(command, "nowhere")

    assert ExitCode.WRONG_USE == ran.code
    assert "there is no transfer in nowhere; make one: gurney transfer plan" in ran.err
    assert [] == list(tmp_path.iterdir())


def test_two_at_a_time(planned: Gurney) -> None:
    """The second says who is at work, and leaves it alone."""
    with Ledger.open("out/gurney-transfer") as ledger, ledger.locked("run"):
        ran = planned("run", "out")

    assert ExitCode.INCOMPLETE == ran.code
    assert 1 == len(ran.err.splitlines())
    assert "process" in ran.err


def test_a_transform_of_ones_own(
    gurney: Gurney, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found in the folder one is in, and sees every instance; run knows it too."""
    monkeypatch.setattr("sys.path", [*sys.path])
    (tmp_path / "mine_of_show.py").write_text(
        "def ct_only(dataset):\n"
        "    dataset.PatientName = 'nobody'\n"
        "    return dataset if dataset.Modality == 'CT' else None\n"
    )
    gurney(
        "plan", URL, "--from", "-", "-o", "out", "--transform", "mine_of_show:ct_only",
        stdin=EVERYTHING,
    )  # fmt: skip
    ran = gurney("run", "out")
    monkeypatch.delitem(sys.modules, "mine_of_show")
    files = list((tmp_path / "out").rglob("*.dcm"))

    assert 0 == ran.code
    assert 0 < len(files) < 8
    assert all(b"nobody" in file.read_bytes() for file in files)
    assert f"withheld   {8 - len(files)}" in ran.out


@pytest.mark.parametrize("address", ["local:0", "local:many", "local"])
def test_a_cluster_that_is_none(planned: Gurney, address: str) -> None:
    """A mistyped number of processes is wrong use, not an address to wait for."""
    ran = planned("run", "out", "--dask", address)

    assert ExitCode.WRONG_USE == ran.code
    assert "--dask local:N takes a number of processes" in ran.err


@pytest.mark.parametrize(
    ("missing", "arguments", "extra"),
    [
        ("distributed", ["run", "out", "--dask", "local:2"], "gurney[dask]"),
        ("jinja2", ["report", "out"], "gurney[report]"),
        ("matplotlib", ["report", "out"], "gurney[report]"),
    ],
)
def test_without_the_extra_it_says_what_to_install(
    planned: Gurney,
    monkeypatch: pytest.MonkeyPatch,
    missing: str,
    arguments: list[str],
    extra: str,
) -> None:
    """The rest of the command works without."""
    for name in [name for name in sys.modules if name.startswith("gurney.transfer.page")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    ran = planned(*arguments)

    assert ExitCode.WRONG_USE == ran.code
    assert f'pip install "{extra}"' in ran.err


def test_limits_are_kept_and_may_be_changed(planned: Gurney) -> None:
    """What plan was told goes for each run, unless a run is told otherwise."""
    planned(
        "plan", URL, "--from", "-", "-o", "out", "--parallel", 1, "--rate", "20MB", stdin=EVERYTHING
    )
    told = planned("run", "out", "--progress", "json", "--quiet")
    other = planned("run", "out", "--progress", "json", "--quiet", "--parallel", 3)

    assert 1 == json.loads(told.err.splitlines()[0])["limit"]
    assert 3 == json.loads(other.err.splitlines()[0])["limit"]


def test_limits_that_somebody_has_spoilt(planned: Gurney, tmp_path: Path) -> None:
    """A file that was edited by hand is not half believed."""
    (tmp_path / "out" / "gurney-transfer" / "manners.json").write_text('{"parallel": "many"}')
    ran = planned("run", "out")

    assert ExitCode.WRONG_USE == ran.code
    assert "manners.json" in ran.err


# ---------------------------------------------------------------- status and report


def test_status_as_json(planned: Gurney) -> None:
    """For programs, off a terminal without asking; 0 only when everything is here."""
    before = planned("status", "out")
    planned("run", "out")
    after = planned("status", "out")

    assert (ExitCode.INCOMPLETE, 0) == (before.code, after.code)
    assert ("stopped", False, 8) == _of(before, "state", "complete", "pending")
    assert ("finished", True, 0) == _of(after, "state", "complete", "pending")
    assert "gurney transfer status 1" == json.loads(after.out)["format"]
    assert json.loads(after.out)["archives"][URL] > 0


def _of(ran: Ran, *names: str) -> tuple[object, ...]:
    content = json.loads(ran.out)
    return tuple(content[name] for name in names)


def test_status_for_people(planned: Gurney) -> None:
    """Where it stands, line by line."""
    planned("run", "out")
    ran = planned("status", "out", "--format", "table")

    assert 0 == ran.code
    assert "finished" in ran.out
    assert "8 of 8" in ran.out
    assert "4 of 4" in ran.out


def test_watching_what_is_over_ends_at_once(planned: Gurney) -> None:
    """There is nothing to wait for."""
    ran = planned("status", "out", "--watch", "--format", "json")

    assert 1 == len(ran.out.splitlines())
    assert "stopped" == json.loads(ran.out)["state"]


def test_a_report_in_files(planned: Gurney, tmp_path: Path) -> None:
    """The receipt as JSON and as CSV; nothing is overwritten."""
    planned("run", "out")
    first = planned("report", "out", "--json", "r.json", "--csv", "r.csv")
    second = planned("report", "out", "--csv", "r.csv")
    receipt = Receipt.from_json((tmp_path / "r.json").read_text())

    assert 0 == first.code
    assert "complete: 8 of 8 instances of 4 studies" in first.out
    assert receipt.to_csv() == (tmp_path / "r.csv").read_text()
    assert 8 == len(list(csv.DictReader(io.StringIO(receipt.to_csv()))))
    assert ExitCode.WRONG_USE == second.code
    assert not (tmp_path / "out" / "gurney-transfer" / "report").exists()


def test_a_report_for_people(
    planned: Gurney, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages, beside the ledger or where one wants them; shown if asked for."""
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", shown.append)
    ran = planned("report", "out", "--html", "pages", "--open")
    planned("report", "out")

    assert ExitCode.INCOMPLETE == ran.code
    assert [(tmp_path / "pages" / "index.html").as_uri()] == shown
    assert (tmp_path / "out" / "gurney-transfer" / "report" / "index.html").is_file()


def test_status_of_what_was_planned_in_python(planned: Gurney, tmp_path: Path) -> None:
    """Any transfer can be looked at; to run it, the command must know more."""
    with Ledger.open(tmp_path / "other") as ledger:
        ledger.agree({"from": ("here",), "to": "there"})

    assert ExitCode.INCOMPLETE == planned("status", "other").code
    refused = planned("run", "other")
    assert ExitCode.WRONG_USE == refused.code
    assert "was not planned by the command" in refused.err
