"""The XML of a MINT search, taken apart while it arrives: objects, each with its parents.

What is said of a study may come after its series (X04). So nothing of a study is passed on before
its element has ended.
"""

from __future__ import annotations

from typing import Final

import attrs

from ...core import DICOMObjectLevels, ProtocolViolationError
from ...searching import Reading
from ..documents import Attributes, Elements
from .items import MintItem, Said, said

__all__ = ["SearchResults"]

_ROOT: Final = "studySearchResults"
_NAMESPACES: Final = ("http://medical.nema.org/mint", "")
_LEVELS: Final = {
    "study": DICOMObjectLevels.STUDY,
    "series": DICOMObjectLevels.SERIES,
    "instance": DICOMObjectLevels.INSTANCE,
}
_PARENTS: Final = {"study": _ROOT, "series": "study", "instance": "series"}
_SKIPPED: Final = ""


def _no_nodes() -> list[_Node]:
    return []


@attrs.define(eq=False)
class _Node:
    """An object whose element has begun."""

    said: Said = attrs.field(factory=dict[int, Reading])
    children: list[_Node] = attrs.field(factory=_no_nodes)


class SearchResults(Elements):
    """Collects the objects of one level, with what is said of those above them.

    Parameters
    ----------
    level
        Of the objects that are wanted.
    asked
        What was asked for, for errors.

    Attributes
    ----------
    items
        Those of the studies that have ended, in order: to be taken, and cleared.
    """

    def __init__(self, level: DICOMObjectLevels, asked: str) -> None:
        self.items: list[MintItem] = []
        self._level: DICOMObjectLevels = level
        self._asked: str = asked
        self._open: list[str] = []  # names of elements, empty for those that are skipped
        self._nodes: list[_Node] = []

    def begin(self, namespace: str, name: str, attributes: Attributes, /) -> None:
        """Take note that an element begins."""
        parent = self._open[-1] if self._open else None
        if parent is None and (name != _ROOT or namespace not in _NAMESPACES):
            raise ProtocolViolationError(
                self._asked, "XML came that is no answer of MINT; is the address that of MINT?"
            )
        known = namespace in _NAMESPACES and (parent is None or _PARENTS.get(name) == parent)
        known = known and _LEVELS.get(name, self._level) >= self._level  # what is below is not kept
        self._open.append(name if known else _SKIPPED)
        if known and name in _LEVELS:
            self._nodes.append(_Node())
        elif name == "attr" and namespace in _NAMESPACES and parent in _LEVELS:
            self._take(attributes)

    def text(self, content: str, /) -> None:
        """Nothing is said in text."""

    def end(self) -> None:
        """Take note that the last element that began ends."""
        if self._open.pop() not in _LEVELS:
            return
        node = self._nodes.pop()
        if self._nodes:
            self._nodes[-1].children.append(node)
        else:
            self._flatten(node, (), DICOMObjectLevels.STUDY)

    def _take(self, attributes: Attributes) -> None:
        found = said(attributes.get("tag", ""), attributes.get("vr", ""), attributes.get("val", ""))
        if found is not None:
            self._nodes[-1].said.setdefault(*found)

    def _flatten(self, node: _Node, above: tuple[Said, ...], level: DICOMObjectLevels) -> None:
        levels = (node.said, *above)
        if level == self._level:
            self.items.append(MintItem(*levels))
            return
        for child in node.children:
            self._flatten(child, levels, DICOMObjectLevels(level - 1))
