"""The command, as people and scripts use it: what it prints where, and how it ends."""

from __future__ import annotations

import csv
import errno
import io
import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from gurney import (
    ArchiveUnavailableError,
    Completeness,
    DICOMDownloadable,
    DICOMFile,
    HeldBack,
    Query,
    Receipt,
    SearchError,
    SearchResult,
    Study,
    UnsupportedParameterError,
)
from gurney.archives import Archive
from gurney.cli import ExitCode, main
from gurney.core import put
from gurney.testing import MemoryArchive, example_datasets

URL = "memory://me:secret@here/x?token=secret"


@attrs.frozen
class Ran:
    """What a run of the command left."""

    code: int
    out: str
    err: str


Gurney = Callable[..., Ran]
Serve = Callable[[Archive], None]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Return a function that puts an archive at `URL`."""

    def at_url(archive: Archive) -> None:
        monkeypatch.setattr("gurney.cli.opening.open_archive", {URL: archive}.__getitem__)

    return at_url


@pytest.fixture
def gurney(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> Gurney:
    """Return the command; the archive of examples is at `URL`."""
    serve(MemoryArchive(example_datasets()))
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)  # pytest's own plug-ins set some of them

    def run(*arguments: object, stdin: str = "") -> Ran:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


class Odd(MemoryArchive):
    """An archive whose searches go as `result` says."""

    def __init__(self, result: Callable[[SearchResult], SearchResult | list[Study]]) -> None:
        super().__init__(example_datasets())
        self.result = result

    def find_studies(self, query: Query, /) -> SearchResult:
        return self.result(super().find_studies(query))  # type: ignore[return-value]  # odd


# ---------------------------------------------------------------- find and tree


def test_csv_is_flat_at_the_level(gurney: Gurney) -> None:
    """One row for each object; a script that pipes gets CSV without asking."""
    studies = gurney("find", URL)
    instances = gurney("find", URL, "--level", "instance", "-m", "MR,US")

    rows = list(csv.DictReader(io.StringIO(instances.out)))
    assert (0, 4) == (studies.code, len(list(csv.DictReader(io.StringIO(studies.out)))))
    assert 4 == len(rows)
    assert {"MR", "US"} == {row["Modality"] for row in rows}
    assert "2.25.400201001" == rows[0]["SOPInstanceUID"]
    assert "Head" not in instances.out


def test_json_holds_the_tree_and_how_complete_it_is(gurney: Gurney) -> None:
    """One document: nested down to the level, numbers as numbers, no credentials."""
    ran = gurney(
        "find", URL, "-l", "instance", "-f", "json", "-i", "EX-1", "--include-field", "Rows"
    )

    content = json.loads(ran.out)
    first = content["studies"][0]
    assert ("complete", [], 0) == tuple(
        content[key] for key in ("completeness", "reasons", "held_back")
    )
    assert "memory://here/x" == content["archive"]
    assert ["CT"] == first["ModalitiesInStudy"]
    assert 2 == first["NumberOfStudyRelatedInstances"]
    assert [2, 2] == [instance["Rows"] for instance in first["series"][0]["instances"]]
    assert None is first["series"][0]["SeriesDescription"]


@pytest.mark.parametrize("level", ["study", "series", "instance"])
@pytest.mark.parametrize("shown_as", ["table", "tree"])
def test_table_and_tree_hold_every_uid(gurney: Gurney, level: str, shown_as: str) -> None:
    """UIDs are there to be copied: none is cut, whatever the level, and each is there once."""
    ran = gurney("find", URL, "--format", shown_as, "--level", level)
    document = json.loads(gurney("find", URL, "--format", "json", "--level", level).out)

    assert 0 == ran.code
    assert sorted(_uids(document)) == sorted(word for word in ran.out.split() if "2.25." in word)
    assert "\x1b" not in ran.out


def _uids(content: dict[str, Any]) -> Iterator[str]:
    """Yield the UIDs of studies, series and instances in a document."""
    for key, value in content.items():
        if key.endswith("InstanceUID"):
            yield value
        elif key in {"studies", "series", "instances"}:
            for item in value:
                yield from _uids(item)


def test_tree_counts(gurney: Gurney) -> None:
    """Instances are summarised by series unless they are asked for."""
    ran = gurney("tree", URL, "--patient-name", "muller*")

    assert "2 studies" in ran.out
    assert "2 series, 3 instances" in ran.out
    assert "1 instance " in ran.out
    assert "Secondary" not in ran.out
    assert "Secondary" in gurney("tree", URL, "--level", "instance").out


@pytest.mark.parametrize("shown_as", ["table", "tree", "csv", "json"])
def test_further_attributes_are_shown(gurney: Gurney, shown_as: str) -> None:
    """What was asked for by keyword has its place in each format."""
    ran = gurney("find", URL, "--format", shown_as, "--include-field", "PatientBirthDate")

    assert "PatientBirthDate" in ran.out
    assert "19600229" in ran.out


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--patient-id", "EX-2"], ["2.25.4003"]),
        (["-n", "Müller*"], ["2.25.4001", "2.25.4002"]),
        (["-s", "2.25.4001,2.25.4004"], ["2.25.4001", "2.25.4004"]),
        (["-s", "2.25.4001", "-s", "2.25.4004"], ["2.25.4001", "2.25.4004"]),
        (["--min-study-date=2024-03-02", "--max-study-date=20241231", "-m", "US"], ["2.25.4003"]),
        (["--patient-birth-date", "19600101-19691231", "-d", "Head"], ["2.25.4002"]),
        (["-a", "EX-A9"], []),
    ],
)  # fmt: skip
def test_options_select(gurney: Gurney, options: list[str], expected: list[str]) -> None:
    """Options are the fields of a query."""
    ran = gurney("find", URL, *options)

    rows = csv.DictReader(io.StringIO(ran.out))
    assert expected == [row["StudyInstanceUID"] for row in rows]
    assert 0 == ran.code


def test_an_incomplete_answer_is_loud(gurney: Gurney, serve: Serve) -> None:
    """A capped search says so on standard error, also when quiet, and by its exit code."""
    serve(MemoryArchive(example_datasets(), cap=2))
    ran = gurney("find", URL, "--quiet", "--format", "json")

    assert ExitCode.INCOMPLETE == ran.code
    assert "capped" == json.loads(ran.out)["completeness"]
    assert "this archive stops at 2 studies" in ran.err


def test_an_archive_that_does_not_say_is_not_believed(gurney: Gurney, serve: Serve) -> None:
    """A searcher that returns a plain list may have found everything; nobody knows."""
    serve(Odd(list))
    ran = gurney("find", URL, "--format", "json")

    assert ExitCode.INCOMPLETE == ran.code
    assert "unknown" == json.loads(ran.out)["completeness"]
    assert "nobody can say" in ran.err


def test_what_was_held_back_is_counted(gurney: Gurney, serve: Serve) -> None:
    """Items that the archive returned and that do not match are told by reason."""
    held = [HeldBack("does not match PatientID")] * 3
    serve(Odd(lambda result: attrs.evolve(result, held_back=held, notes=["odd"] * 30)))
    ran = gurney("find", URL, "--format", "json")

    assert 3 == json.loads(ran.out)["held_back"]
    assert "3 that the archive returned; does not match PatientID" in ran.err
    assert "and 10 more" in ran.err


def test_a_searcher_without_include_fields_still_answers(gurney: Gurney, serve: Serve) -> None:
    """Attributes that are only nice to show are not worth a refusal; those asked for are."""

    class Plain(MemoryArchive):
        def find_studies(self, query: Query, /) -> SearchResult:
            if query.include_fields:
                raise UnsupportedParameterError("include_fields", "Plain")
            return super().find_studies(query)

    serve(Plain(example_datasets()))

    assert ExitCode.COMPLETE == gurney("find", URL).code
    assert ExitCode.WRONG_USE == gurney("find", URL, "--include-field", "Rows").code


# ---------------------------------------------------------------- what must not reach a terminal


def hostile_archive() -> MemoryArchive:
    """Return an archive with everything in it that would steer a terminal or confuse rich."""
    values = {
        "PatientName": "\x1b[31mEvil\x07[red]x[/red]\u202egnp.\u2066:smile:",
        "PatientID": "\x9b2J\r\nfake line",
        "StudyDescription": "[/bold]" + "long " * 12_000 + "\x1b]0;title\x07",
        "StudyDate": "\x1b[2J",
        "SeriesDescription": "\x1b[8mhidden",
        "Modality": "\x1b[H",
    }
    datasets = example_datasets()[:2]
    for dataset in datasets:
        for keyword, value in values.items():
            put(dataset, keyword, [value])
    return MemoryArchive(datasets)


@pytest.mark.parametrize("shown_as", ["table", "tree", "csv", "json"])
@pytest.mark.parametrize("level", ["study", "series", "instance"])
def test_hostile_text_is_escaped(gurney: Gurney, serve: Serve, shown_as: str, level: str) -> None:
    """Nothing that an archive returns moves a cursor, hides text, or is taken for markup."""
    serve(hostile_archive())
    ran = gurney("find", URL, "--format", shown_as, "--level", level)

    hazards = {c for c in ran.out + ran.err if unicodedata.category(c) in {"Cc", "Cf"}}
    assert 0 == ran.code
    assert hazards <= {"\n"}
    assert "[red]x[/red]" in ran.out
    assert ":smile:" in ran.out


def test_json_is_exact(gurney: Gurney, serve: Serve) -> None:
    """Escapes are for terminals; a program gets each character."""
    serve(hostile_archive())
    content = json.loads(gurney("find", URL, "--format", "json").out)

    assert content["studies"][0]["PatientName"].startswith("\x1b[31mEvil\x07[red]")


def test_errors_of_archives_are_escaped(gurney: Gurney, serve: Serve) -> None:
    """A server's words in an error message are no better than its data."""

    def fail(_: SearchResult) -> SearchResult:
        raise SearchError("the server says \x1b[31m[bold]no[/bold]\nfake line")

    serve(Odd(fail))
    ran = gurney("find", URL)

    assert ExitCode.INCOMPLETE == ran.code
    assert "gurney: the server says \\x1b[31m[bold]no[/bold]\\nfake line\n" == ran.err


