"""Which presentation contexts a C-GET proposes, so that instances come as they are stored.

An acceptor picks one transfer syntax of each context. So there is one for each compressed syntax:
else an archive would have to unpack an image, pack it in another way (with losses, perhaps) or, if
it can do neither, would not send it (D22). An association has 128 contexts at most, and there are
more storage classes than that alone (D21): so only the classes that the archive says it holds are
proposed, over as many associations as it takes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import Enum
from functools import lru_cache
from typing import Final, TypeAlias

from pydicom import uid as uids

from ..association import MOST_CONTEXTS, Proposed

__all__ = ["COMMONEST", "Proposal", "can_all_come", "proposals"]

Proposal: TypeAlias = tuple[Proposed, ...]
"""The contexts of one association."""

_IMPLICIT: Final = "1.2.840.10008.1.2"
_EXPLICIT: Final = "1.2.840.10008.1.2.1"
_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
_DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_IN_JPEG: Final = "1.2.840.10008.1.2.4."

# Each is a context of its own, but for the first: Explicit or, if the archive must, Implicit VR.
_NATIVE: Final = ((_EXPLICIT, _IMPLICIT), (_IMPLICIT,))
_COMMON: Final = (
    *(_IN_JPEG + end for end in ("50", "51", "57", "70", "80", "81", "90", "91")),
    "1.2.840.10008.1.2.5",  # RLE Lossless
)
_RARE: Final = (
    *(_IN_JPEG + end for end in ("201", "202", "203", "92", "93", "110", "111", "112")),
    "1.2.840.10008.1.2.8.1",  # deflated frames
    "1.2.840.10008.1.2.1.98",  # encapsulated, not compressed
)
_VIDEO: Final = tuple(
    _IN_JPEG + end
    for end in (
        *(f"{number}{fragments}" for number in range(100, 107) for fragments in ("", ".1")),
        "107",
        "108",
    )
)
_SELDOM_NATIVE: Final = (_DEFLATED, _BIG_ENDIAN)

_PIXEL_LESS: Final = re.compile(
    "PresentationState|SRStorage|Waveform|Encapsulated|StructureSet|Plan|Record|Report|Log|Document"
    "|Registration|Fiducials|Measurements|Protocol|Radiation(?!.*Image)|Instruction|Preparation"
    "|Intent|RawData|Spectroscopy|Mapping|Mesh|PointCloud|Tractography|Template|Palette|Inventory"
    "|Display|Calculations|Prescription|Results|Relationship"
)
_MOVING: Final = re.compile("Video|MultiFrame.*SecondaryCapture|XRayAngiographic|Radiofluoroscopic")
COMMONEST: Final[tuple[str, ...]] = (
    uids.CTImageStorage,
    uids.MRImageStorage,
    uids.ComputedRadiographyImageStorage,
    uids.DigitalXRayImageStorageForPresentation,
    uids.SecondaryCaptureImageStorage,
    uids.UltrasoundImageStorage,
    uids.UltrasoundMultiFrameImageStorage,
    uids.DigitalMammographyXRayImageStorageForPresentation,
    uids.PositronEmissionTomographyImageStorage,
    uids.NuclearMedicineImageStorage,
    uids.XRayAngiographicImageStorage,
    uids.GrayscaleSoftcopyPresentationStateStorage,
    uids.BasicTextSRStorage,
    uids.EnhancedSRStorage,
    uids.ComprehensiveSRStorage,
    uids.KeyObjectSelectionDocumentStorage,
    uids.XRayRadiationDoseSRStorage,
    uids.EncapsulatedPDFStorage,
)
"""UIDs of the SOP classes that most instances are of, commonest first."""


def _storage_classes() -> Iterator[tuple[str, str]]:
    for name, value in vars(uids).items():
        if isinstance(value, uids.UID) and "Storage" in name and ".5.1.4.1.1." in value:
            yield str(value), name


_NAMES: Final = dict(_storage_classes())
_ALL: Final = tuple(dict.fromkeys((*map(str, COMMONEST), *_NAMES)))


def proposals(classes: Collection[str], get_class: str) -> Sequence[Proposal]:
    """Return what to propose in order to receive instances of *classes*: for each association.

    Parameters
    ----------
    classes
        UIDs of SOP classes; empty if nobody knows which: then all there are, the commonest first.
    get_class
        UID of the SOP class by which they are asked for.

    Returns
    -------
    sequence of Proposal
        Length >= 1; each begins with *get_class*.
    """
    return _proposals(frozenset(classes), get_class)


@lru_cache(maxsize=64)
def _proposals(classes: frozenset[str], get_class: str) -> Sequence[Proposal]:
    asking = Proposed(get_class, (_EXPLICIT, _IMPLICIT))
    wanted = sorted(classes) or _ALL
    ways = ([_contexts(uid, care) for uid in wanted] for care in _Care)
    fitting = next(filter(_fit, ways), None) or [_contexts(uid, _Care.COMMON) for uid in wanted]
    return [(asking, *batch) for batch in _batches(fitting)]


@lru_cache(maxsize=64)
def can_all_come(classes: frozenset[str]) -> bool:
    """Say whether `proposals` leaves out nothing of *classes*, not even what is rare."""
    return _fit([_contexts(uid, _Care.EVERYTHING) for uid in classes])


class _Care(Enum):
    """How many of the compressed transfer syntaxes are proposed."""

    EVERYTHING = "all there are"
    ALL_STILL = "video only where there may be any"
    COMMON = "those that most archives hold"


def _contexts(sop_class: str, care: _Care) -> list[Proposed]:
    """Return the contexts of one class; an unknown one may hold anything."""
    name = _NAMES.get(sop_class, "")
    syntaxes: list[tuple[str, ...]] = list(_NATIVE)
    rare = care is not _Care.COMMON
    if rare:
        syntaxes += [(syntax,) for syntax in _SELDOM_NATIVE]
    if not _PIXEL_LESS.search(name):
        syntaxes += [(syntax,) for syntax in (*_COMMON, *(_RARE if rare else ()))]
        if care is _Care.EVERYTHING or not name or _MOVING.search(name):
            syntaxes += [(syntax,) for syntax in _VIDEO]
    return [Proposed(sop_class, each, as_scp=True) for each in syntaxes]


def _fit(contexts: Iterable[list[Proposed]]) -> bool:
    """Say whether they have room in one association, beside that of the C-GET itself."""
    return sum(map(len, contexts)) < MOST_CONTEXTS


def _batches(contexts: Iterable[list[Proposed]]) -> Iterator[list[Proposed]]:
    """Yield as many classes at a time as one association has room for."""
    batch: list[Proposed] = []
    for each in contexts:
        if not _fit((batch, each)):
            yield batch
            batch = []
        batch += each
    yield batch
