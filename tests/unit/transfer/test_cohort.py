"""Cohorts are read from what people have: tables of spreadsheets, lists, receipts."""

from __future__ import annotations

import io
import traceback
from pathlib import Path

import pytest

from gurney.core import (
    InvalidInputError,
    Outcome,
    OutcomeStatus,
    Query,
    Receipt,
    SeriesReference,
    StudyReceipt,
    StudyReference,
    parse_reference,
)
from gurney.core.receipts import Expectation
from gurney.storage import FolderStorage
from gurney.testing import MemoryArchive, example_datasets
from gurney.transfer import Cohort, Given, Transfer, read_cohort

MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


def read(text: str) -> Cohort:
    """Read a table or list, called ``c.csv``."""
    return read_cohort(io.StringIO(text, newline=""), "c.csv")


def shown(cohort: Cohort) -> list[str]:
    """Return what is asked for, as people write it."""
    return [
        item.wanted.to_short_string() if isinstance(item.wanted, Query) else str(item.wanted)
        for item in cohort
    ]


def complaint(text: str) -> str:
    """Return what is said of a table or list that is refused."""
    with pytest.raises(InvalidInputError) as caught:
        read(text)
    return str(caught.value)


# ---------------------------------------------------------------- lists


def test_references_from_lines() -> None:
    """Comments and empty lines do not count; each reference comes once, in order."""
    text = f"{MARK}# a comment\r\n1.2/1.2.3\r\n\r\n  1.3  \n1.2/1.2.3\n"

    found = read(text)

    assert ["1.2/1.2.3", "1.3"] == shown(found)
    assert ["line 2 of c.csv", "line 4 of c.csv"] == [item.place for item in found]
    assert ("c.csv: 1 repeat what is asked for before",) == found.notes


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", MARK])
def test_a_list_without_anything_is_refused(text: str) -> None:
    """More likely than nothing was meant, the command that should have written it failed."""
    assert "c.csv is empty" in complaint(text)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("1.2\n1.2//1.3\n", "line 2 is not a reference"),
        ("# x\n1.2 1.3\n", "line 2 is not a reference"),
        ("1.2/2/3/4\n", "line 1 is not a reference"),
        ("1.2\n1.3;Doe^Jane\n", "line 2 is not a reference: it is one of a table"),
    ],
)
def test_what_is_no_reference_is_named_by_line(text: str, where: str) -> None:
    """It can be found and corrected; its text, which might be a patient's, is not repeated."""
    said = complaint(text)

    assert said.startswith(f"c.csv cannot be used: {where}")
    assert "Doe" not in said


def test_numbers_without_a_heading_are_not_taken_for_uids() -> None:
    """Whoever forgets the heading is told so; the archive would only say that there is none."""
    assert "whose first row names its columns" in complaint("4711\n4712\n")


@pytest.mark.parametrize("text", ['{"format": "gurney receipt 1"}', '[\n"1.2"]'])
def test_json_is_named_for_what_it_is(text: str) -> None:
    """A receipt has been given as JSON, perhaps."""
    assert "c.csv is JSON; give one reference a line, or CSV" == complaint(text)


