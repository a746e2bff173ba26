"""What the archives that misbehave share, whatever they speak: faults, and what passes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import ClassVar, Generic, TypeVar

from typing_extensions import Self

from gurney.core import InvalidInputError

__all__ = ["CountedFault", "FaultyExchange", "fault_named"]

T = TypeVar("T")
SettingsT = TypeVar("SettingsT")
FaultT = TypeVar("FaultT", bound="CountedFault")


class CountedFault:
    """One way to misbehave, which may stop after so many requests.

    Parameters
    ----------
    times
        How many requests it spoils before it stops; `None` for what its class says.

    Attributes
    ----------
    on_the_wire
        Whether any answer differs: some quirks are a client's own.
    times
        How many requests it spoils if nobody else says so; `None` for ever.
    """

    on_the_wire: ClassVar[bool] = True
    times: ClassVar[int | None] = None

    def __init__(self, times: int | None = None) -> None:
        self._left: int | None = self.times if times is None else times
        self._lock: Lock = Lock()

    def may_act(self) -> bool:
        """Count one more request that is spoilt; not if it was often enough."""
        with self._lock:
            if self._left == 0:
                return False
            if self._left is not None:
                self._left -= 1
            return True


class FaultyExchange(Generic[FaultT]):
    """One request, on its way through the stages: who inherits has these fields.

    Attributes
    ----------
    faults
        What is wrong with the archive.
    """

    faults: Sequence[FaultT]
    _acted: set[FaultT]

    def through(self, value: T, stage: Callable[[FaultT], Callable[[Self, T], T]]) -> T:
        """Return what each fault in turn makes of *value*."""
        for fault in self.faults:
            altered = stage(fault)(self, value)
            if altered is not value and self.may_act(fault):
                value = altered
        return value

    def may_act(self, fault: FaultT) -> bool:
        """Say whether *fault* alters this request: it counts once, at however many stages."""
        if fault not in self._acted and fault.may_act():
            self._acted.add(fault)
        return fault in self._acted


def fault_named(
    fault: str | FaultT, faults: Mapping[str, Callable[[SettingsT], FaultT]], settings: SettingsT
) -> FaultT:
    """Return the one of *faults* that has this name, told what it needs.

    Raises
    ------
    InvalidInputError
        If there is none.
    """
    if not isinstance(fault, str):
        return fault
    if fault not in faults:
        first, *_, last = faults
        raise InvalidInputError(f"there is no fault {fault!r}; FAULTS has them, {first} to {last}")
    return faults[fault](settings)