# ---------------------------------------------------------------- fetch and verify


def test_fetch_then_verify(gurney: Gurney, tmp_path: Path) -> None:
    """Everything arrives, is receipted, and is found again whole."""
    out = tmp_path / "new" / "out"
    fetched = gurney("fetch", URL, "--all", "-o", out)
    verified = gurney("verify", out)

    receipt = Receipt.from_json((out / "gurney-receipt.json").read_text())
    assert (0, 0) == (fetched.code, verified.code)
    assert receipt.complete
    assert "memory://here/x" == receipt.archive
    assert 8 == len(receipt.outcomes) == len(list(out.rglob("*.dcm")))
    assert "complete: 8 instances of 4 studies" in fetched.out
    assert "gurney-receipt.json" in fetched.err
    assert "complete: " in verified.out


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (["2.25.4001"], 2),
        (["2.25.4002/2.25.400202", "2.25.4001/2.25.400101/2.25.400101001"], 2),
        (["-i", "EX-1"], 5),
        (["--series-instance-uid", "2.25.400202"], 1),
        (["-m", "CT,CR"], 4),
    ],
)
def test_what_to_fetch(gurney: Gurney, tmp_path: Path, selection: list[str], expected: int) -> None:
    """References of each level, and options as those of find; of a series only that series."""
    ran = gurney("fetch", URL, *selection, "-o", tmp_path)

    assert 0 == ran.code
    assert expected == len(list(tmp_path.rglob("*.dcm")))