# ---------------------------------------------------------------- tables


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_references_from_a_table(delimiter: str) -> None:
    """What `find --format csv` writes can be fetched, also after a spreadsheet saved it."""
    rows = [
        ["PatientName", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"],
        ['"Doe\nJane"', "1.2", "1.2.3", "1.2.3.4"],
        ["x", "1.2", "1.2.3", ""],
        ["y", "1.5", "", ""],
    ]

    found = read("\n".join(delimiter.join(row) for row in rows))

    assert ["1.2/1.2.3/1.2.3.4", "1.2/1.2.3", "1.5"] == shown(found)
    assert [f"row {n} of c.csv" for n in (2, 3, 4)] == [item.place for item in found]


def test_a_table_without_rows_asks_for_nothing() -> None:
    """A search that found nothing is no mistake."""
    assert 0 == len(read("StudyInstanceUID,PatientName\n"))


def test_a_receipt_is_a_table(tmp_path: Path) -> None:
    """What is in a receipt can be asked for again."""
    instance = parse_reference("1.2/1.2.3/1.2.3.4")
    outcome = Outcome(reference=instance, status=OutcomeStatus.MISSING, reason="it did not come")
    receipt = Receipt([StudyReceipt("1.2", Expectation(1, "somebody"), [outcome])])
    (tmp_path / "receipt.csv").write_text(receipt.to_csv())

    found = read_cohort(tmp_path / "receipt.csv")

    assert [instance] == [item.wanted for item in found]
    assert "row 2 of receipt.csv" == found[0].place


@pytest.mark.parametrize("order", ["AccessionNumber", "accession_number", "Accession Number"])
def test_rows_without_uids_are_queries(order: str) -> None:
    """Each cell of a row has to match, in whatever order the columns are."""
    found = read(
        f"StudyDate,SeriesInstanceUID,{order},Comment,PatientID\n"
        "2024-01-31,,A-1,,\n"
        "20240131,,,a comment,P 1\n"
        ",1.2.3,,,\n"
    )

    assert [
        "AccessionNumber=A-1, min_study_date=20240131, max_study_date=20240131",
        "PatientID=P 1, min_study_date=20240131, max_study_date=20240131",
        "SeriesInstanceUID=1.2.3",
    ] == shown(found)


def test_a_study_uid_says_it_all() -> None:
    """What else a row says of that study is not asked for: it may be written otherwise there."""
    assert ["1.2"] == shown(read("AccessionNumber,StudyInstanceUID\nA-1,1.2\n"))


def test_patients_alone_are_meant_if_there_is_no_other_column() -> None:
    """All studies of a patient are fetched where a table asks for nothing else."""
    assert ["PatientID=P1"] == shown(read("PatientID\nP1\n"))


def test_other_columns_are_noted() -> None:
    """They are passed over; one that is misspelt might have been meant."""
    found = read("StudyInstanceUID,Name,SeriesInstancUID\n1.2,Doe,1.2.3\n")

    assert ["1.2"] == shown(found)
    assert (
        "c.csv: nothing is read but StudyInstanceUID; was one meant for SeriesInstanceUID?",
    ) == found.notes


def test_rows_are_counted_as_a_spreadsheet_does() -> None:
    """Comments above and empty rows count, line breaks within a cell do not."""
    found = read('# of May\n\nAccessionNumber,Comment\nA,"one\ntwo"\n,\n\nB,\n')

    assert ["row 4 of c.csv", "row 7 of c.csv"] == [item.place for item in found]


def test_texts_that_were_kept_from_a_spreadsheet() -> None:
    """Some programs write ="007" so that no spreadsheet makes a 7 of it."""
    assert ["AccessionNumber=007"] == shown(read('AccessionNumber\n"=""007"""\n'))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("AccessionNumber\nA*\n", "row 2, AccessionNumber: has a wildcard"),
        ("AccessionNumber\nA?\n", "row 2, AccessionNumber: has a wildcard"),
        ("AccessionNumber\nA\\B\n", "row 2, AccessionNumber: has a backslash"),
        ("AccessionNumber\n1.2E+15\n", "row 2, AccessionNumber: a spreadsheet has rounded"),
        ("AccessionNumber\n1e+16\n", "row 2, AccessionNumber: a spreadsheet has rounded"),
        ("AccessionNumber;x\n1,2E+15;\n", "row 2, AccessionNumber: a spreadsheet has rounded"),
        ("AccessionNumber\n#NAME?\n", "row 2, AccessionNumber: holds an error"),
        ('AccessionNumber\n"a\nb"\n', "row 2, AccessionNumber: holds a control character"),
        ('AccessionNumber\n""""""\n', "row 2, AccessionNumber: has two quotes"),
        ('AccessionNumber\n"="""""\n', "row 2, AccessionNumber: is blank"),
        ("AccessionNumber,x\n,x\n", "row 2 is empty in AccessionNumber"),
        ("PatientID,StudyDate\nP,31.01.2024\n", "row 2, StudyDate: is no day"),
        ("PatientID,StudyDate\nP,20240230\n", "row 2, StudyDate: is no day"),
        ("PatientID,StudyDate\nP,20240101-\n", "row 2, StudyDate: is no day"),
        ("PatientID,StudyDate\nP,\n", "row 2 has a PatientID alone"),
        ("PatientID,AccessionNumber\nP\n", "row 2 has a PatientID alone"),
        ("PatientID,StudyDate\n,20240131\n", "row 2 has a StudyDate alone"),
        ("StudyInstanceUID\n1.2/3\n", "row 2, StudyInstanceUID: is no UID"),
        ('StudyInstanceUID\n"1.2,1.3"\n', "row 2, StudyInstanceUID: holds a comma"),
        ("StudyInstanceUID,SOPInstanceUID\n1.2,1.3\n", "row 2, SOPInstanceUID: needs a Series"),
        ("SOPInstanceUID\n1.3\n", "row 2, SOPInstanceUID: needs a StudyInstanceUID"),
        ("StudyInstanceUID\n1.2,1.3\n", "row 2 has more cells than the heading"),
        ("StudyInstanceUID,study_uid\n1.2,1.3\n", "row 1 names StudyInstanceUID twice"),
    ],
)
def test_what_cannot_be_meant_is_told_by_row_and_column(text: str, said: str) -> None:
    """It can be found and corrected."""
    assert complaint(text).startswith(f"c.csv cannot be used: {said}")


