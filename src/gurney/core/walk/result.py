"""What a structural walk found: whether the instance is whole, and what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import attrs
from pydicom.dataelem import RawDataElement, empty_value_for_VR
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

__all__ = ["FaultKind", "Limits", "RawValue", "Walked"]

RawValue = tuple[bytes, bytes, int]
"""A value as it lies in the bytes: its VR (empty if implicit), itself, and its position."""


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
        Elements, items, fragments and their delimiters looked at.
    value
        Bytes of one value that is kept; no fewer than 1024, a walk needs some values itself.
    inflated
        Bytes that a deflated data set may grow to.
    """

    depth: int = attrs.field(default=1000, validator=attrs.validators.ge(0))
    elements: int = attrs.field(default=10_000_000, validator=attrs.validators.ge(0))
    value: int = attrs.field(default=64 * 1024, validator=attrs.validators.ge(1024))
    inflated: int = attrs.field(default=4 * 1024**3, validator=attrs.validators.ge(0))


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
        The byte at which the data set ends, or the walk could not go on; for a fault in a deflated
        data set, where that begins. Less than ``size`` when padding follows.
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
    values
        What was kept, file meta included, as raw as it came: by tag the two letters of the VR
        (none in implicit VR), the bytes, and their position. `elements` is the same for pydicom.
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
    values: Mapping[int, RawValue] = attrs.field(repr=False, hash=False)

    @property
    def whole(self) -> bool:
        """Whether the structure is closed, and ends at the last byte or at padding."""
        return self.kind is None

    @property
    def is_dicom(self) -> bool:
        """Whether this is DICOM at all, be it damaged."""
        return self.kind is not FaultKind.NOT_DICOM

    @property
    def elements(self) -> tuple[RawDataElement, ...]:
        """The elements that were kept, as pydicom's reader would hand them on.

        Those asked for, the UIDs, Specific Character Set, and what tells the size of the pixels:
        as far as they are there, and no longer than `Limits.value`. In order of tags; of an
        element that occurs twice, the last. None of file meta, none from inside a sequence.
        """
        return tuple(
            self._raw(tag, *value) for tag, value in sorted(self.values.items()) if tag >> 16 != 2
        )

    @property
    def dataset(self) -> Dataset:
        """A new data set of `elements`; pydicom decodes each value when it is asked for it."""
        dataset = Dataset({raw.tag: raw for raw in self.elements})
        dataset.set_original_encoding(self.implicit_vr, self.little_endian)
        return dataset

    def _raw(self, tag: int, vr: bytes, value: bytes, position: int) -> RawDataElement:
        name = vr.decode("ascii") or None
        empty = None if value else empty_value_for_VR(name, raw=True)
        return RawDataElement(
            BaseTag(tag),
            name,
            len(value),
            value if value or isinstance(empty, bytes) else None,
            position,
            not vr,
            self.little_endian,
        )
