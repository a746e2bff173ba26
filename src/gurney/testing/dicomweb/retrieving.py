"""WADO-RS: instances, their metadata and their bulk data (PS3.18 10.4)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, cast

import attrs
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import RLELosslessDecoder
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from gurney.core import decode, encode, text

from ..holdings import Held
from .accepting import ANYTHING, Accepted, accepted, accepts_json
from .describing import DICOM_JSON, metadata
from .envelope import DICOM, Envelope
from .fault import Exchange, JSONObject
from .reply import RefusedError, Reply

__all__ = ["bulkdata", "chosen", "describe", "in_syntax", "retrieve", "syntax_of", "transcoded"]

_OCTETS: Final = "application/octet-stream"
_UNCOMPRESSED: Final = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)


def retrieve(exchange: Exchange) -> Reply:
    """Send a study, a series or an instance, in the transfer syntax it is stored in.

    Another one is sent only if it is asked for by its UID.
    """
    instances = chosen(exchange)
    for one in accepted(exchange.asked.accept):
        envelope = _envelope(one, len(exchange.asked.uids) == 3)
        contents = in_syntax(instances, one.transfer_syntax)
        if envelope and contents:
            return _enveloped(exchange, envelope, contents)
    raise RefusedError(406, "instances come as application/dicom, as they are stored")


def describe(exchange: Exchange) -> Reply:
    """Send the metadata of the instances of a study or series, or of one."""
    if not accepts_json(exchange.asked.accept):
        raise RefusedError(406, "metadata comes as application/dicom+json")
    objects: Sequence[JSONObject] = [metadata(held, exchange.url) for held in chosen(exchange)]
    objects = exchange.through(objects, lambda fault: fault.described)
    body = json.dumps(objects, ensure_ascii=False).encode()
    return Reply(200, {"Content-Type": DICOM_JSON}, (body,))


def bulkdata(exchange: Exchange) -> Reply:
    """Send one value of an instance; encapsulated pixel data as it is stored."""
    (held,) = chosen(exchange)
    tags = [tag for tag in held.bulk if f"{tag:08X}" == exchange.asked.tag.upper()]
    if not tags:
        raise RefusedError(404, "there is no such bulk data")
    content = cast("bytes", held.dataset[tags[0]].value)
    for one in accepted(exchange.asked.accept):
        if one.media_type in (_OCTETS, *ANYTHING):
            return Reply(200, {"Content-Type": _OCTETS}, (content,))
        if one.media_type == "multipart/related":
            envelope = Envelope(media_type=_OCTETS)
            headers = {"Content-Type": envelope.content_type}
            return Reply(200, headers, envelope.pieces([content]))
    raise RefusedError(406, f"bulk data comes as {_OCTETS}")


def chosen(exchange: Exchange) -> Sequence[Held]:
    """Return the instances asked for: one or more."""
    held: Sequence[Held] = exchange.holdings.under(exchange.asked.uids)
    held = exchange.through(held, lambda fault: fault.chosen) if held else held
    if not held:
        raise RefusedError(404, "there is no such study, series or instance")
    return held


def transcoded(content: bytes, syntax: UID) -> bytes:
    """Return a Part 10 file in another transfer syntax, Explicit or Implicit VR Little Endian.

    Of what is compressed, it takes RLE Lossless: `Dataset.decompress` would need numpy.
    """
    dataset = decode(content, "an instance of this archive")
    if dataset.file_meta.TransferSyntaxUID not in _UNCOMPRESSED:
        frames = RLELosslessDecoder.iter_buffer(dataset, raw=True, decoding_plugin="pydicom")
        pixels = b"".join(bytes(frame) for frame, _ in frames)
        dataset.add_new("PixelData", "OB", pixels + bytes(len(pixels) % 2))
        if dataset.SamplesPerPixel > 1:
            dataset.PlanarConfiguration = 1  # PS3.5 G.2: RLE keeps colours apart
    dataset.file_meta.TransferSyntaxUID = syntax
    return encode(dataset)


def syntax_of(dataset: Dataset) -> str:
    """Return the transfer syntax that *dataset* is stored in."""
    return text(dataset.file_meta, "TransferSyntaxUID")


def _envelope(one: Accepted, single: bool) -> Envelope | None:
    if one.media_type in ("multipart/related", "multipart/*", *ANYTHING):
        return Envelope() if one.type in ("", DICOM) else None
    return Envelope(bare=True) if one.media_type == DICOM and single else None


def in_syntax(instances: Sequence[Held], syntax: str) -> Sequence[Callable[[], bytes]]:
    """Return what gives the files; none if one cannot be had."""
    contents: list[Callable[[], bytes]] = []
    for held in instances:
        stored = syntax_of(held.dataset)
        if syntax in ("", "*", stored):
            contents.append(partial(getattr, held, "content"))
        elif {syntax, stored} <= set(_UNCOMPRESSED):
            contents.append(partial(transcoded, held.content, UID(syntax)))
        else:
            return []
    return contents


def _enveloped(
    exchange: Exchange, envelope: Envelope, contents: Sequence[Callable[[], bytes]]
) -> Reply:
    files: Sequence[bytes] = [content() for content in contents]
    files = exchange.through(files, lambda fault: fault.written)
    envelope = exchange.through(envelope, lambda fault: fault.enveloped)
    envelope = attrs.evolve(envelope, bare=envelope.bare and len(files) == 1)
    return Reply(200, {"Content-Type": envelope.content_type}, envelope.pieces(files))
