"""Faults of which instances are sent, and of the files themselves."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import attrs
from typing_extensions import override

from gurney.core import DICOMObjectLevels, InstanceReference, put

from ...holdings import Held, Holdings
from ..asked import Service
from ..fault import Exchange, Fault, JSONObject
from ..reply import Reply, plain

__all__ = [
    "DoubledInstance",
    "ForeignInstance",
    "ListedButGone",
    "MislabelledPicture",
    "OddPreamble",
    "OtherUIDInMeta",
    "PartialContent",
    "TwoPatients",
    "last_of_its_study",
]

_PATIENT_ID = "00100020"
_COUNTS = {"00201206", "00201208"}  # related series, related instances
_FOREIGN_STUDY = "2.25.99999"


class TwoPatients(Fault):
    """A study of two PatientIDs: listed twice, half of it each; to retrieve it whole is a 404."""

    def described(
        self, exchange: Exchange, objects: Sequence[JSONObject], /
    ) -> Sequence[JSONObject]:
        """List each study twice."""
        asked = exchange.asked
        if asked.service is not Service.SEARCH or asked.level is not DICOMObjectLevels.STUDY:
            return objects
        return [half for one in objects for half in _halves(one)]

    def refusal(self, exchange: Exchange, /) -> Reply | None:
        """Know no study as a whole."""
        asked = exchange.asked
        whole = asked.service is Service.RETRIEVE and asked.level is DICOMObjectLevels.STUDY
        return plain(404, "there is no such study") if whole else None


class PartialContent(Fault):
    """206: the last instance of a study or series is left out, which comes if asked for alone."""

    def chosen(self, exchange: Exchange, instances: Sequence[Held], /) -> Sequence[Held]:
        """Leave the last one out."""
        return instances[:-1] if self._leaves_out(exchange) else instances

    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Say so."""
        partial = reply.status == 200 and self._leaves_out(exchange)
        return attrs.evolve(reply, status=206) if partial else reply

    def _leaves_out(self, exchange: Exchange) -> bool:
        asked = exchange.asked
        return asked.service is Service.RETRIEVE and len(exchange.holdings.under(asked.uids)) > 1


class ForeignInstance(Fault):
    """An instance of a study that was not asked for comes along."""

    def chosen(self, exchange: Exchange, instances: Sequence[Held], /) -> Sequence[Held]:
        """Add one."""
        if exchange.asked.service is not Service.RETRIEVE:
            return instances
        dataset = copy.deepcopy(instances[0].dataset)
        put(dataset, "StudyInstanceUID", [_FOREIGN_STUDY])
        _, *below = instances[0].reference.uids
        reference = InstanceReference(_FOREIGN_STUDY, *below)
        return [*instances, Held(reference, dataset, instances[0].item)]


class DoubledInstance(Fault):
    """The first instance comes twice."""

    def chosen(self, exchange: Exchange, instances: Sequence[Held], /) -> Sequence[Held]:
        """Send it again."""
        retrieved = exchange.asked.service is Service.RETRIEVE
        return [*instances, instances[0]] if retrieved else instances


class ListedButGone(Fault):
    """The last instance of each study is listed, but cannot be had: 404, or left out in silence."""

    def chosen(self, exchange: Exchange, instances: Sequence[Held], /) -> Sequence[Held]:
        """Leave it out."""
        if exchange.asked.service not in (Service.RETRIEVE, Service.WADO_URI):
            return instances
        kept = [one for one in instances if not last_of_its_study(one, exchange.holdings)]
        return instances if len(kept) == len(instances) else kept


class OddPreamble(Fault):
    """The preamble of each file is that of a TIFF image."""

    @override
    def written(self, exchange: Exchange, contents: Sequence[bytes], /) -> Sequence[bytes]:
        """Write another preamble."""
        return [b"II*\0" + bytes(range(124)) + content[128:] for content in contents]


class OtherUIDInMeta(Fault):
    """The SOP Instance UID in the file meta information is not that of the data set."""

    def written(self, exchange: Exchange, contents: Sequence[bytes], /) -> Sequence[bytes]:
        """Alter the last digit of the UID, where it comes first."""
        uids = [held.reference.uids[-1] for held in exchange.holdings.instances]
        return [_with_other_uid(content, uids) for content in contents]


class MislabelledPicture(Fault):
    """WADO-URI without contentType gives a JPEG picture that is labelled application/dicom."""

    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Alter the label."""
        picture = exchange.asked.service is Service.WADO_URI and reply.content_type == "image/jpeg"
        return reply.with_headers(Content_Type="application/dicom") if picture else reply


def last_of_its_study(held: Held, holdings: Holdings) -> bool:
    """Say whether no instance of the study comes after it."""
    return held is holdings.under(held.reference.uids[:1])[-1]


def _halves(one: JSONObject) -> tuple[JSONObject, JSONObject]:
    """Return a study as it is listed for its two patients, who share what is counted."""
    first, second = dict(one), {**one, _PATIENT_ID: {"vr": "LO", "Value": ["ANOTHER"]}}
    for tag in _COUNTS & one.keys():
        (count,) = one[tag]["Value"]
        first[tag] = {"vr": "IS", "Value": [count - count // 2]}
        second[tag] = {"vr": "IS", "Value": [count // 2]}
    return first, second


def _with_other_uid(content: bytes, uids: Sequence[str]) -> bytes:
    """File meta information comes first, and is short: PS3.10 7.1."""
    meta = content[:1024]
    uid = max((uid.encode() for uid in uids if uid.encode() in meta), key=len)
    other = uid[:-1] + (b"8" if uid.endswith(b"9") else b"9")
    return content.replace(uid, other, 1)
