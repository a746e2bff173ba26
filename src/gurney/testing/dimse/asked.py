"""What was asked: associations, and the requests that came over them."""

from __future__ import annotations

from enum import Enum
from typing import Final

import attrs
from pydicom.dataset import Dataset

from gurney.core import texts

from .negotiation import Agreement, Proposal, Rejection

__all__ = ["Asked", "Association", "Level", "MODELS", "Model", "Service", "UNIQUE", "above"]


class Service(Enum):
    """What is asked for."""

    ECHO = "C-ECHO"
    FIND = "C-FIND"
    GET = "C-GET"
    MOVE = "C-MOVE"
    CANCEL = "C-CANCEL"
    OTHER = "other"


class Level(str, Enum):
    """Query/Retrieve Level (0008,0052), highest first."""

    PATIENT = "PATIENT"
    STUDY = "STUDY"
    SERIES = "SERIES"
    IMAGE = "IMAGE"


UNIQUE: Final = {
    Level.PATIENT: "PatientID",
    Level.STUDY: "StudyInstanceUID",
    Level.SERIES: "SeriesInstanceUID",
    Level.IMAGE: "SOPInstanceUID",
}
"""The unique key of each level, PS3.4 C.6."""


@attrs.frozen
class Model:
    """A SOP class of the Query/Retrieve service.

    Attributes
    ----------
    levels
        Of its information model, highest first.
    """

    service: Service
    levels: tuple[Level, ...]


def _models() -> dict[str, Model]:
    """PS3.4 C.6.1.3, C.6.2.3."""
    roots = {1: tuple(Level), 2: tuple(Level)[1:]}
    services = {1: Service.FIND, 2: Service.MOVE, 3: Service.GET}
    return {
        f"1.2.840.10008.5.1.4.1.2.{root}.{place}": Model(service, levels)
        for root, levels in roots.items()
        for place, service in services.items()
    }


MODELS: Final = {"1.2.840.10008.1.1": Model(Service.ECHO, ()), **_models()}
"""What can be asked for, by SOP class: patient root and study root."""


def above(level: Level, model: Model) -> tuple[Level, ...]:
    """Return the levels above *level*, highest first."""
    return model.levels[: model.levels.index(level)]


@attrs.define(eq=False)
class Association:
    """An association that was asked for.

    Attributes
    ----------
    number
        1 for the first.
    proposal
        What was proposed: AE titles, contexts, roles, extended negotiation, identity.
    answer
        What was agreed on.
    ended
        ``"released"``, ``"aborted"``, ``"rejected"``, ``"cut"``: the first that either side did;
        ``""`` while it lasts.
    """

    number: int
    proposal: Proposal
    answer: Agreement | Rejection
    ended: str = ""


@attrs.frozen
class Asked:
    """A request.

    Attributes
    ----------
    service
        What is asked for.
    association
        Over which it came.
    sop_class_uid, message_id
        Of the command.
    level
        The Query/Retrieve Level as it came, ``""`` if it is not said.
    identifier
        Of what; it names whom was searched for.
    content
        The identifier as it came, encoded.
    destination
        AE title, of C-MOVE.
    """

    service: Service
    association: Association
    sop_class_uid: str = ""
    message_id: int = 0
    level: str = ""
    identifier: Dataset = attrs.field(factory=Dataset, repr=False, eq=False)
    content: bytes = attrs.field(default=b"", repr=False)
    destination: str = ""

    def values(self, keyword: str) -> tuple[str, ...]:
        """Return the values of a key, without padding; none if it is absent or empty."""
        return texts(self.identifier, keyword)

    @property
    def model(self) -> Model:
        """The information model that is asked by."""
        return MODELS[self.sop_class_uid]

    @property
    def is_relational(self) -> bool:
        """Whether relational queries or retrievals were agreed on (PS3.4 C.5.1.1, C.5.2.1)."""
        answer = self.association.answer
        if not isinstance(answer, Agreement):
            return False
        return answer.extended.get(self.sop_class_uid, b"")[:1] == b"\1"
