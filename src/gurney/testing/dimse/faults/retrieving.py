"""Faults of which instances are sent, and of what is said of that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from io import BytesIO
from typing import Final, TypeAlias

import attrs
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID
from typing_extensions import override

from gurney.core import InstanceReference, encode, put

from ..asked import Service
from ..commands import Status
from ..fault import Exchange, Fault
from ..steps import Counts, Done, End, Plan, Progress, Silence, Step, Store
from ..stored import Opened, Stored, opened, part10

__all__ = [
    "CountsAbsent",
    "DestinationUnknown",
    "FailuresListed",
    "FailuresUnsaid",
    "LateStores",
    "NothingKnown",
    "NothingSent",
    "ReEncoded",
    "UnaskedStore",
]

_RETRIEVALS: Final = (Service.GET, Service.MOVE)
_FOREIGN: Final = InstanceReference("2.25.4999", "2.25.499901", "2.25.499901001")
_Change: TypeAlias = Callable[[Dataset, InstanceReference], None]
_CHARACTER_SET: Final = 0x00080005
_PADDED: Final = frozenset({"CS", "LO", "PN", "SH"})  # trailing spaces mean nothing, PS3.5 6.2


class NothingSent(Fault):
    """A retrieval sends nothing, whatever is asked for, and ends with 0x0000: no sub-operations."""

    @override
    def chosen(self, exchange: Exchange, instances: Sequence[Stored], /) -> Sequence[Stored]:
        """Choose none."""
        return () if instances else instances


class NothingKnown(Fault):
    """A retrieval, whatever is asked for, is answered by 0xC000."""

    @override
    def refusal(self, exchange: Exchange, /) -> Done | None:
        """Refuse."""
        if exchange.asked.service not in _RETRIEVALS:
            return None
        return Done(self.status(Status.CANNOT_PROCESS), counted=False)


class FailuresUnsaid(Fault):
    """Instances that are `failing` are not sent; they are counted as failed, under 0x0000."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Fail, and call it a success."""
        return _with_failures(self, plan, Done(self.status(Status.SUCCESS)))


class FailuresListed(Fault):
    """Instances that are `failing` are not sent: 0xB000 or 0xA702, with a list or without."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Fail, and say so."""
        final = Done(self.settings.status, listed=self.settings.listed)
        return _with_failures(self, plan, final)


class DestinationUnknown(Fault):
    """No destination of a C-MOVE is known: 0xA801, another `status`, or the `ending` abort."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Know nobody."""
        if exchange.asked.service is not Service.MOVE:
            return plan
        if self.settings.ending is not None:
            return Plan([End(self.settings.ending)])
        return Plan([Done(self.status(Status.NO_DESTINATION), counted=False)])


class CountsAbsent(Fault):
    """Responses hold no numbers of sub-operations."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Leave them out."""
        if exchange.asked.service not in _RETRIEVALS:
            return plan
        return attrs.evolve(plan, steps=[_uncounted(step) for step in plan.steps])


class LateStores(Fault):
    """Half of the instances are sent after the final response, which counts them as completed."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Finish early."""
        stores = [step for step in plan.steps if isinstance(step, Store)]
        if not stores:
            return plan
        early = [step for store in stores[: len(stores) // 2] for step in (store, Progress())]
        final = Done(self.status(Status.SUCCESS), Counts(completed=len(stores)))
        return Plan([*early, final, Silence(), *stores[len(stores) // 2 :]])


class UnaskedStore(Fault):
    """An instance of another study, which nobody asked for, is sent first."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Send one more."""
        stores = [step for step in plan.steps if isinstance(step, Store)]
        if not stores:
            return plan
        foreign = _changed(stores[0].instance, _FOREIGN, _rename)
        return attrs.evolve(plan, steps=[Store(foreign), Progress(), *plan.steps])


class ReEncoded(Fault):
    """Data sets come with other bytes: padded text, and sequences of undefined length."""

    @override
    def chosen(self, exchange: Exchange, instances: Sequence[Stored], /) -> Sequence[Stored]:
        """Write them anew."""
        return [_changed(one, one.reference, _pad) for one in instances] or instances


def _with_failures(fault: Fault, plan: Plan, final: Done) -> Plan:
    stores = [step for step in plan.steps if isinstance(step, Store)]
    last = [store.instance.reference.instance_uid for store in stores[-1:]]
    failing = last if fault.settings.failing is None else fault.settings.failing
    if not any(store.instance.reference.instance_uid in failing for store in stores):
        return plan
    return attrs.evolve(plan, steps=[_failed(step, failing, final) for step in plan.steps])


def _failed(step: Step, failing: Collection[str], final: Done) -> Step:
    if isinstance(step, Store) and step.instance.reference.instance_uid in failing:
        return attrs.evolve(step, fails=True)
    return final if isinstance(step, Done) else step


def _uncounted(step: Step) -> Step:
    return attrs.evolve(step, counted=False) if isinstance(step, (Progress, Done)) else step


def _changed(instance: Stored, reference: InstanceReference, change: _Change) -> Stored:
    return attrs.evolve(
        instance, reference=reference, open=partial(_reopened, instance, reference, change)
    )


def _reopened(instance: Stored, reference: InstanceReference, change: _Change) -> Opened:
    found = instance.open()
    dataset = dcmread(BytesIO(part10(found.transfer_syntax, b"".join(found.pieces))))
    change(dataset, reference)
    dataset.file_meta.MediaStorageSOPClassUID = UID(found.sop_class_uid)
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(reference.instance_uid)
    return opened(iter([encode(dataset)]))


def _rename(dataset: Dataset, reference: InstanceReference) -> None:
    for keyword, uid in zip(_UIDS, reference.uids, strict=True):
        put(dataset, keyword, [uid])


_UIDS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def _pad(dataset: Dataset, _: InstanceReference) -> None:
    for element in dataset:
        if element.VR == "SQ":
            element.is_undefined_length = True
        elif element.VR in _PADDED and element.VM == 1 and element.tag != _CHARACTER_SET:
            padded = f"{element.value}  "
            put(dataset, element.keyword, [padded])
