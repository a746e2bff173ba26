"""All faults, by the id of their quirk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...misbehaving import fault_named
from ..fault import Fault, Settings
from . import answers, endings, keys, negotiating, results, retrieving

__all__ = ["FAULTS", "fault_of"]

FAULTS: Final[Mapping[str, type[Fault]]] = {
    "D01": results.OutOfResources,
    "D02": results.CancelledUnasked,
    "D03": results.SilentCap,
    "D04": results.TooBroad,
    "D05": keys.KeysIgnored,
    "D06": keys.KeysUnknown,
    "D07": keys.ParentsNeeded,
    "D08": keys.LevelMissing,
    "D09": keys.EmptyMatchesAll,
    "D10": retrieving.NothingSent,
    "D11": retrieving.NothingKnown,
    "D12": retrieving.FailuresUnsaid,
    "D13": retrieving.FailuresListed,
    "D14": negotiating.RolesRefused,
    "D15": retrieving.DestinationUnknown,
    "D16": retrieving.CountsAbsent,
    "D17": endings.Silent,
    "D18": retrieving.LateStores,
    "D19": retrieving.UnaskedStore,
    "D20": endings.CancelIgnored,
    "D21": negotiating.ManyClasses,
    "D22": negotiating.CompressedOnly,
    "D23": keys.UIDListRefused,
    "D24": keys.AccessionNotTaken,
    "D25": answers.CharacterSets,
    "D26": answers.NumberSpelling,
    "D27": keys.WrongTypeInKey,
    "D28": negotiating.FindRefused,
    "D29": endings.HugePDU,
    "D30": endings.Ended,
    "D31": retrieving.ReEncoded,
    "D32": endings.OddLengthAborts,
}
"""Every quirk, D01 to D32; the docstring of each is one line that says it."""


def fault_of(fault: str | Fault, settings: Settings) -> Fault:
    """Return the fault of a quirk, told what it needs."""
    return fault_named(fault, FAULTS, settings)
