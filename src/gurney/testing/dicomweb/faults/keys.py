"""Faults of what the archive makes of matching keys and include fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import ClassVar, Final
from urllib.parse import unquote_plus

import attrs
from pydicom.datadict import dictionary_VR, tag_for_keyword
from typing_extensions import override

from ..asked import Asked, Service, parameters
from ..fault import Exchange, Fault, JSONObject, Page
from ..reply import Reply, plain
from ..searching import keys

__all__ = [
    "AllIgnored",
    "CountsOnlyWhenAsked",
    "DatesWithHyphens",
    "EscapesNotDecoded",
    "IncludeFieldRefused",
    "KeysIgnored",
    "KeysUnknown",
    "NoLists",
]

# PS3.18 table 10.6.1-5: what an archive must be able to match.
_REQUIRED: Final = frozenset(
    """
    StudyDate StudyTime AccessionNumber ModalitiesInStudy ReferringPhysicianName PatientName
    PatientID StudyInstanceUID StudyID Modality SeriesInstanceUID SeriesNumber
    PerformedProcedureStepStartDate PerformedProcedureStepStartTime RequestAttributesSequence
    SOPClassUID SOPInstanceUID InstanceNumber
    """.split()
)
_COUNTS: Final = """
    ModalitiesInStudy NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances
    NumberOfSeriesRelatedInstances
""".split()
_NOT_DECODED: Final = re.compile(r"(%2A|%5E|%2F|%20)", re.IGNORECASE)


class KeysIgnored(Fault):
    """Keys that are not supported are ignored, and nothing says so: more is found than matches."""

    @override
    def understood(self, exchange: Exchange, asked: Asked, /) -> Asked:
        """Leave keys out."""
        return _without(asked, self._is_ignored)

    def _is_ignored(self, name: str) -> bool:
        if self.settings.keys is not None:
            return name in self.settings.keys
        return tag_for_keyword(name) is not None and dictionary_VR(name) != "UI"


class KeysUnknown(Fault):
    """A search by a key that is not supported finds nothing, and nothing says so."""

    def paged(self, exchange: Exchange, page: Page, /) -> Page:
        """Find nothing."""
        names = [name for name, _ in keys(exchange.asked)]
        known = _REQUIRED if self.settings.keys is None else set(names) - set(self.settings.keys)
        return page if set(names) <= known else attrs.evolve(page, found=())


class DatesWithHyphens(Fault):
    """2024-01-01 is no DICOM date: a client has to refuse it, whatever the archive would do."""

    on_the_wire: ClassVar[bool] = False


class NoLists(Fault):
    """A list of values is taken for one value, and so finds nothing."""

    def paged(self, exchange: Exchange, page: Page, /) -> Page:
        """Find nothing by a list."""
        has_list = any(re.search(r"[,\\]", value) for _, value in keys(exchange.asked))
        return attrs.evolve(page, found=()) if has_list and page.found else page


class AllIgnored(Fault):
    """The include field ``all`` is ignored, and nothing says so."""

    @override
    def understood(self, exchange: Exchange, asked: Asked, /) -> Asked:
        """Leave ``all`` out."""
        kept = tuple(pair for pair in asked.parameters if pair != ("includefield", "all"))
        return asked if kept == asked.parameters else attrs.evolve(asked, parameters=kept)


class CountsOnlyWhenAsked(Fault):
    """Counts of related series and instances, and modalities, come only when asked for by name."""

    def described(
        self, exchange: Exchange, objects: Sequence[JSONObject], /
    ) -> Sequence[JSONObject]:
        """Leave out what was not asked for."""
        if exchange.asked.service is not Service.SEARCH:
            return objects
        fields = [value for name, value in exchange.asked.parameters if name == "includefield"]
        named = {field for value in fields for field in value.split(",")}
        spelt = {keyword: f"{tag_for_keyword(keyword):08X}" for keyword in _COUNTS}
        dropped = {tag for keyword, tag in spelt.items() if not {keyword, tag} & named}
        if not any(dropped & one.keys() for one in objects):
            return objects
        return [{tag: one[tag] for tag in one if tag not in dropped} for one in objects]


class IncludeFieldRefused(Fault):
    """Every include field is refused with 400."""

    def refusal(self, exchange: Exchange, /) -> Reply | None:
        """Refuse include fields."""
        refused = exchange.asked.parameter("includefield") != ""
        return plain(400, "includefield is not supported") if refused else None


class EscapesNotDecoded(Fault):
    """%2A, %5E, %2F and %20 in values are not decoded: an escaped wildcard finds nothing."""

    @override
    def understood(self, exchange: Exchange, asked: Asked, /) -> Asked:
        """Decode half."""
        if asked.service is not Service.SEARCH:
            return asked
        understood = parameters(asked.query, _half_decoded)
        same = understood == asked.parameters
        return asked if same else attrs.evolve(asked, parameters=understood)


def _half_decoded(value: str) -> str:
    pieces = _NOT_DECODED.split(value)  # what was split at stands at odd places
    return "".join(
        piece if place % 2 else unquote_plus(piece) for place, piece in enumerate(pieces)
    )


def _without(asked: Asked, is_ignored: Callable[[str], bool]) -> Asked:
    ignored = {name for name, _ in keys(asked) if is_ignored(name)}
    if asked.service is not Service.SEARCH or not ignored:
        return asked
    kept = tuple(pair for pair in asked.parameters if pair[0] not in ignored)
    return attrs.evolve(asked, parameters=kept)
