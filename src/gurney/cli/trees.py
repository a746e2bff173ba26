"""A search result for people, as a tree, coloured by level."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from rich.tree import Tree

from gurney.core import DICOMObject, DICOMObjectLevels, Series, Study
from gurney.escaping import visible

from .columns import instance_count, own_keywords, series_count
from .tables import date_of, kind_of, words

__all__ = ["to_tree"]


def to_tree(
    studies: Sequence[Study], deepest: DICOMObjectLevels, extra: Sequence[str], archive: str
) -> Tree:
    """Return a tree of *studies* down to *deepest*; UIDs stand below each study and series."""
    title = Text.assemble((visible(archive), "heading"), f"  {_count(len(studies), 'study')}")
    tree = Tree(title, guide_style="faint", highlight=False)
    for study in studies:
        _grow(tree, study, deepest, extra)
    return tree


def _grow(tree: Tree, obj: DICOMObject, deepest: DICOMObjectLevels, extra: Sequence[str]) -> None:
    label = _LABELS[obj.level](obj)
    for keyword in own_keywords(obj.level, deepest, extra):
        if keyword in extra:
            label.append(f"  {keyword}=", "faint").append(words(obj, keyword))
    branch = tree.add(label)
    if obj.level > deepest:
        children: Sequence[DICOMObject] = obj.children
        for child in children:
            _grow(branch, child, deepest, extra)


def _study(obj: DICOMObject) -> Text:
    label = _joined(
        (date_of(obj), "study"),
        (words(obj, "PatientName"), "study"),
        (words(obj, "PatientID"), ""),
        (words(obj, "StudyDescription"), ""),
    )
    if isinstance(obj, Study):
        counts = ", ".join(_counts(series_count(obj), instance_count(obj)))
        label.append(f"  {counts}" if counts else "", "faint")
    return label.append(f"\n{visible(obj.uid)}", "faint")


def _series(obj: DICOMObject) -> Text:
    label = _joined(
        (words(obj, "SeriesNumber"), "series"),
        (words(obj, "Modality"), "series"),
        (words(obj, "SeriesDescription"), ""),
    )
    if isinstance(obj, Series):
        counts = ", ".join(_counts(None, instance_count(obj)))
        label.append(f"  {counts}" if counts else "")
    return label.append(f"  {visible(obj.uid)}", "faint")


def _instance(obj: DICOMObject) -> Text:
    label = _joined((words(obj, "InstanceNumber"), "instance"), (kind_of(obj), "instance"))
    return label.append(f"  {visible(obj.uid)}", "faint")


_LABELS = {
    DICOMObjectLevels.STUDY: _study,
    DICOMObjectLevels.SERIES: _series,
    DICOMObjectLevels.INSTANCE: _instance,
}


def _joined(*parts: tuple[str, str]) -> Text:
    return Text("  ").join(Text(text, style) for text, style in parts if text)


def _counts(series: int | None, instances: int | None) -> list[str]:
    return [
        _count(count, noun)
        for count, noun in ((series, "series"), (instances, "instance"))
        if count is not None
    ]


def _count(count: int, noun: str) -> str:
    plural = {"study": "studies", "series": "series", "instance": "instances"}
    return f"{count} {noun if count == 1 else plural[noun]}"