def test_references_from_a_file_and_from_standard_input(gurney: Gurney, tmp_path: Path) -> None:
    """A list with comments, and the CSV of a search, piped on."""
    listed = tmp_path / "list.txt"
    listed.write_text("# mine\n2.25.4001\n")
    one = gurney("fetch", URL, "--from", listed, "-o", tmp_path / "one")
    found = gurney("find", URL, "--level", "series", "-m", "MR")
    two = gurney("fetch", URL, "--from", "-", "-o", tmp_path / "two", stdin=found.out)
    none = gurney("fetch", URL, "--from", tmp_path / "absent", "-o", tmp_path / "three")

    assert (0, 0, 2) == (one.code, two.code, none.code)
    assert 2 == len(list((tmp_path / "one").rglob("*.dcm")))
    assert 3 == len(list((tmp_path / "two").rglob("*.dcm")))
    assert "absent cannot be read" in none.err


def test_rows_of_a_table_from_a_file(gurney: Gurney, tmp_path: Path) -> None:
    """Whatever a cohort is told by: patients and days, UIDs, also within one table."""
    cohort = tmp_path / "cohort.csv"
    cohort.write_text(
        "PatientID;StudyDate;StudyInstanceUID;Site\nEX-1;2024-03-02;;A\n;;2.25.4003;B\n"
    )

    ran = gurney("fetch", URL, "--from", cohort, "-o", tmp_path / "out")
    dry = gurney("fetch", URL, "--from", cohort, "--dry-run")

    assert (0, 0) == (ran.code, dry.code)
    assert 3 + 1 == len(list((tmp_path / "out").rglob("*.dcm"))) == len(dry.out.splitlines())
    assert "cohort.csv: nothing is read but PatientID, StudyDate, StudyInstanceUID" in ran.err


