"""All faults, by the id of their quirk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...misbehaving import fault_named
from ..fault import Fault, Settings
from . import accepting, bodies, contents, json_model, keys, nothing, paging, sessions, unending

__all__ = ["FAULTS", "fault_of"]

FAULTS: Final[Mapping[str, type[Fault]]] = {
    "Q01": nothing.NoContent,
    "Q02": nothing.EmptyList,
    "Q03": nothing.NoBytes,
    "Q04": nothing.NotFound,
    "Q05": paging.Pages,
    "Q06": paging.DefaultPage,
    "Q07": paging.SilentCap,
    "Q08": paging.CapBeforeOffset,
    "Q09": paging.ShortPages,
    "Q10": paging.OneMore,
    "Q11": paging.OffsetIgnored,
    "Q12": paging.OverlappingPages,
    "Q13": paging.LimitTooLarge,
    "Q14": paging.TooBroad,
    "Q15": keys.KeysIgnored,
    "Q16": keys.KeysUnknown,
    "Q17": keys.DatesWithHyphens,
    "Q18": keys.NoLists,
    "Q19": keys.AllIgnored,
    "Q20": keys.CountsOnlyWhenAsked,
    "Q21": keys.IncludeFieldRefused,
    "Q22": json_model.UIDsMissingAndDoubled,
    "Q23": json_model.Oddities,
    "Q24": json_model.SingleObject,
    "Q25": sessions.LoginPage,
    "Q26": json_model.WrongCharacterSet,
    "Q27": json_model.DamagedNames,
    "Q28": json_model.WrongRetrieveURL,
    "Q29": sessions.RetryAfter,
    "Q30": sessions.ExpiredToken,
    "Q31": sessions.JSONForXML,
    "Q32": keys.EscapesNotDecoded,
    "Q33": contents.TwoPatients,
    "W01": bodies.CutAtClose,
    "W02": bodies.CutInPart,
    "W03": bodies.NoPartHeaders,
    "W04": bodies.BoundaryForms,
    "W05": bodies.LineFeeds,
    "W06": bodies.OtherEnvelope,
    "W07": accepting.QuotedTypeRefused,
    "W08": accepting.ListsRefused,
    "W09": accepting.AnySyntaxRefused,
    "W10": accepting.Decompressed,
    "W11": accepting.NoTranscoder,
    "W12": contents.PartialContent,
    "W13": bodies.NoParts,
    "W14": contents.ForeignInstance,
    "W15": contents.DoubledInstance,
    "W16": json_model.MetadataCut,
    "W17": bodies.Packed,
    "W18": bodies.RangeIgnored,
    "W19": bodies.Slow,
    "W20": unending.Trickle,
    "W21": json_model.ForeignBulkData,
    "W22": unending.Endless,
    "W23": contents.OddPreamble,
    "W24": contents.MislabelledPicture,
    "W25": accepting.TransferSyntaxIgnored,
    "W26": contents.ListedButGone,
    "W27": accepting.OneCannotBeTranscoded,
    "W28": contents.OtherUIDInMeta,
}
"""Every quirk, Q01 to Q33 and W01 to W28; the docstring of each is one line that says it."""


def fault_of(fault: str | Fault, settings: Settings) -> Fault:
    """Return the fault of a quirk, told what it needs."""
    return fault_named(fault, FAULTS, settings)
