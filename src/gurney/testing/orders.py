"""Ways to ask a downloader for instances of the seeded archive, and what has to come."""

from __future__ import annotations

from typing import Final

import attrs

from gurney.core import (
    DICOMDownloadable,
    DICOMObjectLevels,
    DICOMObjectReference,
    InstanceReference,
    Series,
    SeriesReference,
    Study,
    StudyReference,
    to_references,
)

from .seeds import FOLLOW_UP, HAND, HEAD, THORAX, TREE, UNKNOWN

__all__ = ["INSTANCES", "ORDERS", "Order", "STRANGERS"]

INSTANCES: Final = to_references(TREE, DICOMObjectLevels.INSTANCE)
"""All instances of the seeded archive."""


@attrs.frozen
class Order:
    """Objects that are asked for.

    Attributes
    ----------
    name
        What is particular about them.
    objects
        The objects.
    level
        That of the highest among them whose content is not known.
    """

    name: str
    objects: tuple[DICOMDownloadable, ...]
    level: DICOMObjectLevels = DICOMObjectLevels.INSTANCE

    def __str__(self) -> str:
        return self.name

    @property
    def instances(self) -> list[str]:
        """What has to come, each once: references, printed and sorted."""
        asked = {reference.uids for reference in to_references(self.objects, self.level)}
        return sorted(
            str(instance)
            for instance in INSTANCES
            if any(instance.uids[: len(uids)] == uids for uids in asked)
        )


@attrs.frozen
class _Foreign:
    """Somebody else's class, that has the shape of what can be downloaded, and no more."""

    level: DICOMObjectLevels
    address: DICOMObjectReference
    children: tuple[_Foreign, ...]

    def reference(self) -> DICOMObjectReference:
        return self.address


def _foreign(obj: DICOMDownloadable) -> _Foreign:
    return _Foreign(obj.level, obj.reference(), tuple(map(_foreign, obj.children)))


def _shallow(study: Study) -> Study:
    return Study(study.uid, series=[Series(series.uid) for series in study.series])


_STUDY, _SERIES = DICOMObjectLevels.STUDY, DICOMObjectLevels.SERIES
_thorax = TREE[0]
_axial, _coronal = _thorax.series
_hand = SeriesReference(HAND, f"{HAND}01")
_herz = SeriesReference(FOLLOW_UP, f"{FOLLOW_UP}02")

ORDERS: Final[tuple[Order, ...]] = (
    Order("nothing", ()),
    Order("instances", INSTANCES),
    Order("one instance", INSTANCES[:1]),
    Order("series", to_references(TREE, _SERIES), _SERIES),
    Order("studies", to_references(TREE, _STUDY), _STUDY),
    Order("whole trees", TREE),
    Order("trees of series", tuple(map(_shallow, TREE)), _SERIES),
    Order("part of a tree", (Study(_thorax.uid, series=[_coronal]),)),
    Order("half a tree", (Study(_thorax.uid, series=[Series(_axial.uid), _coronal]),), _SERIES),
    Order("foreign trees", tuple(map(_foreign, TREE))),
    Order("foreign studies", (_foreign(StudyReference(HEAD)),), _STUDY),
    Order("mixed", (INSTANCES[0], TREE[1], _hand), _SERIES),
    Order("an instance, then a series", (INSTANCES[0], _hand), _SERIES),
    Order("an instance, then a study", (INSTANCES[0], StudyReference(HEAD)), _STUDY),
    Order("one thing twice", (INSTANCES[0], INSTANCES[0])),
    Order("overlapping trees", (_thorax, _axial, _axial.instances[0], _thorax)),
    Order("overlapping references", (StudyReference(FOLLOW_UP), _herz, INSTANCES[6]), _STUDY),
)
"""With references of every level, trees known in whole, in part and not at all."""

STRANGERS: Final[tuple[DICOMObjectReference, ...]] = (
    InstanceReference(THORAX, _axial.uid, f"{_axial.uid}999"),
    InstanceReference(THORAX, _axial.uid, INSTANCES[4].instance_uid),
    InstanceReference(UNKNOWN, f"{UNKNOWN}01", f"{UNKNOWN}01001"),
    SeriesReference(THORAX, f"{UNKNOWN}01"),
    SeriesReference(THORAX, f"{HEAD}01"),
    StudyReference(UNKNOWN),
)
"""What the archive does not hold: wholly unknown, or in another series or study."""