def test_ten_mistakes_are_told_at_once() -> None:
    """Nobody corrects rows one by one; and who has hundreds mends the export."""
    said = complaint("AccessionNumber\nA\n" + "B*\n" * 25)

    assert said.endswith("; and 15 more")
    assert [f"row {n}," in said for n in range(2, 14)] == [False, *[True] * 10, False]


def test_no_cell_is_ever_told() -> None:
    """Not in a message, not in what caused it, not in a repr: they are patients'."""
    secret = "SECRET"
    rows = [
        f"AccessionNumber\n{secret}*\n",
        f"PatientID,StudyDate\n{secret},{secret}\n",
        f'AccessionNumber\n"{secret}"{secret}\n',
        f"StudyInstanceUID\n{secret}/{secret}\n",
        f'AccessionNumber\n"{secret}',
    ]
    for text in rows:
        with pytest.raises(InvalidInputError) as caught:
            read(text)
        assert secret not in "".join(traceback.format_exception_only(caught.value))
        assert secret not in str(caught.value.__cause__)
    item = read(f"PatientID\n{secret}\n")[0]
    assert secret not in repr(item) + str(item)


def test_a_quote_left_open_loses_no_row() -> None:
    """A cell that would swallow all rows below it is refused."""
    said = complaint('AccessionNumber,Name\nA,x\nB,"y\nC,z\n')

    assert said.startswith("c.csv cannot be read as a table after row 2")


def test_a_cell_of_megabytes_is_refused() -> None:
    """The reader of CSV gives up, and that is said."""
    said = complaint("StudyInstanceUID,PatientName\n1.2," + "x" * 1_000_000 + "\n")

    assert "cannot be read as a table" in said


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_as_spreadsheets_save_them(tmp_path: Path, encoding: str) -> None:
    """As CSV in UTF-8 with or without byte order mark, or as Unicode text."""
    path = tmp_path / "c.csv"
    path.write_text("PatientID\tNäme\r\nMüller-1\tx\r\n", encoding=encoding)

    assert ["PatientID=Müller-1"] == shown(read_cohort(path))


def test_columns_that_nobody_reads_may_be_in_any_encoding(tmp_path: Path) -> None:
    """An old spreadsheet saves names as it likes; what is asked for is plain."""
    path = tmp_path / "c.csv"
    path.write_bytes("AccessionNumber;Name\nA-1;Müller\n".encode("cp1252"))

    assert ["AccessionNumber=A-1"] == shown(read_cohort(path))


