"""Faults of what the archive makes of keys and levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

import attrs
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from typing_extensions import override

from gurney.core import subset

from ..asked import UNIQUE, Asked, Level, Service, above
from ..commands import Status
from ..fault import Exchange, Fault
from ..retrieving import sent
from ..steps import Done, Plan

__all__ = [
    "AccessionNotTaken",
    "EmptyMatchesAll",
    "KeysIgnored",
    "KeysUnknown",
    "LevelMissing",
    "ParentsNeeded",
    "UIDListRefused",
    "WrongTypeInKey",
]

_RETRIEVALS: Final = (Service.GET, Service.MOVE)
_NO_KEYS: Final = frozenset({"SpecificCharacterSet", "QueryRetrieveLevel", "QueryRetrieveView"})
_UNIQUE: Final = frozenset(UNIQUE.values())
_REQUIRED: Final = frozenset(  # PS3.4 tables C.6-1 to C.6-5, and unique keys
    """
    PatientName PatientID StudyDate StudyTime AccessionNumber StudyID StudyInstanceUID
    Modality SeriesNumber SeriesInstanceUID InstanceNumber SOPInstanceUID
    """.split()
)


class KeysIgnored(Fault):
    """Keys that the archive does not support match everything, under 0xFF00."""

    @override
    def understood(self, exchange: Exchange, asked: Asked, /) -> Asked:
        """Empty them."""
        if asked.service is not Service.FIND:
            return asked
        kept = {UNIQUE[level] for level in asked.model.levels} | _NO_KEYS
        keys = self.settings.keys
        ignored = [
            element
            for element in asked.identifier
            if not element.is_empty and element.keyword not in kept
            if keys is None or element.keyword in keys
        ]
        if not ignored:
            return asked
        identifier = subset(asked.identifier, lambda _: True)
        for element in ignored:
            identifier.add(DataElement(element.tag, element.VR, ""))
        return attrs.evolve(asked, identifier=identifier)


class KeysUnknown(Fault):
    """A search by a key that the archive does not support finds nothing, under 0x0000."""

    @override
    def found(self, exchange: Exchange, items: Sequence[Dataset], /) -> Sequence[Dataset]:
        """Find nothing."""
        unknown = self.settings.keys
        used = {element.keyword for element in exchange.asked.identifier if not element.is_empty}
        used -= _NO_KEYS
        is_known = used <= _REQUIRED if unknown is None else used.isdisjoint(unknown)
        return items if is_known or not items else ()


class ParentsNeeded(Fault):
    """Without the unique keys of the levels above, 0xC000, even where relational was agreed on."""

    @override
    def refusal(self, exchange: Exchange, /) -> Done | None:
        """Refuse what is relational."""
        asked = exchange.asked
        levels = [level.value for level in Level]
        if asked.service not in (Service.FIND, *_RETRIEVALS) or asked.level not in levels:
            return None
        upper = above(Level(asked.level), asked.model)
        missing = not all(asked.values(UNIQUE[level]) for level in upper)
        return Done(self.status(Status.CANNOT_PROCESS), counted=False) if missing else None


class LevelMissing(Fault):
    """No level is a client's own mistake: a well-behaved archive answers 0xA900."""

    on_the_wire: ClassVar[bool] = False


class EmptyMatchesAll(Fault):
    """A retrieval with an empty UID, or a wildcard in it, sends all that the archive holds."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Send everything."""
        asked = exchange.asked
        is_open = asked.service in _RETRIEVALS and _is_open(asked)
        return sent(exchange.archive.instances({})) if is_open else plan


class UIDListRefused(Fault):
    """A retrieval by a list of UIDs is refused with 0xA900."""

    @override
    def refusal(self, exchange: Exchange, /) -> Done | None:
        """Refuse lists."""
        asked = exchange.asked
        has_list = any(len(asked.values(keyword)) > 1 for keyword in _UNIQUE)
        if asked.service not in _RETRIEVALS or not has_list:
            return None
        return Done(self.status(Status.DOES_NOT_MATCH), counted=False)


class AccessionNotTaken(Fault):
    """A retrieval by what is no unique key, say an accession number, is refused with 0x0120."""

    @override
    def refusal(self, exchange: Exchange, /) -> Done | None:
        """Refuse other keys."""
        asked = exchange.asked
        keys = {element.keyword for element in asked.identifier}
        if asked.service not in _RETRIEVALS or not keys - _NO_KEYS - _UNIQUE:
            return None
        return Done(self.status(Status.MISSING_ATTRIBUTE), counted=False)


class WrongTypeInKey(Fault):
    """A value that its VR does not allow is a client's own mistake: it must not be sent."""

    on_the_wire: ClassVar[bool] = False


def _is_open(asked: Asked) -> bool:
    """Say whether the unique key of the level that is asked for is no UID."""
    if asked.level not in [level.value for level in Level]:
        return False
    values = asked.values(UNIQUE[Level(asked.level)])
    return not values or any(not value or set("*?") & set(value) for value in values)