def test_rows_that_nothing_is_found_for(gurney: Gurney, tmp_path: Path) -> None:
    """They are told by their place, in the receipt too, and what is found is fetched."""
    cohort = tmp_path / "cohort.csv"
    cohort.write_text("PatientID,StudyDate\nEX-1,20240302\nSECRET,20240302\n")

    ran = gurney("fetch", URL, "--from", cohort, "-o", tmp_path / "out")
    dry = gurney("fetch", URL, "--from", cohort, "--dry-run")

    reason = "row 3 of cohort.csv: the archive lists no study with this PatientID and StudyDate"
    receipt = Receipt.from_json((tmp_path / "out" / "gurney-receipt.json").read_text())
    assert (3, 3) == (ran.code, dry.code)
    assert (reason,) == receipt.reasons
    assert 3 == len(receipt.outcomes) == len(dry.out.splitlines())
    for shown in (ran.err + ran.out, dry.err):
        assert "row 3 of cohort.csv" in shown
        assert "SECRET" not in shown


def test_rows_that_cannot_be_meant(gurney: Gurney, tmp_path: Path) -> None:
    """Nothing is asked or fetched; each is told, and what is in it is not."""
    cohort = tmp_path / "cohort.csv"
    cohort.write_text("AccessionNumber\nSECRET*\n1.2E+15\n")

    ran = gurney("fetch", URL, "--from", cohort, "-o", tmp_path / "out")

    assert 2 == ran.code
    assert "row 2, AccessionNumber: has a wildcard" in ran.err
    assert "row 3, AccessionNumber: a spreadsheet has rounded" in ran.err
    assert "SECRET" not in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "selection",
    [
        [],
        ["--all", "2.25.4001"],
        ["--all", "-i", "EX-1"],
        ["2.25.4001", "-i", "EX-1"],
        ["-i", ""],
        ["--all", "--patient-id", " "],
        ["not a uid"],
    ],
)
def test_nothing_is_fetched_by_accident(
    gurney: Gurney, tmp_path: Path, selection: list[str]
) -> None:
    """Without a selection, with an empty one, or with two, nothing is asked and nothing made."""
    ran = gurney("fetch", URL, *selection, "-o", tmp_path / "out")

    assert ExitCode.WRONG_USE == ran.code
    assert not (tmp_path / "out").exists()
    assert 1 == len(ran.err.splitlines())
    assert ran.err.startswith("gurney: ")


def test_a_failing_instance_is_loud_and_the_same_command_completes(
    gurney: Gurney, serve: Serve, tmp_path: Path
) -> None:
    """What is missing is named, with how to go on; doing so leads to a folder that verifies."""
    serve(MemoryArchive(example_datasets(), failing=["2.25.400101002"]))
    first = gurney("fetch", URL, "--all", "-o", tmp_path, "--quiet")
    between = gurney("verify", tmp_path)
    serve(MemoryArchive(example_datasets()))
    second = gurney("fetch", URL, "--all", "-o", tmp_path)
    after = gurney("verify", tmp_path)

    assert [3, 3, 0, 0] == [first.code, between.code, second.code, after.code]
    assert "INCOMPLETE: 7 of 8 instances of 4 studies" in first.out
    assert "2.25.4001/2.25.400101/2.25.400101002: failed: " in first.err
    assert "run the same command again" in first.err
    assert "7 of them were there already" in second.out
    assert 2 == len(list(tmp_path.glob("gurney-receipt*.json")))


