"""An archive of any size that holds nothing: its answers are made up when they are asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import cache, lru_cache
from hashlib import sha256
from typing import Final, TypeAlias

import attrs
from attrs.validators import ge, instance_of, lt
from pydicom.dataset import Dataset

from gurney.core import (
    Completeness,
    DICOMDownloadable,
    DICOMFile,
    DICOMObjectLevels,
    DICOMObjectReference,
    DownloadError,
    FileDownloader,
    Instance,
    InstanceReference,
    Query,
    Searcher,
    SearchResult,
    Series,
    Study,
    StudyReference,
    UnsupportedParameterError,
    encode,
    put,
)

from .making import MadeSeries, made

__all__ = ["SimulatedArchive"]

# A UID is that of a 126-bit number, PS3.5 B.2: where in the tree the object is, multiplied by an
# odd number, which can be undone. All have 39 digits, as most UIDs of this kind do.
_LEAST: Final = 10**38
_RANGE: Final = 1 << 126
_FACTOR: Final = int.from_bytes(sha256(b"gurney").digest()[:15], "big") | 1
_BACK: Final = pow(_FACTOR, -1, _RANGE)
_UID: Final = re.compile(r"2\.25\.(1[0-9]{38})")
_SERIES_BITS, _INSTANCE_BITS = 16, 32

_EPOCH: Final = date(2000, 1, 1)
_DAYS: Final = 9000
_OF_A_PATIENT: Final = 3  # studies
_MODALITIES: Final = ("CT", "MR", "CR", "DX", "US", "PT")
_IDENTITY: Final = re.compile(r"SIM([0-9]{9})")
_PIXELS: Final = 16  # bytes that differ between instances
_KEYS: Final = frozenset(
    """
    StudyInstanceUID SeriesInstanceUID AccessionNumber PatientID ModalitiesInStudy
    min_study_date max_study_date query_level
    """.split()
)

_Place: TypeAlias = tuple[int, int, int]
"""Numbers of study, series and instance, from 0; -1 for none."""


def _size(most: int, default: int) -> int:
    """Return a field that holds a number, at least 1."""
    checks = [instance_of(int), ge(1), lt(most)]
    field: int = attrs.field(default=default, validator=checks)
    return field


@attrs.frozen(kw_only=True)
class SimulatedArchive(Searcher, FileDownloader):
    """A million instances that take no room: UIDs, listings and files follow from a seed.

    Archives of equal settings give equal answers, byte for byte, in whatever process: an archive
    pickles as its settings. Whatever is made up is small, valid and of nobody. Memory does not
    grow with what has been listed and downloaded.

    Finds by StudyInstanceUID and SeriesInstanceUID, AccessionNumber and PatientID without
    wildcards, ModalitiesInStudy, and study dates. Three studies in a row are one patient's, from
    one day to the next.

    Parameters
    ----------
    studies, series, instances
        How many studies, series in each, instances in each study: as evenly over its series as
        their number allows. There are no more series in a study than instances.
    seed
        Archives with another one have other UIDs.
    rows
        Rows, and columns, of each instance; a pixel is a byte. At least 4.

    Examples
    --------
    >>> from gurney.core import QueryLevels
    >>> archive = SimulatedArchive(studies=10_000, instances=100)
    >>> study = archive.study(4711)
    >>> archive.find_study_by_id(study.study_uid, QueryLevels.INSTANCE)
    Study('2.25.107851458575794019861567365557645044076', 4 series, 100 instances)
    >>> {file.dataset().Modality for file in archive.files([study])}
    {'MR'}
    """

    studies: int = _size(10**9, 10_000)
    instances: int = _size(1 << _INSTANCE_BITS, 100)
    series: int = _size(1 << _SERIES_BITS, 4)
    seed: int = attrs.field(default=0, validator=instance_of(int))
    rows: int = attrs.field(default=4, validator=[instance_of(int), ge(4)])

    def study(self, number: int) -> StudyReference:
        """Return the study with this number, from 0."""
        return StudyReference(self._uid((range(self.studies)[number], -1, -1)))

    def accession_number(self, number: int) -> str:
        """Return the Accession Number (0008,0050) of the study with this number."""
        return _identity(range(self.studies)[number])

    def patient_id(self, number: int) -> str:
        """Return the Patient ID (0010,0020) of the study with this number."""
        return _identity(range(self.studies)[number] // _OF_A_PATIENT)

    def study_date(self, number: int) -> date:
        """Return the Study Date (0008,0020) of the study with this number."""
        return _EPOCH + timedelta(range(self.studies)[number] % _DAYS)

    # ------------------------------------------------------------ searching

    def find_studies(self, query: Query, /) -> SearchResult:
        """Return the studies that match *query*, in the order of their numbers: always all."""
        self._refuse(query)
        level = DICOMObjectLevels.from_query_level(query.query_level)
        series = self._series_asked_for(query)
        found = (
            self._listed(number, level, series)
            for number in self._candidates(query, series)
            if self._matches(number, query)
        )
        return SearchResult(found, Completeness.COMPLETE)

    def _refuse(self, query: Query) -> None:
        given = query.parameters()
        wild = [name for name in ("AccessionNumber", "PatientID") if _is_wild(given.get(name, ""))]
        for name in [*sorted(given.keys() - _KEYS), *wild]:
            raise UnsupportedParameterError(name, type(self).__name__)

    def _series_asked_for(self, query: Query) -> frozenset[_Place] | None:
        """Return the places of the series that may be returned; `None` if any may."""
        if not query.SeriesInstanceUID:
            return None
        places = map(self._place, query.SeriesInstanceUID.split("\\"))
        return frozenset(p for p in places if p is not None and p[1] >= 0 and p[2] < 0)

    def _candidates(self, query: Query, series: frozenset[_Place] | None) -> Iterable[int]:
        """Return numbers of studies, in order: those that keys name, which then are few, or all."""
        named: list[set[int]] = []
        if query.StudyInstanceUID:
            places = map(self._place, query.StudyInstanceUID.split("\\"))
            named.append({place[0] for place in places if place is not None and place[1] < 0})
        if series is not None:
            named.append({place[0] for place in series})
        if query.AccessionNumber:
            named.append(self._existing(_numbers(query.AccessionNumber, 1)))
        if query.PatientID:
            named.append(self._existing(_numbers(query.PatientID, _OF_A_PATIENT)))
        return sorted(named[0].intersection(*named)) if named else range(self.studies)

    def _existing(self, numbers: Iterable[int]) -> set[int]:
        return {number for number in numbers if number < self.studies}

    def _matches(self, number: int, query: Query) -> bool:
        day, modalities = self.study_date(number), query.ModalitiesInStudy
        return (
            (query.min_study_date is None or query.min_study_date <= day)
            and (query.max_study_date is None or day <= query.max_study_date)
            and (not modalities or _modality(number) in modalities.split("\\"))
        )

    def _listed(
        self, number: int, level: DICOMObjectLevels, wanted: frozenset[_Place] | None
    ) -> Study:
        """Return a study as it is listed, down to *level*."""
        series: list[Series] = []
        if level <= DICOMObjectLevels.SERIES:
            places = ((number, series, -1) for series in range(self._series_count))
            series = [self._listed_series(p, level) for p in places if not wanted or p in wanted]
        return Study(self._uid((number, -1, -1)), self._study_data(number), series)

    def _listed_series(self, place: _Place, level: DICOMObjectLevels) -> Series:
        study, series, _ = place
        count = self._instance_count(series)
        instances = range(count) if level is DICOMObjectLevels.INSTANCE else ()
        data = Dataset()
        put(data, "Modality", [_modality(study)])
        put(data, "SeriesNumber", [f"{series + 1:06}"])
        put(data, "NumberOfSeriesRelatedInstances", [count])
        return Series(
            self._uid(place), data, [Instance(self._uid((study, series, n))) for n in instances]
        )

    def _study_data(self, number: int) -> Dataset:
        data = Dataset()
        put(data, "StudyInstanceUID", [self._uid((number, -1, -1))])
        put(data, "StudyDate", [_da(self.study_date(number))])
        put(data, "AccessionNumber", [self.accession_number(number)])
        put(data, "PatientID", [self.patient_id(number)])
        put(data, "ModalitiesInStudy", [_modality(number)])
        put(data, "NumberOfStudyRelatedSeries", [self._series_count])
        put(data, "NumberOfStudyRelatedInstances", [self.instances])
        return data

    # ------------------------------------------------------------ downloading

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        """Yield each instance in *objects* once, as a Part 10 file."""
        asked = set[tuple[str, ...]]()  # and not what is in it: a study may hold very much
        for obj in objects:
            for leaf in _leaves(obj):
                for reference in self._expanded(leaf):
                    uids = reference.uids
                    if not any(uids[:depth] in asked for depth in range(1, len(uids) + 1)):
                        yield self._file(reference)
                asked.add(leaf.uids)

    def _expanded(self, asked: DICOMObjectReference) -> Iterator[DICOMObjectReference]:
        """What is not known of something is looked up; what is not here is left as it is."""
        place = self._place_of(asked)
        if isinstance(asked, InstanceReference) or place is None:
            yield asked
            return
        study, one, _ = place
        study_uid = asked.study_uid
        for series in range(self._series_count) if one < 0 else (one,):
            series_uid = self._uid((study, series, -1))
            for number in range(self._instance_count(series)):
                yield InstanceReference(study_uid, series_uid, self._uid((study, series, number)))

    def _file(self, reference: DICOMObjectReference) -> DICOMFile:
        return DICOMFile(self._chunks(reference), reference, protocol="simulated")

    def _chunks(self, reference: DICOMObjectReference) -> Iterator[bytes]:
        place = self._place_of(reference)
        if place is None or not isinstance(reference, InstanceReference):
            raise DownloadError(str(reference), "this archive does not hold it; search for it")
        study, series, number = place
        uids = (uid.encode() for uid in reference.uids)
        yield _filled(
            self.rows,
            *uids,
            self.accession_number(study).encode(),
            self.patient_id(study).encode(),
            _da(self.study_date(study)).encode(),
            _modality(study).encode(),
            b"%06d" % (series + 1),
            b"%010d" % (number + 1),
            int(reference.instance_uid[5:]).to_bytes(_PIXELS, "big"),
        )

    # ------------------------------------------------------------ places and UIDs

    @property
    def _series_count(self) -> int:
        return min(self.series, self.instances)

    def _instance_count(self, series: int) -> int:
        each, left_over = divmod(self.instances, self._series_count)
        return each + (series < left_over)

    def _uid(self, place: _Place) -> str:
        study, series, instance = place
        packed = ((study << _SERIES_BITS | series + 1) << _INSTANCE_BITS) | instance + 1
        return f"2.25.{_LEAST + (packed * _FACTOR + _offset(self.seed)) % _RANGE}"

    def _place(self, uid: str) -> _Place | None:
        """Return what *uid* names, `None` if there is no such thing here."""
        found = _UID.fullmatch(uid)
        if found is None:
            return None
        number = int(found[1]) - _LEAST
        if number >= _RANGE:
            return None
        packed = (number - _offset(self.seed)) * _BACK % _RANGE
        above, instance = divmod(packed, 1 << _INSTANCE_BITS)
        study, series = divmod(above, 1 << _SERIES_BITS)
        place = (study, series - 1, instance - 1)
        return place if self._is_here(place) else None

    def _is_here(self, place: _Place) -> bool:
        study, series, instance = place
        if series < 0:
            return study < self.studies and instance < 0
        return (
            study < self.studies
            and series < self._series_count
            and instance < self._instance_count(series)
        )

    def _place_of(self, reference: DICOMObjectReference) -> _Place | None:
        """Return where *reference* points, if each of its UIDs is where the others say."""
        *above, uid = reference.uids
        place = self._place(uid)
        if place is None or len(reference.uids) != 3 - place.count(-1):
            return None
        study, series, _ = place
        expected = (self._uid(each) for each in ((study, -1, -1), (study, series, -1)))
        return place if all(map(str.__eq__, above, expected)) else None


@cache
def _offset(seed: int) -> int:
    return int.from_bytes(sha256(str(seed).encode()).digest()[:15], "big")


def _identity(number: int) -> str:
    return f"SIM{number:09}"


def _numbers(identity: str, each: int) -> Iterable[int]:
    """Return the numbers of the studies with this identity, of which there are *each* in a row."""
    found = _IDENTITY.fullmatch(identity)
    return range(int(found[1]) * each, (int(found[1]) + 1) * each) if found else ()


def _is_wild(value: str) -> bool:
    return not {"*", "?"}.isdisjoint(value)


def _modality(study: int) -> str:
    return _MODALITIES[study % len(_MODALITIES)]


def _da(day: date) -> str:
    return day.isoformat().replace("-", "")


def _leaves(obj: DICOMDownloadable) -> Iterator[DICOMObjectReference]:
    """Yield references to what is known to be in *obj*, as deep as it is known."""
    if not obj.children:
        yield obj.reference()
    for child in obj.children:
        yield from _leaves(child)


# ---------------------------------------------------------------- files

_MARKS: Final = (
    *(f"2.25.{str(digit) * 39}".encode() for digit in (1, 2, 3)),
    b"ACCESSION-00",
    b"PATIENT-ID-0",
    b"19010203",
    b"@@",
    b"-54321",
    b"-123456789",
    bytes(range(_PIXELS)),
)
"""What stands in the template for study, series and instance UID, and so on, as `_filled` has it.

