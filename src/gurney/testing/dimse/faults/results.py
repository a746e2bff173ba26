"""Faults of how many results come, and of how a search ends."""

from __future__ import annotations

from typing_extensions import override

from ..asked import Service
from ..commands import Status
from ..fault import Exchange, Fault
from ..steps import Done, Pending, Plan

__all__ = ["CancelledUnasked", "OutOfResources", "SilentCap", "TooBroad"]


class OutOfResources(Fault):
    """A search ends with 0xA700 after `cap` results, if there are more."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Cut, and say so."""
        return _capped(exchange, plan, self.cap, self.status(Status.OUT_OF_RESOURCES))


class CancelledUnasked(Fault):
    """A search ends with 0xFE00 after `cap` results, if there are more; nobody cancelled it."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Cut, and say something else."""
        return _capped(exchange, plan, self.cap, self.status(Status.CANCELLED))


class SilentCap(Fault):
    """A search ends with 0x0000 after `cap` results, and nothing says that there are more."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Cut, and say nothing."""
        return _capped(exchange, plan, self.cap, self.status(Status.SUCCESS))


class TooBroad(Fault):
    """A search that finds more than `cap` is refused with 0xA700; no result comes."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Refuse broad searches."""
        status = self.status(Status.OUT_OF_RESOURCES)
        broad = _capped(exchange, plan, self.cap, status) is not plan
        return Plan([Done(status)]) if broad else plan


def _capped(exchange: Exchange, plan: Plan, cap: int, status: int) -> Plan:
    results = [step for step in plan.steps if isinstance(step, Pending)]
    if exchange.asked.service is not Service.FIND or len(results) <= cap:
        return plan
    return Plan([*results[:cap], Done(status)])
