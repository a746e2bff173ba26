"""A search result for people, as a table: one row for each object, what is above it said once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs
from pydicom.uid import UID
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gurney.core import DICOMObject, DICOMObjectLevels, Instance, Study, level_of_keyword
from gurney.escaping import visible

from .columns import instance_count, objects_at, series_count, values_of

__all__ = [
    "date_of",
    "kind_of",
    "line",
    "number_text",
    "plain_table",
    "to_table",
    "uid_text",
    "words",
]

STUDY, SERIES, INSTANCE = sorted(DICOMObjectLevels, reverse=True)
LONGEST: Final = 120
"""Characters of one value that are shown."""


@attrs.frozen
class _Column:
    """A heading, and the cell of an object below it."""

    heading: str
    level: DICOMObjectLevels
    cell: Callable[[DICOMObject], RenderableType]
    right: bool = False


def to_table(studies: Iterable[Study], deepest: DICOMObjectLevels, extra: Sequence[str]) -> Table:
    """Return a table of the objects of level *deepest*, with a column for each *extra* keyword."""
    columns = [*_COLUMNS[deepest], *(_extra(keyword, deepest) for keyword in extra)]
    table = plain_table()
    for column in columns:
        table.add_column(column.heading, justify="right" if column.right else "left")
    above: dict[DICOMObjectLevels, DICOMObject] = {}
    for obj in objects_at(studies, deepest):
        own = {node.level: node for node in _upwards(obj)}
        fresh = {at for at, node in own.items() if above.get(at) is not node}
        if above and max(fresh) > deepest:
            table.add_section()
        table.add_row(*(col.cell(own[col.level]) if col.level in fresh else "" for col in columns))
        above = own
    return table


def plain_table() -> Table:
    """Return an empty table in the style of all tables."""
    return Table(
        box=box.SIMPLE_HEAD,
        border_style="faint",
        header_style="heading",
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )


def words(obj: DICOMObject, keyword: str) -> str:
    """Return the values of *keyword*, fit to be shown."""
    return visible(", ".join(filter(None, values_of(obj, keyword))), LONGEST)


def date_of(obj: DICOMObject) -> str:
    """Return the study date as people write it, or as it is if it is none."""
    date = words(obj, "StudyDate")
    return f"{date[:4]}-{date[4:6]}-{date[6:]}" if date.isdecimal() and len(date) == 8 else date


def kind_of(obj: DICOMObject) -> str:
    """Return the name of the SOP class, as in ``CT Image``; its UID if nobody knows the name."""
    return visible(UID(words(obj, "SOPClassUID")).name.removesuffix(" Storage"))


def line(text: str, style: str = "") -> Text:
    """Return *text* for one line: what does not fit becomes an ellipsis."""
    return Text(text, style, no_wrap=True, overflow="ellipsis")


def uid_text(uid: str) -> Text:
    """Return a UID, whole: it is there to be copied."""
    return Text(visible(uid), "faint", overflow="fold")


def number_text(count: int | None) -> str:
    """Return a count; ``?`` if nobody said it."""
    return "?" if count is None else f"{count:,}"


def _extra(keyword: str, deepest: DICOMObjectLevels) -> _Column:
    level = max(level_of_keyword(keyword), deepest)
    return _Column(keyword, level, lambda obj: line(words(obj, keyword)))


def _upwards(obj: DICOMObject) -> Iterable[DICOMObject]:
    node: DICOMObject | None = obj
    while node is not None:
        yield node
        node = node.parent


def _patient(obj: DICOMObject) -> RenderableType:
    return Group(line(words(obj, "PatientName")), line(words(obj, "PatientID"), "faint"))


def _study(obj: DICOMObject) -> RenderableType:
    modalities = words(obj, "ModalitiesInStudy").replace(", ", "+")
    return _card(_spaced(date_of(obj), modalities, words(obj, "StudyDescription")), "study", obj)


def _study_with_patient(obj: DICOMObject) -> RenderableType:
    return _card(_spaced(date_of(obj), words(obj, "PatientName")), "study", obj)


def _series(obj: DICOMObject) -> RenderableType:
    return _card(words(obj, "SeriesDescription"), "series", obj)


def _series_with_modality(obj: DICOMObject) -> RenderableType:
    shown = ("Modality", "SeriesNumber", "SeriesDescription")
    return _card(_spaced(*(words(obj, keyword) for keyword in shown)), "series", obj)


def _card(title: str, style: str, obj: DICOMObject) -> RenderableType:
    first = line(title, style) if title else line("(no description)", "faint")
    return Group(first, uid_text(obj.uid))


def _spaced(*parts: str) -> str:
    return "  ".join(part for part in parts if part)


def _instance(obj: DICOMObject) -> RenderableType:
    return _card(kind_of(obj), "instance", obj)


def _instances_of(obj: DICOMObject) -> str:
    return "1" if isinstance(obj, Instance) else number_text(instance_count(obj))


def _series_of(obj: DICOMObject) -> str:
    return number_text(series_count(obj)) if isinstance(obj, Study) else ""


def _of(keyword: str) -> Callable[[DICOMObject], RenderableType]:
    return lambda obj: line(words(obj, keyword))


_COLUMNS: Final = {
    STUDY: (
        _Column("Patient", STUDY, _patient),
        _Column("Study", STUDY, _study),
        _Column("Series", STUDY, _series_of, right=True),
        _Column("Instances", STUDY, _instances_of, right=True),
    ),
    SERIES: (
        _Column("Study", STUDY, _study_with_patient),
        _Column("No.", SERIES, _of("SeriesNumber"), right=True),
        _Column("Series", SERIES, _series),
        _Column("Modality", SERIES, _of("Modality")),
        _Column("Instances", SERIES, _instances_of, right=True),
    ),
    INSTANCE: (
        _Column("Study", STUDY, _study_with_patient),
        _Column("Series", SERIES, _series_with_modality),
        _Column("No.", INSTANCE, _of("InstanceNumber"), right=True),
        _Column("Instance", INSTANCE, _instance),
    ),
}