Each is as long as what takes its place, so that no length changes.
"""


def _filled(rows: int, *values: bytes) -> bytes:
    by_mark = dict(zip(_MARKS, values, strict=True))
    return b"".join([by_mark.get(piece, piece) for piece in _template(rows)])


@lru_cache(maxsize=8)
def _template(rows: int) -> tuple[bytes, ...]:
    """Return a Part 10 file in pieces, of which every second is one of the marks."""
    study, series, instance, accession, patient, day, modality, *numbers, pixels = _MARKS
    (dataset,) = made("1.2", {}, MadeSeries("OT", 1, size=rows))
    texts = {
        "StudyInstanceUID": study.decode(),
        "SeriesInstanceUID": series.decode(),
        "SOPInstanceUID": instance.decode(),
        "AccessionNumber": accession.decode(),
        "PatientID": patient.decode(),
        "StudyDate": day.decode(),
        "Modality": modality.decode(),
        "SeriesNumber": numbers[0].decode(),
        "InstanceNumber": numbers[1].decode(),
    }
    for keyword, value in texts.items():
        put(dataset, keyword, [value])
    dataset.PixelData = pixels.ljust(rows**2 + rows % 2, b"\0")
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return tuple(re.split(b"(" + b"|".join(map(re.escape, _MARKS)) + b")", encode(dataset)))
