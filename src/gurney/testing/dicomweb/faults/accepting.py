"""Faults of what the archive makes of Accept, and of transfer syntaxes."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from pydicom.uid import ExplicitVRLittleEndian
from typing_extensions import override

from ..accepting import Accepted, accepted
from ..asked import Asked, Service
from ..envelope import DICOM
from ..fault import Exchange, Fault
from ..reply import Reply, plain
from ..retrieving import transcoded
from .contents import last_of_its_study

__all__ = [
    "AnySyntaxRefused",
    "Decompressed",
    "ListsRefused",
    "NoTranscoder",
    "OneCannotBeTranscoded",
    "QuotedTypeRefused",
    "TransferSyntaxIgnored",
]


class QuotedTypeRefused(Fault):
    """The type of the parts is only taken without quotes: 406 otherwise."""

    def refusal(self, exchange: Exchange, /) -> Reply | None:
        """Refuse quotes."""
        quoted = 'type="' in exchange.asked.accept and _wanted(exchange)
        return plain(406, "not acceptable") if quoted else None


class ListsRefused(Fault):
    """A list of media types, or application/dicom, is refused with 400."""

    def refusal(self, exchange: Exchange, /) -> Reply | None:
        """Refuse lists."""
        wanted = _wanted(exchange)
        refused = len(wanted) > 1 or any(one.media_type == DICOM for one in wanted)
        return plain(400, "Accept is not supported") if refused else None


class AnySyntaxRefused(Fault):
    """``transfer-syntax=*`` is refused with 406."""

    def refusal(self, exchange: Exchange, /) -> Reply | None:
        """Refuse the star."""
        star = any(one.transfer_syntax == "*" for one in _wanted(exchange))
        return plain(406, "not acceptable") if star else None


class Decompressed(Fault):
    """Explicit VR Little Endian comes unless ``transfer-syntax=*`` is asked for."""

    def written(self, exchange: Exchange, contents: Sequence[bytes], /) -> Sequence[bytes]:
        """Decompress."""
        wanted = _wanted(exchange)
        if not wanted or any(one.transfer_syntax for one in wanted):
            return contents
        return [transcoded(content, ExplicitVRLittleEndian) for content in contents]


class NoTranscoder(Fault):
    """Any ``transfer-syntax`` parameter is answered by 500, as there is no transcoder."""

    def refusal(self, exchange: Exchange, /) -> Reply | None:
        """Break."""
        broken = any(one.transfer_syntax for one in _wanted(exchange))
        return plain(500, "no transcoder") if broken else None


class TransferSyntaxIgnored(Fault):
    """WADO-URI ignores ``transferSyntax``: what is stored comes."""

    @override
    def understood(self, exchange: Exchange, asked: Asked, /) -> Asked:
        """Leave it out."""
        kept = tuple(pair for pair in asked.parameters if pair[0] != "transferSyntax")
        same = asked.service is not Service.WADO_URI or kept == asked.parameters
        return asked if same else attrs.evolve(asked, parameters=kept)


class OneCannotBeTranscoded(Fault):
    """Without ``transfer-syntax=*``, all that the last instance of a study is in is a 500."""

    def refusal(self, exchange: Exchange, /) -> Reply | None:
        """Break for all because of one."""
        wanted = _wanted(exchange)
        if not wanted or any(one.transfer_syntax == "*" for one in wanted):
            return None
        instances = exchange.holdings.under(exchange.asked.uids)
        broken = any(last_of_its_study(held, exchange.holdings) for held in instances)
        return plain(500, "cannot transcode") if broken else None


def _wanted(exchange: Exchange) -> list[Accepted]:
    """Return what is accepted by one who retrieves instances."""
    retrieved = exchange.asked.service is Service.RETRIEVE
    return accepted(exchange.asked.accept) if retrieved else []