class Interrupted(MemoryArchive):
    """Somebody presses Ctrl-C while the fourth instance arrives."""

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        for n, file in enumerate(super().files(objects), 1):
            if n == 4:
                file.chunks = _pressed(file.chunks)
            yield file


def _pressed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield next(chunks)[:100]
    raise KeyboardInterrupt


def test_interrupted_then_the_same_command(gurney: Gurney, serve: Serve, tmp_path: Path) -> None:
    """What is there is whole, is said to be, and is not fetched again."""
    serve(Interrupted(example_datasets()))
    first = gurney("fetch", URL, "--all", "-o", tmp_path)
    left = sorted(tmp_path.rglob("*"))
    serve(MemoryArchive(example_datasets()))
    second = gurney("fetch", URL, "--all", "-o", tmp_path)

    assert ExitCode.INTERRUPTED == first.code
    assert "interrupted: 3 instances of 8 are here, whole" in first.err
    assert 3 == sum(path.is_file() for path in left)
    assert 0 == second.code
    assert "3 of them were there already" in second.out
    assert 0 == gurney("verify", tmp_path).code


def test_dry_run_lists_what_would_come(gurney: Gurney, tmp_path: Path) -> None:
    """One reference a line, which `--from` takes; nothing is written."""
    ran = gurney("fetch", URL, "-i", "EX-1", "--dry-run")

    assert 0 == ran.code
    assert 5 == len(ran.out.splitlines())
    assert 0 == gurney("fetch", URL, "--from", "-", "-o", tmp_path, stdin=ran.out).code
    assert 5 == len(list(tmp_path.rglob("*.dcm")))


def test_layouts_and_checksums(gurney: Gurney, tmp_path: Path) -> None:
    """By name or by template; what cannot be a layout or a checksum is refused at once."""
    flat = gurney("fetch", URL, "2.25.4001", "-o", tmp_path / "a", "--layout", "flat")
    template = "{PatientID}/{StudyDate}/{SOPInstanceUID}.dcm"
    own = gurney("fetch", URL, "2.25.4001", "-o", tmp_path / "b", "--layout", template,
                 "--checksum", "blake2b")  # fmt: skip
    none = gurney("fetch", URL, "2.25.4001", "-o", tmp_path / "c", "--checksum", "none")
    wrong = [
        gurney("fetch", URL, "2.25.4001", "-o", tmp_path / "d", *option)
        for option in (["--layout", "{PatientNam}"], ["--checksum", "rot13"])
    ]

    assert [0, 0, 0, 2, 2] == [ran.code for ran in (flat, own, none, *wrong)]
    assert 2 == len(list((tmp_path / "a").glob("*.dcm")))
    assert 2 == len(list((tmp_path / "b" / "EX-1" / "20240115").glob("*.dcm")))
    assert "blake2b:" in (tmp_path / "b" / "gurney-receipt.json").read_text()
    assert '"checksum": ""' in (tmp_path / "c" / "gurney-receipt.json").read_text()
    assert 0 == gurney("verify", tmp_path / "b").code
    assert not (tmp_path / "d").exists()


def test_a_receipt_elsewhere(gurney: Gurney, tmp_path: Path) -> None:
    """A second copy, CSV by its name; never over something that is there."""
    target = tmp_path / "r.csv"
    first = gurney("fetch", URL, "2.25.4001", "-o", tmp_path / "out", "--receipt", target)
    second = gurney("fetch", URL, "2.25.4001", "-o", tmp_path / "out", "--receipt", target)

    assert [0, 2] == [first.code, second.code]
    assert 2 == len(list(csv.DictReader(io.StringIO(target.read_text()))))
    assert "not overwritten" in second.err
    assert 1 == len(list((tmp_path / "out").glob("*.json")))


