"""Receipts in files, and several of them taken together."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import pytest
from rich.console import Console

from gurney import (
    Completeness,
    Expectation,
    Outcome,
    OutcomeStatus,
    Receipt,
    StudyReceipt,
    parse_reference,
)
from gurney.cli.exits import WrongUseError
from gurney.cli.merging import merged
from gurney.cli.receipts import check_free, keep, read, receipts_in, write
from gurney.cli.summaries import headline, summary
from gurney.cli.terminal import THEME

STORED, THERE = OutcomeStatus.STORED, OutcomeStatus.ALREADY_THERE
FAILED, MISSING = OutcomeStatus.FAILED, OutcomeStatus.MISSING
WITHHELD = OutcomeStatus.WITHHELD


def outcome(reference: str, status: OutcomeStatus = STORED, checksum: str = "") -> Outcome:
    """Return an outcome with a reason where it needs one."""
    reason = "" if status in {STORED, THERE} else "because"
    name = parse_reference(reference)
    path = reference if not reason else ""
    return Outcome(reference=name, status=status, reason=reason, path=path, checksum=checksum)


def study(*outcomes: Outcome, doubt: str = "", count: int | None = -1) -> StudyReceipt:
    """Return a receipt of study 1 that expects *outcomes*, or *count*."""
    expectation = Expectation(
        len(outcomes) if count == -1 else count,
        "somebody",
        Completeness.UNKNOWN if doubt else Completeness.COMPLETE,
        (doubt,) if doubt else (),
    )
    return StudyReceipt("1", expectation, outcomes)


def receipt(*studies: StudyReceipt, doubt: str = "", archive: str = "a") -> Receipt:
    """Return a receipt of *studies*."""
    return Receipt(studies, [doubt] if doubt else [], archive)


def test_one_receipt_is_itself() -> None:
    """Nothing is added to a single receipt."""
    one = receipt(study(outcome("1/2/3")), doubt="capped")

    assert one is merged([one])


def test_what_came_later_is_here() -> None:
    """An instance that failed first and was fetched by the same command again is not missing."""
    first = receipt(study(outcome("1/2/3"), outcome("1/2/4", FAILED)))
    second = receipt(study(outcome("1/2/3", THERE), outcome("1/2/4")))

    assert not first.complete
    assert merged([first, second]).complete


def test_what_turned_out_to_be_here_is_here() -> None:
    """An instance that failed first and was found whole later is not missing."""
    first = receipt(study(outcome("1/2/3", FAILED)))
    second = receipt(study(outcome("1/2/3", THERE)))

    assert merged([first, second]).complete


def test_the_first_checksum_stays_the_proof() -> None:
    """`already there` carries no checksum: what was stored is measured by what stored it."""
    first = receipt(study(outcome("1/2/3", checksum="sha256:aa")))
    second = receipt(study(outcome("1/2/3", THERE)))

    assert ["sha256:aa"] == [o.checksum for o in merged([first, second]).outcomes]


def test_stored_anew_is_the_new_proof() -> None:
    """A file that was deleted and fetched again is measured by the later receipt."""
    first = receipt(study(outcome("1/2/3", checksum="sha256:aa")))
    second = receipt(study(outcome("1/2/3", checksum="sha256:bb")))

    assert ["sha256:bb"] == [o.checksum for o in merged([first, second]).outcomes]


def test_withheld_stands_until_it_is_there() -> None:
    """What a transform withheld once counts as done; a file that is there is measured."""
    withheld = receipt(study(outcome("1/2/3", WITHHELD)))
    there = receipt(study(outcome("1/2/3", THERE, checksum="sha256:aa")))

    assert merged([withheld, receipt(study(outcome("1/2/3", FAILED)))]).complete
    assert [THERE] == [o.status for o in merged([withheld, there]).outcomes]
    assert [THERE] == [o.status for o in merged([there, withheld]).outcomes]


def test_headline_says_what_was_withheld() -> None:
    """Complete, and yet not all of it is in the folder."""
    both = receipt(study(outcome("1/2/3"), outcome("1/2/4", WITHHELD), outcome("1/2/5", THERE)))

    assert "complete: 3 instances of 1 study, 0 bytes; 1 of them were there already; " in str(
        headline(both)
    )
    assert str(headline(both)).endswith("1 of them were withheld by the transform")


def test_parts_of_a_study_add_up() -> None:
    """Two series, fetched by two commands, are both expected to be here."""
    together = merged([receipt(study(outcome("1/2/3"))), receipt(study(outcome("1/5/6")))])

    assert 2 == together.studies[0].expectation.count
    assert together.complete


def test_what_was_announced_and_not_listed_stays_expected() -> None:
    """An archive said 3 and listed 1: another series that is whole does not make up for it."""
    first = receipt(study(outcome("1/2/3"), count=3))
    second = receipt(study(outcome("1/5/6")))

    assert 4 == merged([first, second]).studies[0].expectation.count


def test_a_doubt_is_settled_by_the_same_without_doubt() -> None:
    """The same command again, with a complete listing now."""
    first = receipt(study(outcome("1/2/3"), doubt="listing cut short"))
    second = receipt(study(outcome("1/2/3", THERE), outcome("1/2/4")))

    assert merged([first, second]).complete


@pytest.mark.parametrize(
    "second",
    [
        receipt(study(outcome("1/2/4"))),
        receipt(study(outcome("1/2/3", THERE)), archive="another"),
        receipt(study(outcome("1/2/3", THERE), doubt="again")),
        receipt(study(outcome("1/2/3", THERE), count=None)),
    ],
    ids=["other instances", "other archive", "in doubt too", "nobody knows how many"],
)
def test_a_doubt_is_settled_by_nothing_less(second: Receipt) -> None:
    """What is not known to be complete does not become so because something else is."""
    first = receipt(study(outcome("1/2/3"), doubt="listing cut short"))

    assert not merged([first, second]).complete


def test_a_study_that_could_not_be_listed_stays_missing() -> None:
    """One series of it, fetched later, does not prove that it has no other."""
    first = receipt(study(outcome("1", MISSING), count=None))
    second = receipt(study(outcome("1/2/3")))

    assert not merged([first, second]).complete


def test_a_capped_search_is_settled_by_one_that_covers_it() -> None:
    """Reasons of the whole go when a later receipt names all of it, and has none."""
    first = receipt(study(outcome("1/2/3")), doubt="capped")
    second = receipt(study(outcome("1/2/3", THERE)))
    doubtful = receipt(study(outcome("1/2/3", THERE), doubt="again"))
    empty = receipt(doubt="capped")

    assert () == merged([first, second]).reasons
    assert ("capped",) == merged([first, doubtful]).reasons
    assert ("capped",) == merged([empty, second]).reasons


def test_of_many_studies_those_that_lack_something_come_first() -> None:
    """A summary of thousands of studies shows what needs attention, and how many it leaves out."""
    fine = [StudyReceipt(f"1.{n}", Expectation(0, "x"), []) for n in range(1000)]
    doubtful = [
        StudyReceipt(f"2.{n}", Expectation(0, "x", Completeness.UNKNOWN, ("doubt",)), [])
        for n in range(100)
    ]
    short = StudyReceipt("3", Expectation(2, "x"), [])
    table = summary(Receipt([*fine, *doubtful, short]))
    console = Console(file=io.StringIO(), width=100, theme=THEME)
    console.print(table)

    assert isinstance(console.file, io.StringIO)
    heading, _, first, second, *_, last = console.file.getvalue().splitlines()
    assert heading.startswith("Study")
    assert ["3", "2", "0", "0", "bytes", "INCOMPLETE"] == first.split()
    assert second.strip().endswith("nobody can say")
    assert "and 1061 more" in last


def test_receipts_are_numbered_and_never_overwritten(tmp_path: Path) -> None:
    """The first, the second, and after a gap the next one: the oldest comes first."""
    one, two, three = receipt(doubt="1"), receipt(doubt="2"), receipt(doubt="3")

    paths = [keep(one, tmp_path), keep(two, tmp_path)]
    (tmp_path / "gurney-receipt-9.json").write_text(two.to_json())
    paths.append(keep(three, tmp_path))

    assert ["gurney-receipt.json", "gurney-receipt-2.json", "gurney-receipt-10.json"] == [
        path.name for path in paths
    ]
    assert [one, two, two, three] == [read(path) for path in receipts_in(tmp_path)]
    assert 4 == len(list(tmp_path.iterdir()))


def test_a_receipt_is_written_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """exFAT and some network file systems have none."""

    def no_link(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.link", no_link)
    paths = [keep(receipt(), tmp_path), keep(receipt(), tmp_path)]

    assert sorted(paths) == sorted(tmp_path.glob("*.json"))
    assert [] == list(tmp_path.glob(".gurney-*.part"))


def test_a_receipt_elsewhere_is_csv_by_its_name(tmp_path: Path) -> None:
    """A spreadsheet gets a table; everything else is JSON."""
    one = receipt(study(outcome("1/2/3")))
    write(one, tmp_path / "r.CSV")
    write(one, tmp_path / "r.json")

    assert one.to_csv() == (tmp_path / "r.CSV").read_text()
    assert one == read(tmp_path / "r.json")
    with pytest.raises(WrongUseError, match="not overwritten"):
        write(one, tmp_path / "r.json")
    with pytest.raises(WrongUseError, match="not overwritten"):
        check_free(tmp_path / "r.json")
    with pytest.raises(WrongUseError, match="no such folder"):
        check_free(tmp_path / "nowhere" / "r.json")


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[]"])
def test_what_is_no_receipt_is_said(tmp_path: Path, content: bytes) -> None:
    """A file of another kind is a wrong use, not a crash."""
    path = tmp_path / "r.json"
    path.write_bytes(content)

    with pytest.raises(WrongUseError, match=r"r\.json"):
        read(path)
