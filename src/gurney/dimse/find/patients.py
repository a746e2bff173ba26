"""Studies of an archive that takes questions about one patient at a time (PS3.4 C.6.1).

With patient root, the unique key of a study's patient is to be sent with every question about
studies. Most archives do without. Others are asked for the patients first, then for the studies of
each.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from string import ascii_letters, digits
from typing import Final, Protocol

import attrs
from pydicom.dataset import Dataset

from ...searching import Item, Later, Listing, Names, Question
from .exchange import Exchange
from .listing import FindListing
from .statuses import SUCCESS, SearchRefusedError, ended, refusal

__all__ = ["OF_PATIENT", "Patience", "PatientsDesk", "PatientsListing"]

OF_PATIENT: Final = frozenset({"PatientName", "PatientID", "PatientBirthDate", "PatientSex"})
"""Keys of patients, not of studies, with patient root (PS3.4 table C.6-1)."""

_NO_USABLE_ID: Final = "the archive has patients without a PatientID that can be asked for"
_FIRST_CHARACTERS: Final = digits + ascii_letters
_MOST_PARTS: Final = 500
_UNUSABLE: Final = frozenset("*?\\")


@attrs.define
class Patience:
    """What is known of an archive that begins with patients.

    Attributes
    ----------
    by_patient
        Whether it takes no questions about studies of any patient.
    stops_at
        From how many patients on a list may be cut; `None` if that has not been tried out.
    """

    by_patient: bool = False
    stops_at: int | None = None


class PatientsDesk(Protocol):
    """Who asks."""

    @property
    @abstractmethod
    def patience(self) -> Patience:
        """What is known of the archive."""
        ...

    @abstractmethod
    def patients(self, keys: Mapping[str, str], /) -> AbstractContextManager[Exchange]:
        """Give an exchange about patients that match, for the time of a ``with``."""
        ...

    @abstractmethod
    def studies(self, question: Question, patient: Item | None, most: int | None, /) -> FindListing:
        """List studies: those of one patient, or of any."""
        ...

    @abstractmethod
    def saw(self, study: Item, /) -> None:
        """Take notice of a study."""
        ...


class PatientsListing(Listing):
    """Studies, with what is known of their patients. For its attributes see `Listing`."""

    def __init__(self, desk: PatientsDesk, question: Question, most: int | None) -> None:
        self.accident: bool = False
        self.too_large: bool = False
        self.capped: str = ""
        self.doubt: str = ""
        self.total: int | None = None
        self.note: str = ""
        self.received: int = 0
        self._desk: PatientsDesk = desk
        self._question: Question = question
        self._most: int | None = most

    def __iter__(self) -> Iterator[tuple[Names, Item]]:
        if not self._desk.patience.by_patient:
            try:
                yield from self._listed(None)
                return
            except SearchRefusedError:
                self._desk.patience.by_patient = True
        for patient in self._patients():
            patient_id = patient.text("PatientID")
            if not patient_id or not _UNUSABLE.isdisjoint(patient_id):
                self.doubt = _NO_USABLE_ID
                continue
            for names, item in self._listed(patient):
                study = ItemOfPatient(item, patient)
                self._desk.saw(study)
                yield names, study
            if self._most is not None and self.received >= self._most:
                return

    def _listed(self, patient: Item | None) -> Iterator[tuple[Names, Item]]:
        most = None if self._most is None else self._most - self.received
        listing = self._desk.studies(self._question, patient, most)
        yield from listing
        self.received += listing.received
        self.capped = self.capped or listing.capped
        self.accident = self.accident or listing.accident
        self.too_large = self.too_large or listing.too_large
        self.doubt = self.doubt or listing.doubt
        self.note = self.note or listing.note

    def _patients(self) -> list[Item]:
        """Return the patients that match; each is small, and an association waits for no other."""
        keys = {name: value for name, value in self._question.keys.items() if name in OF_PATIENT}
        found, patience = self._matching(keys), self._desk.patience
        if len(found) > 1 and patience.stops_at is None:
            patience.stops_at = self._stops_at()
        if 1 < len(found) >= (patience.stops_at or 0):
            self.capped = "the archive does not list all patients at once; narrow the query"
        return found

    def _stops_at(self) -> int:
        """Find out from how many patients on a list may be cut: parts must bring nobody new.

        The parts are those whose PatientID begins in the same way. What as many begin with as are
        on the whole list may be cut itself, and is divided further.
        """
        everybody = _ids(self._matching({}))
        unlikely = _UNUSABLE.union(*everybody) - _UNUSABLE - set(_FIRST_CHARACTERS)
        prefixes, asked = deque([*_FIRST_CHARACTERS, *sorted(unlikely)]), 0
        characters = [*prefixes]
        while prefixes and asked < _MOST_PARTS:
            prefix, asked = prefixes.popleft(), asked + 1
            found = _ids(self._matching({"PatientID": f"{prefix}*"}))
            if found - everybody:
                return len(everybody)
            if len(found) >= len(everybody):
                prefixes.extend(prefix + character for character in characters)
        return len(everybody) if prefixes else len(everybody) + 1

    def _matching(self, keys: Mapping[str, str]) -> list[Item]:
        with self._desk.patients(keys) as exchange:
            found: list[Item] = list(exchange)
        if exchange.status != SUCCESS:
            if not found:
                raise refusal("C-FIND PATIENT", exchange.status or 0)
            self.capped = ended(exchange.status or 0)
        return found


def _ids(patients: Iterable[Item]) -> set[str]:
    return {patient.text("PatientID") for patient in patients}


class ItemOfPatient(Item):
    """What an archive says of a study, and of its patient."""

    __slots__ = ("_patient", "_study")

    def __init__(self, study: Item, patient: Item) -> None:
        self._study: Item = study
        self._patient: Item = patient

    def text(self, keyword: str, /) -> str:
        """Return the first value of *keyword* as text, ``""`` if there is none."""
        return self._study.text(keyword) or self._patient.text(keyword)

    def texts(self, keyword: str, /) -> tuple[str, ...]:
        """Return the values of *keyword* as text."""
        return self._study.texts(keyword) or self._patient.texts(keyword)

    def written(self, names: Iterable[str], /) -> list[object]:
        """Return what the archive wrote of both."""
        names = list(names)
        return [*self._study.written(names), *self._patient.written(names)]

    def dataset(self, wanted: Callable[[int], bool] | None = None, /) -> Dataset:
        """Return what both say; of an attribute that both have, what is said of the study."""
        return _joined(self._study, self._patient, wanted)

    def part(self, wanted: Callable[[int], bool], /) -> Callable[[], Dataset]:
        """Return what makes a data set of what both say."""
        return Later(_joined, self._study, self._patient, wanted)


def _joined(study: Item, patient: Item, wanted: Callable[[int], bool] | None) -> Dataset:
    dataset = patient.dataset(wanted)
    dataset.update(study.dataset(wanted))
    return dataset
