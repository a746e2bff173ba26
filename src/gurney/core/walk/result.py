"""What a structural walk found: is the instance whole, and what does it hold?"""

from __future__ import annotations

from enum import Enum

import attrs
from pydicom.dataelem import RawDataElement, empty_value_for_VR
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

__all__ = ["FaultKind", "Limits", "Walked"]


@attrs.frozen
class Limits:
    """How much of hostile input a walk puts up with.

    Memory does not depend on them, except on ``value`` times the number of keywords asked for:
    a walk keeps no more than that. What goes beyond ``value`` is left out and noted; what goes
    beyond another limit is a fault of the kind `FaultKind.BUDGET`.

    Attributes
    ----------
    depth
        Open sequences of undefined length, one inside the other. Those of defined length are
        stepped over as a whole and cost nothing.
    elements
        Elements, items and fragments looked at.
    value
        Bytes of one value that is kept.
    inflated
        Bytes that a deflated data set may grow to.
    """

    depth: int = 1000
    elements: int = 10_000_000
    value: int = 64 * 1024
    inflated: int = 4 * 1024**3


class FaultKind(str, Enum):
    """Why bytes are not one whole DICOM instance: for each, a caller does something else."""

    NOT_DICOM = "not DICOM"
    """Something else altogether: skip it."""

    CUT = "cut"
    """The bytes end too early: ask for them again."""

    MALFORMED = "malformed"
    """The bytes contradict themselves: asking again gives the same."""

    BUDGET = "over budget"
    """Looked at until a limit was reached: raise it if the source is trusted."""


@attrs.frozen(kw_only=True)
class Walked:
    """The result of a structural walk.

    Attributes
    ----------
    kind
        What kind of fault there is; `None` if the instance is whole.
    fault
        What is wrong and where, in words without any value; ``""`` if the instance is whole.
    oddities
        What is not as it should be, and does not harm: each kind once, with the place where it
        was first seen. In the order seen.
    size
        How many bytes there were.
    end
        The byte at which the data set ends, or the walk could not go on. Less than ``size``
        when padding follows.
    data_set_offset
        The byte at which the data set begins, after preamble and file meta; ``end`` if there
        is none.
    transfer_syntax
        As the file meta say; ``""`` if they do not. What is really there stands in
        ``implicit_vr`` and ``little_endian``.
    meta_instance_uid, meta_class_uid
        Media Storage SOP Instance and Class UID of the file meta, ``""`` if absent.
    study_uid, series_uid, instance_uid, sop_class_uid
        UIDs of the data set without their padding, ``""`` if absent or empty. Not validated.
    elements
        The elements asked for, the UIDs, Specific Character Set and what tells the size of the
        pixels, in order of their tags, if present and no longer than `Limits.value`. Of an
        element that occurs twice, the last. Only those of the data set itself, none from inside
        its sequences.
    """

    kind: FaultKind | None
    fault: str
    oddities: tuple[str, ...]
    size: int
    end: int
    data_set_offset: int
    transfer_syntax: str
    implicit_vr: bool
    little_endian: bool
    meta_instance_uid: str
    meta_class_uid: str
    study_uid: str
    series_uid: str
    instance_uid: str
    sop_class_uid: str
    elements: tuple[RawDataElement, ...] = attrs.field(repr=False)

    @property
    def whole(self) -> bool:
        """Whether the structure is closed, and ends at the last byte or at padding."""
        return self.kind is None

    @property
    def is_dicom(self) -> bool:
        """Whether this is DICOM at all, be it damaged."""
        return self.kind is not FaultKind.NOT_DICOM

    @property
    def dataset(self) -> Dataset:
        """A new data set of ``elements``; pydicom decodes each value when it is asked for it."""
        dataset = Dataset({BaseTag(raw.tag): _as_read(raw) for raw in self.elements})
        dataset.set_original_encoding(self.implicit_vr, self.little_endian)
        return dataset


def _as_read(raw: RawDataElement) -> RawDataElement:
    """As pydicom's reader would hand it on: there, some empty values are None."""
    if raw.length:
        return raw
    empty = empty_value_for_VR(raw.VR, raw=True)
    return raw._replace(value=empty if isinstance(empty, bytes) else None)
