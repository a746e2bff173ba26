"""Faults of time, and of how an association ends."""

from __future__ import annotations

from typing import Final

import attrs
from typing_extensions import override

from ..asked import Service
from ..fault import Exchange, Fault
from ..steps import End, Ending, Pending, Plan, Raw, Silence, Step, Store
from ..stored import Stored

__all__ = ["CancelIgnored", "Ended", "HugePDU", "OddLengthAborts", "Silent"]

_HUGE: Final = bytes.fromhex("0400fffffff0") + bytes(1024)  # P-DATA-TF of 4 GB, and its begin


class Silent(Fault):
    """Silence before the first answer, and after it: `pause` seconds, or until `resume` is set."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Think twice."""
        if exchange.asked.service is Service.ECHO:
            return plan
        first, *others = plan.steps
        return attrs.evolve(
            plan, steps=[Silence(), first, *([Silence()] if others else []), *others]
        )


class CancelIgnored(Fault):
    """A C-CANCEL changes nothing: all results, or instances, come."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Go on."""
        return attrs.evolve(plan, heeds_cancel=False)


class HugePDU(Fault):
    """A PDU announces 4 GB of which hardly any come; then the `ending`, by default a cut."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Promise too much."""
        return Plan([Raw(_HUGE), End(self.settings.ending or "cut")])


class Ended(Fault):
    """In the middle of results, or of a data set, comes the `ending`: by default an A-ABORT."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """End it there."""
        ending = self.settings.ending or "abort"
        steps = list(plan.steps)
        stores = [place for place, step in enumerate(steps) if isinstance(step, Store)]
        results = sum(isinstance(step, Pending) for step in steps)
        if stores and not self.settings.between:
            middle = stores[len(stores) // 2]
            steps[middle] = self._cut(steps[middle], ending)
            return attrs.evolve(plan, steps=steps)
        if not (stores or results):
            return plan
        given = self.settings.cap
        after = stores[len(stores) // 2] if stores else results // 2 if given is None else given
        return attrs.evolve(plan, steps=[*steps[:after], End(ending)])

    def _cut(self, step: Step, ending: Ending) -> Step:
        if not isinstance(step, Store):
            return step
        return _ended(step, ending, self.settings.cut_after)


class OddLengthAborts(Fault):
    """The association is aborted within a data set of odd length: deflated ones, and others."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Stumble."""
        steps = [
            _ended(step, "abort", self.settings.cut_after)
            if isinstance(step, Store) and _length(step.instance) % 2
            else step
            for step in plan.steps
        ]
        return plan if steps == list(plan.steps) else attrs.evolve(plan, steps=steps)


def _ended(step: Store, ending: Ending, cut_after: int | None) -> Store:
    if cut_after is None:
        cut_after = _length(step.instance) // 2
    return attrs.evolve(step, cut_after=cut_after, ending=ending)


def _length(instance: Stored) -> int:
    """Return the bytes of the encoded data set."""
    return sum(map(len, instance.open().pieces))