def test_progress_as_json_lines(gurney: Gurney, tmp_path: Path) -> None:
    """One line at the beginning, one for each outcome; numbers that a program can add up."""
    ran = gurney("fetch", URL, "--all", "-o", tmp_path, "--progress", "json", "--quiet")

    lines = [json.loads(line) for line in ran.err.splitlines()]
    assert 9 == len(lines)
    assert {"expected": 8, "done": 0, "failed": 0, "received": 0} == lines[0]
    assert [*range(9)] == [line["done"] for line in lines]
    assert {"stored"} == {line["status"] for line in lines[1:]}


def test_nothing_matches(gurney: Gurney, tmp_path: Path) -> None:
    """An archive that has nothing of it has been fetched completely; it is said loudly."""
    ran = gurney("fetch", URL, "-i", "nobody", "-o", tmp_path, "--quiet")

    assert 0 == ran.code
    assert "nothing matches" in ran.err


def test_verify_tells_changed_missing_and_extra(gurney: Gurney, tmp_path: Path) -> None:
    """Each kind of difference is named by its path."""
    gurney("fetch", URL, "--all", "-o", tmp_path)
    changed, gone, *_ = sorted(tmp_path.rglob("*.dcm"))
    content = bytearray(changed.read_bytes())
    (tmp_path / "extra.dcm").write_bytes(gone.read_bytes())
    gone.unlink()
    content[-1] ^= 1  # a pixel
    changed.write_bytes(content)
    ran = gurney("verify", tmp_path)

    assert ExitCode.INCOMPLETE == ran.code
    assert f"wrong: {changed.relative_to(tmp_path).as_posix()}: its sha256 checksum" in ran.err
    assert f"missing: {gone.relative_to(tmp_path).as_posix()}" in ran.err
    assert "extra: extra.dcm" in ran.err
    assert "INCOMPLETE" in ran.out


def test_verify_without_a_receipt_proves_nothing(gurney: Gurney, tmp_path: Path) -> None:
    """Files may be whole and others absent: nobody can say. One receipt can be named."""
    gurney("fetch", URL, "--all", "-o", tmp_path / "out")
    receipt = tmp_path / "elsewhere.json"
    (tmp_path / "out" / "gurney-receipt.json").rename(receipt)
    without = gurney("verify", tmp_path / "out")
    named = gurney("verify", tmp_path / "out", "--receipt", receipt)

    assert [3, 0] == [without.code, named.code]
    assert "nobody can say" in without.out


def test_verify_escapes_file_names(gurney: Gurney, tmp_path: Path) -> None:
    """A file name is hostile text too."""
    (tmp_path / "\x1b[31m.dcm").write_bytes(b"nothing")
    ran = gurney("verify", tmp_path)

    assert ExitCode.INCOMPLETE == ran.code
    assert "\\x1b[31m.dcm" in ran.err
    assert "\x1b" not in ran.err


# ---------------------------------------------------------------- how it ends


def test_exit_codes_are_told_apart(gurney: Gurney, serve: Serve, tmp_path: Path) -> None:
    """Each ending that a script may see, provoked; one line on standard error, no traceback."""

    def unreachable(_: SearchResult) -> SearchResult:
        raise ArchiveUnavailableError("pacs.example does not answer; try again later")

    def interrupted(_: SearchResult) -> SearchResult:
        raise KeyboardInterrupt

    def broken(_: SearchResult) -> SearchResult:
        raise ValueError("Doe^Jane")

    endings: dict[int, list[Ran]] = {}
    for code, result in (
        (ExitCode.UNREACHABLE, unreachable),
        (ExitCode.INTERRUPTED, interrupted),
        (ExitCode.BUG, broken),
    ):
        serve(Odd(result))
        endings[code] = [gurney("find", URL), gurney("fetch", URL, "--all", "-o", tmp_path)]

    assert {code: [code, code] for code in endings} == {
        code: [ran.code for ran in rans] for code, rans in endings.items()
    }
    assert "gurney: pacs.example does not answer; try again later\n" == endings[4][0].err
    assert all(not ran.out for rans in endings.values() for ran in rans)
    assert all("Traceback" not in ran.err for rans in endings.values() for ran in rans)


def test_a_mistake_in_gurney_shows_no_patient(gurney: Gurney, serve: Serve) -> None:
    """Where it happened is shown; messages and locals, which may hold patient data, are not."""

    def broken(_: SearchResult) -> SearchResult:
        name = "Doe^Jane"
        raise ValueError(name)

    serve(Odd(broken))
    ran = gurney("find", URL, "--patient-name", "Doe*")

    assert ExitCode.BUG == ran.code
    assert "ValueError" in ran.err
    assert "in broken" in ran.err
    assert "Doe" not in ran.err


