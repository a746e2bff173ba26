"""Who puts questions to an archive by C-FIND, in the forms that it was found to take."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from typing import Final

import attrs

from ...core import (
    DICOMObjectLevels,
    GurneyError,
)
from ...searching import Item, Keys, NotRelationalError, Question
from ..association import Association, Associations
from .charsets import CharacterSet, sets_for
from .exchange import Exchange
from .identifiers import encoded, level_name, values_of
from .listing import Asker, FindListing, Form
from .negotiation import MODELS, Root, Wishes, is_implicit
from .patients import OF_PATIENT, Patience, PatientsDesk
from .statuses import SUCCESS, in_words, may_be_too_much, refusal, says_too_much
from .values import EMPTY

__all__ = ["FindAsker", "Manners", "REQUIRED"]

_UIDS: Final = {
    DICOMObjectLevels.STUDY: "StudyInstanceUID",
    DICOMObjectLevels.SERIES: "SeriesInstanceUID",
    DICOMObjectLevels.INSTANCE: "SOPInstanceUID",
}
_NOBODYS_UID: Final = "2.25.0"
# What a C-FIND does not ask for, it does not get: PS3.4 tables C.6-1 to C.6-5, required keys.
_REQUIRED: Final = {
    DICOMObjectLevels.STUDY: """
        StudyDate StudyTime AccessionNumber PatientName PatientID StudyID StudyInstanceUID
    """.split(),
    DICOMObjectLevels.SERIES: "Modality SeriesNumber SeriesInstanceUID".split(),
    DICOMObjectLevels.INSTANCE: "InstanceNumber SOPInstanceUID".split(),
}
REQUIRED: Final = frozenset(name for names in _REQUIRED.values() for name in names)
"""Keys that every archive must be able to search by."""

_USUAL: Final = {
    DICOMObjectLevels.STUDY: "PatientBirthDate PatientSex ReferringPhysicianName".split(),
    DICOMObjectLevels.SERIES: [],
    DICOMObjectLevels.INSTANCE: [],
}
_CLASS: Final = "SOPClassUID"  # of an instance; Orthanc takes twice as long to say it


@attrs.define
class Manners:
    """What the archive was found to do.

    Attributes
    ----------
    forms
        The form that was taken last, by level.
    answered
        Kinds of questions that were answered: forms, and the names of their keys.
    granted
        What was granted, by what was wished for.
    patients
        Of studies that were listed, where the information model begins with patients.
    says_classes
        Whether it says which SOP classes are in a study, so that its instances need not.
    hierarchical
        Whether it refuses relational questions, though it may have granted them (D07).
    patience
        What matters where the information model begins with patients.
    longest
        How many responses the longest answer had.
    sought
        The least number for which a longer answer was sought in vain.
    """

    forms: dict[DICOMObjectLevels, Form] = attrs.field(factory=dict[DICOMObjectLevels, Form])
    answered: set[object] = attrs.field(factory=set[object])
    granted: dict[Wishes, Wishes] = attrs.field(factory=dict[Wishes, Wishes])
    patients: dict[str, str] = attrs.field(factory=dict[str, str], repr=False)
    says_classes: bool = False
    hierarchical: bool = False
    patience: Patience = attrs.field(factory=Patience)
    longest: int = 0
    sought: int | None = None


class FindAsker(Asker, PatientsDesk):
    """Asks by C-FIND.

    Parameters
    ----------
    associations
        With the archive.
    root
        Where the information model begins.
    relational
        Whether to ask for relational queries; they are used unless they are denied.

    Attributes
    ----------
    manners
        What the archive was found to do.
    """

    def __init__(self, associations: Associations, root: Root, *, relational: bool) -> None:
        self.manners: Manners = Manners()
        self._associations: Associations = associations
        self._root: Root = root
        self._wishes: Wishes = Wishes(MODELS[root], relational=relational)
        self._patient_id: str = ""

    @property
    def is_relational(self) -> bool:
        """Whether relational queries are wanted, and not denied."""
        return self._granted(self._wishes).relational

    # ------------------------------------------------------------ for a listing

    def forms(self, question: Question, /) -> Sequence[Form]:
        """Return the forms to try, what was taken before first."""
        last = self.manners.forms.get(question.level)
        forms = [
            Form(fields, charset)
            for fields in (True, False)
            for charset in sets_for(question.keys.values())
            if last is None or fields <= last.fields
        ]
        return sorted(forms, key=lambda form: form != last)

    @contextmanager
    def ask(self, question: Question, form: Form, /) -> Generator[Exchange | None]:
        """Give an exchange for the time of a ``with``; `None` if it is known that nothing comes.

        Raises
        ------
        NotRelationalError
            If the question is relational, and that was not granted.
        """
        level, wishes = level_name(question.level), self._wishes_for(question)
        granted = self._granted(wishes)
        if _lacks_parents(question) and not granted.relational:
            raise NotRelationalError(
                f"{self._asked(level_name(question.level))}: relational queries are not granted"
            )
        if wishes.empty and not granted.empty:
            yield None
            return
        values = self._values(question, form, relational=granted.relational)
        with self._exchange(wishes, level, values, form.charset) as exchange:
            yield exchange

    def refused(self, question: Question, status: int, /) -> GurneyError:
        """Return what a refusal of all forms means; relational ones are not tried again."""
        if _lacks_parents(question):
            self.manners.hierarchical = True
            return NotRelationalError(
                f"{self._asked(level_name(question.level))}: refused with {in_words(status)}"
            )
        return refusal(self._asked(level_name(question.level)), status)

    def answered(self, question: Question, form: Form, /) -> None:
        """Remember that a form was taken; what is all ASCII says nothing of character sets."""
        self.manners.answered.add(_kind(question, form))
        last = self.manners.forms.get(question.level)
        if last is not None and all(value.isascii() for value in question.keys.values()):
            form = attrs.evolve(last, fields=form.fields)
        self.manners.forms[question.level] = form

    def is_too_much(self, question: Question, form: Form, status: int, /) -> bool:
        """Say whether a refused form would be taken for less: if not known, that is tried out."""
        if says_too_much(status):
            return True
        uid = _UIDS[question.level]
        if not may_be_too_much(status) or uid in question.keys:
            return False
        if _kind(question, form) not in self.manners.answered:
            narrow = attrs.evolve(question, keys={**question.keys, uid: _NOBODYS_UID})
            with self.ask(narrow, form) as exchange:
                found = [*exchange] if exchange is not None else []
            if exchange is not None and not found and exchange.status == SUCCESS:
                self.manners.answered.add(_kind(question, form))
        return _kind(question, form) in self.manners.answered

    def saw(self, study: Item, /) -> None:
        """Remember whose study it is, if it cannot be asked for otherwise."""
        self.manners.says_classes |= bool(study.text("SOPClassesInStudy"))
        if self._root == "patient" and (patient_id := study.text("PatientID")):
            self.manners.patients[study.text("StudyInstanceUID")] = patient_id

    def counted(self, received: int, /) -> None:
        """Remember how long an answer was."""
        self.manners.longest = max(self.manners.longest, received)

    def note(self, question: Question, /) -> str:
        """Return what there is to say about how it is asked."""
        if question.fuzzy and not self._granted(self._wishes_for(question)).fuzzy:
            return "the archive does not take names that sound alike: it matched as usual"
        return ""

    # ------------------------------------------------------------ patient by patient

    @property
    def patience(self) -> Patience:
        """What is known of an archive that begins with patients."""
        return self.manners.patience

    @contextmanager
    def patients(self, keys: Keys, /) -> Generator[Exchange]:
        """Give an exchange about patients that match, for the time of a ``with``."""
        values = {**dict.fromkeys(sorted(OF_PATIENT), ""), **keys}
        (charset, *_) = sets_for(values.values())
        with self._exchange(self._wishes, "PATIENT", values, charset) as exchange:
            yield exchange

    def studies(self, question: Question, patient: Item | None, most: int | None, /) -> FindListing:
        """List studies: those of one patient, or of any."""
        if patient is None:
            return FindListing(self, question, most=most)
        desk = copy(self)  # with the same manners
        desk._patient_id = patient.text("PatientID")
        keys = {name: question.keys[name] for name in question.keys if name not in OF_PATIENT}
        return FindListing(desk, attrs.evolve(question, keys=keys), most=most)

    # ------------------------------------------------------------ asking

    def _wishes_for(self, question: Question) -> Wishes:
        empty = EMPTY in question.keys.values()
        return attrs.evolve(self._wishes, fuzzy=question.fuzzy, empty=empty)

    def _granted(self, wishes: Wishes) -> Wishes:
        """Return what is granted of *wishes*; the association that it takes is kept for use."""
        if not wishes.extended:
            return wishes
        if wishes not in self.manners.granted:
            with self._taken(wishes) as association:
                self.manners.granted[wishes] = wishes.granted(association)
        granted = self.manners.granted[wishes]
        return attrs.evolve(
            granted, relational=granted.relational and not self.manners.hierarchical
        )

    @contextmanager
    def _exchange(
        self, wishes: Wishes, level: str, values: Mapping[str, str], charset: CharacterSet
    ) -> Generator[Exchange]:
        asked = self._asked(level)
        with self._taken(wishes) as association:
            context = association.context(wishes.model)
            implicit = is_implicit(context.transfer_syntax)
            identifier = encoded(level, values, charset, implicit=implicit)
            yield Exchange(association, context, identifier, asked)

    def _asked(self, level: str) -> str:
        """Return what is asked for, in the words of an error."""
        return f"C-FIND {level} of {self._associations.peer.address}"

    def _taken(self, wishes: Wishes) -> AbstractContextManager[Association]:
        return self._associations.taken(wishes.proposed, extended=wishes.extended)

    def _values(self, question: Question, form: Form, *, relational: bool) -> Mapping[str, str]:
        fields, level = _REQUIRED[question.level], question.level
        if form.fields:
            fields = [*fields, *_USUAL[level], *question.fields]
            if level is DICOMObjectLevels.INSTANCE and not self.manners.says_classes:
                fields.append(_CLASS)
        patient_id = self._patient_id
        if patient_id:
            fields = [name for name in fields if name not in OF_PATIENT]
        elif question.above:
            patient_id = self.manners.patients.get(question.above[0], "")
        whole = attrs.evolve(question, fields=tuple(fields))
        return values_of(whole, relational=relational, patient_id=patient_id)


def _lacks_parents(question: Question) -> bool:
    """Say whether a question lacks the unique key of a level above (PS3.4 C.4.1.2.2.2)."""
    return len(question.above) < DICOMObjectLevels.STUDY - question.level


def _kind(question: Question, form: Form) -> object:
    return question.level, form, frozenset(question.keys)