def test_columns_that_are_read_are_utf_8(tmp_path: Path) -> None:
    """Nobody would find a patient by a damaged id."""
    path = tmp_path / "c.csv"
    path.write_bytes("PatientID\nMüller-1\n".encode("cp1252"))

    with pytest.raises(InvalidInputError, match=r"row 2, PatientID: is not UTF-8"):
        read_cohort(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04\x14\x00", "is a spreadsheet's own file; save it as CSV"),
        ("StudyInstanceUID\n1.2\n".encode("utf-16-le"), "it holds zero bytes"),
        (b"\xff\xfeS", "is not UTF-8 text"),
    ],
)
def test_files_that_are_no_text(tmp_path: Path, content: bytes, said: str) -> None:
    """What to do about it is said."""
    path = tmp_path / "c.csv"
    path.write_bytes(content)

    with pytest.raises(InvalidInputError, match=said):
        read_cohort(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is named by its name."""
    with pytest.raises(InvalidInputError, match=r"^none\.csv cannot be read: No such file"):
        read_cohort(tmp_path / "none.csv")


def test_a_cohort_is_a_sequence() -> None:
    """It can be sliced, counted, and shown without what is in it."""
    cohort = read("1.2\n1.3/1.4\n")

    assert [StudyReference("1.2"), SeriesReference("1.3", "1.4")] == [x.wanted for x in cohort[:]]
    assert "Cohort(2 items)" == repr(cohort)


# ---------------------------------------------------------------- what spreadsheets and people do


@pytest.mark.parametrize("value", ["JANSEN^PIET", "Jansen.Piet", "20240131", "MOF5026", "1.2x"])
def test_value_in_the_column_of_a_uid_is_not_told(value: str, tmp_path: Path) -> None:
    """Real archives hold odd UIDs, so it is looked up; but it may be a name in the wrong column."""
    (item,) = read(f"StudyInstanceUID,PatientID\n{value},\n")
    archive = MemoryArchive(example_datasets())
    source = Given(archive, archive, "examples")
    made = Transfer([item], source, FolderStorage(tmp_path / "out"), ledger=tmp_path / "ledger")
    plan = made.plan()
    kept = b"".join(path.read_bytes() for path in made.folder.rglob("*") if path.is_file())

    assert Query(StudyInstanceUID=value) == item.wanted
    assert value not in repr(item) + str(plan) + "".join(plan.reasons)
    assert not plan.complete
    assert value.encode() not in kept


def test_odd_uid_is_found(tmp_path: Path) -> None:
    """As the archive has it."""
    dataset = example_datasets()[0]
    dataset.StudyInstanceUID = "STUDY-100"
    archive = MemoryArchive([dataset])
    cohort = read("StudyInstanceUID\nSTUDY-100\n")
    source = Given(archive, archive, "examples")
    report = Transfer(cohort, source, FolderStorage(tmp_path / "out")).run()

    assert report.complete
    assert 1 == sum(study.received for study in report.studies())


@pytest.mark.parametrize("value", ["JANSEN^PIET", "Jansen.Piet", "20240131", "MOF5026", "1.2x"])
def test_value_in_a_list_of_uids_is_refused_and_not_told(value: str) -> None:
    """A list has no columns: what is no UID by its form is taken for a mistake."""
    listed = complaint(f"1.2\n{value}\n")

    assert "line 2 is not a reference" in listed
    assert value not in listed


def test_what_stands_beside_a_uid_is_not_judged() -> None:
    """It is not needed, and what an archive told of itself can be read; but that is said."""
    found = read("StudyInstanceUID,StudyDate,PatientID\n1.2,about 1996,A*\n")

    assert ["1.2"] == shown(found)
    assert ("c.csv: not read in rows with a StudyInstanceUID: PatientID, StudyDate",) == found.notes


@pytest.mark.parametrize(
    "day", ["1996.10.29", "1996-10-29 00:00:00", "1996-10-29T00:00", "1996-10-29 00:00:00.000"]
)
def test_days_as_others_write_them(day: str) -> None:
    """Old archives have dots; programs put midnight behind a day."""
    found = read(f"PatientID,StudyDate\nA,{day}\n")

    assert ["PatientID=A, min_study_date=19961029, max_study_date=19961029"] == shown(found)


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;"])
def test_line_for_excel_is_passed_over(line: str) -> None:
    """It says what parts the cells, which they show themselves."""
    found = read(f"{line}\nPatientID;AccessionNumber\nA;B\n")

    assert ["AccessionNumber=B, PatientID=A"] == shown(found)
    assert ["row 3 of c.csv"] == [item.place for item in found]


def test_table_without_known_columns_is_told_which_there_are() -> None:
    """Nobody has to look them up."""
    assert "AccessionNumber, PatientID, StudyDate" in complaint("Accession;Remark\n12;x\n")