def test_errors_after_the_fact_are_incomplete(
    gurney: Gurney, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instances came, and the receipt could not be written: that is no success."""

    def full(*_: object) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gurney.storage.receipts.give_name", full)
    ran = gurney("fetch", URL, "--all", "-o", tmp_path)

    assert ExitCode.INCOMPLETE == ran.code
    assert "the receipt cannot be written: No space left on device; make room" in ran.err
    assert "no receipt that proves it" in ran.err
    assert "complete: 8 instances" not in ran.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["find", URL, "--level", "patient"],
        ["find", URL, "--patient-nam", "x"],
        ["find"],
        ["find", URL, "--include-field", "NoSuchKeyword"],
        ["find", URL, "--include-field", "PixelData"],
        ["find", URL, "--min-study-date", "2024-02-30"],
        ["find", URL, "--min-study-date", "20240302", "--max-study-date", "20240301"],
        ["fetch", URL, "--all"],
        ["verify", "/no/such/folder"],
        ["nonsense"],
    ],
)
def test_wrong_use(gurney: Gurney, arguments: list[str]) -> None:
    """A mistake on the command line is told from everything else, and nothing is printed."""
    ran = gurney(*arguments)

    assert ExitCode.WRONG_USE == ran.code
    assert "" == ran.out
    assert ran.err


def test_an_output_folder_that_cannot_be(gurney: Gurney, tmp_path: Path) -> None:
    """It is found out before anything is fetched."""
    (tmp_path / "file").write_text("")
    ran = gurney("fetch", URL, "--all", "-o", tmp_path / "file" / "out")

    assert ExitCode.WRONG_USE == ran.code
    assert "cannot fetch into" in ran.err


def test_quiet_leaves_results(gurney: Gurney) -> None:
    """No notes, the same results."""
    loud, quiet = gurney("find", URL), gurney("find", URL, "-q")

    assert "4 studies; complete" in loud.err
    assert "" == quiet.err
    assert loud.out == quiet.out


def test_help_and_version_are_results(gurney: Gurney) -> None:
    """They go to standard output; every help tells the exit codes."""
    helps = [gurney(*command, "--help") for command in ([], ["find"], ["fetch"], ["verify"])]

    assert {0} == {ran.code for ran in helps}
    assert all("Exit codes: 0 complete" in ran.out for ran in helps)
    assert gurney("--version").out.startswith("gurney ")


def test_warnings_of_libraries_are_not_shown(gurney: Gurney, serve: Serve) -> None:
    """pydicom puts values into its warnings."""
    import warnings

    def warn(result: SearchResult) -> SearchResult:
        warnings.warn("invalid value Doe^Jane", stacklevel=1)
        return result

    serve(Odd(warn))
    ran = gurney("find", URL)

    assert 0 == ran.code
    assert "Doe" not in ran.err


def test_completeness_of_a_search_is_that_of_the_receipt(
    gurney: Gurney, serve: Serve, tmp_path: Path
) -> None:
    """What a doubtful search named is fetched whole, and is still not known to be everything."""
    doubt = ["2 files cannot be read"]
    serve(Odd(lambda result: SearchResult(result, Completeness.UNKNOWN, doubt)))
    ran = gurney("fetch", URL, "--all", "-o", tmp_path)

    assert ExitCode.INCOMPLETE == ran.code
    assert "nobody can say whether this is everything: 8 instances" in ran.out
    assert 1 == ran.err.count("2 files cannot be read")
    assert 1 == gurney("verify", tmp_path).err.count("2 files cannot be read")
    assert 8 == len(list(tmp_path.rglob("*.dcm")))


def test_folder_that_takes_nothing_is_found_out_first(
    gurney: Gurney, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is fetched, not after each instance of a night was."""

    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("gurney.cli.fetching.TemporaryFile", refuse)
    ran = gurney("fetch", URL, "--all", "-o", tmp_path / "out")

    assert ExitCode.WRONG_USE == ran.code
    assert "cannot fetch into" in ran.err
