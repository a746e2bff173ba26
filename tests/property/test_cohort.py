"""Laws of reading cohorts: what is written comes back, and no bytes break the reader."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given
from hypothesis import strategies as st

from gurney.core import (
    InstanceReference,
    InvalidInputError,
    Query,
    SeriesReference,
    StudyReference,
    unique,
)
from gurney.transfer import Item, read_cohort

COLUMNS = (
    "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID",
    "AccessionNumber", "PatientID", "StudyDate",
)  # fmt: skip
Wanted = StudyReference | SeriesReference | InstanceReference | Query

uids = st.from_regex(r"[1-9][0-9]{0,4}(\.[1-9][0-9]{0,4}){1,5}", fullmatch=True)
names = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"], exclude_characters='*?\\"#='),
    min_size=1,
    max_size=16,
).filter(lambda name: name.strip() != "" and "E+" not in name.upper())
days = st.dates()


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """Draw a query as a row of a table can say it."""
    day = draw(st.none() | days)
    return Query(
        AccessionNumber=draw(names),
        PatientID=draw(names | st.just("")),
        min_study_date=day,
        max_study_date=day,
    )


wanted = (
    st.builds(StudyReference, uids)
    | st.builds(SeriesReference, uids, uids)
    | st.builds(InstanceReference, uids, uids, uids)
    | queries()
)


def cells(what: Wanted) -> dict[str, str]:
    """Return the row that asks for *what*."""
    if not isinstance(what, Query):
        return dict(zip(COLUMNS, what.uids, strict=False))
    day = what.min_study_date
    return {
        "AccessionNumber": what.AccessionNumber,
        "PatientID": what.PatientID,
        "StudyDate": day.isoformat() if day else "",
    }


@given(
    st.lists(wanted),
    st.permutations(COLUMNS),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_is_written_comes_back(
    asked: list[Wanted], columns: list[str], delimiter: str, end: str, encoding: str
) -> None:
    """In whatever order and form a spreadsheet saves a table, it asks for the same."""
    table = io.StringIO()
    writer = csv.DictWriter(table, columns, delimiter=delimiter, lineterminator=end, restval="")
    writer.writeheader()
    writer.writerows(map(cells, asked))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "cohort.csv"
        path.write_bytes(table.getvalue().encode(encoding))

        found = read_cohort(path)

    assert list(unique(asked)) == [item.wanted for item in found]


@given(st.lists(wanted.filter(lambda what: not isinstance(what, Query)), min_size=1))
def test_references_come_back_from_lines(asked: list[Wanted]) -> None:
    """A list says what it was made of."""
    found = read_cohort(io.StringIO("\n".join(map(str, asked))))

    assert list(unique(asked)) == [item.wanted for item in found]


rows = st.lists(
    st.lists(
        st.sampled_from(["1.2", "A", "*", '"', '"x', "", "20240131", "1E+5", "\xff", "#", "\r"])
    )
)
headings = st.lists(st.sampled_from([*COLUMNS, "Name", ""]), min_size=1)


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """Draw what looks like a table, and is seldom a good one."""
    return "\n".join(",".join(row) for row in [draw(headings), *draw(rows)]).encode("latin-1")


@given(st.binary() | tables())
@example(b'AccessionNumber\n"')
@example(b"\xff\xfe\x00\xd8")
@example(b"StudyInstanceUID\n\x85\n")
def test_any_bytes_are_items_or_one_clear_error(content: bytes) -> None:
    """Nothing else comes out, whatever the file is."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "cohort.csv"
        path.write_bytes(content)
        found, complaint = list[Item](), "cohort.csv is fine"
        try:
            found = list(read_cohort(path))
        except InvalidInputError as error:
            complaint = str(error)

    assert complaint.startswith("cohort.csv ")
    assert all(item.place.endswith(" of cohort.csv") for item in found)
    assert len(found) == len({item.wanted for item in found})


@given(wanted, wanted)
def test_texts_of_items_tell_them_apart(one: Wanted, other: Wanted) -> None:
    """Two items have the same text, and so the same digest, if and only if they want the same."""
    assert (one == other) == (Item("here", one).text == Item("there", other).text)
