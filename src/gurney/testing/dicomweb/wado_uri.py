"""WADO-URI: one instance by its three UIDs (PS3.18 chapter 9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydicom.uid import UID

from .envelope import DICOM
from .fault import Exchange
from .reply import RefusedError, Reply
from .retrieving import chosen, in_syntax

__all__ = ["JPEG", "retrieve_by_uri"]

JPEG: Final = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300" + "01" * 64 + "ffc0000b080001000101011100"
    "ffc4001f0000010501010101010100000000000000000102030405060708090a0bffda0008010100003f00d2cf20"
    "ffd9"
)
"""A picture of one pixel, which is what is sent to those who do not ask for DICOM."""


def retrieve_by_uri(exchange: Exchange) -> Reply:
    """Send an instance, as it is stored unless another transfer syntax is asked for."""
    asked = exchange.asked
    if asked.parameter("requestType") != "WADO" or len(asked.uids) < 3:
        raise RefusedError(400, "requestType=WADO, studyUID, seriesUID and objectUID are mandatory")
    syntax = asked.parameter("transferSyntax")
    if syntax and not UID(syntax).is_valid:
        raise RefusedError(400, "transferSyntax must be a UID")
    instances = chosen(exchange)
    if asked.parameter("contentType", "image/jpeg") != DICOM:
        return Reply(200, {"Content-Type": "image/jpeg"}, (JPEG,))
    contents: Sequence[bytes] = [content() for content in in_syntax(instances, syntax)]
    if not contents:
        raise RefusedError(406, "the instance cannot be had in this transfer syntax")
    contents = exchange.through(contents, lambda fault: fault.written)
    return Reply(200, {"Content-Type": DICOM}, contents[:1])
