"""QIDO-RS: searching (PS3.18 8.3.4, 10.6)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Final

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from gurney.core import InvalidInputError, put

from ..holdings import Held
from .accepting import accepts_json
from .asked import Asked
from .describing import DICOM_JSON, described, returned
from .fault import Exchange, JSONObject, Page
from .reply import RefusedError, Reply

__all__ = ["found_by", "keys", "search"]

_OPTIONS: Final = (
    "includefield",
    "fuzzymatching",
    "emptyvaluematching",
    "multiplevaluematching",
    "limit",
    "offset",
)
_UNSUPPORTED: Final = "fuzzymatching", "multiplevaluematching"
_TAG: Final = re.compile("[0-9A-Fa-f]{8}")


def search(exchange: Exchange) -> Reply:
    """Answer a search."""
    asked = exchange.asked
    if not accepts_json(asked.accept):
        raise RefusedError(406, "results come as application/dicom+json")
    found = found_by(exchange)
    page = exchange.through(_page(exchange, found), lambda fault: fault.paged)
    wanted = returned(_keywords(asked), asked.level, _fields(asked))
    objects: Sequence[JSONObject] = [
        described(held, asked.level, wanted, exchange.url) for held in page.items
    ]
    objects = exchange.through(objects, lambda fault: fault.described)
    body = json.dumps(objects, ensure_ascii=False).encode()
    return Reply(200, {"Content-Type": DICOM_JSON, **_warning(asked, page)}, (body,))


def found_by(exchange: Exchange) -> list[Held]:
    """Return an instance of each object that matches."""
    asked = exchange.asked
    return exchange.holdings.find(asked.level, asked.uids, _identifier(asked))


def keys(asked: Asked) -> tuple[tuple[str, str], ...]:
    """Return the matching keys, as they are spelt, and their values."""
    return tuple(pair for pair in asked.parameters if pair[0] not in _OPTIONS)


def _page(exchange: Exchange, found: Sequence[Held]) -> Page:
    start = _number(exchange.asked, "offset", 0)
    largest = exchange.settings.page or len(found)
    return Page(found, start, start + min(_number(exchange.asked, "limit", largest), largest))


def _number(asked: Asked, name: str, otherwise: int) -> int:
    value = asked.parameter(name, str(otherwise))
    if not (value.isascii() and value.isdigit()):
        raise RefusedError(400, f"{name} must be a whole number, not less than 0")
    return int(value)


def _warning(asked: Asked, page: Page) -> dict[str, str]:
    texts: list[str] = []
    if page.warns and page.remaining:
        texts.append(f"There are {page.remaining} additional results that can be requested")
    texts += [
        f"The {name} parameter is not supported. Only literal matching has been performed"
        for name in _UNSUPPORTED
        if asked.parameter(name) == "true"
    ]
    return {"Warning": ", ".join(f'299 gurney "{text}"' for text in texts)} if texts else {}


def _keywords(asked: Asked) -> list[str]:
    return [name for spelt, _ in keys(asked) for name in _path(spelt)[:1]]


def _fields(asked: Asked) -> Iterable[str]:
    for name, value in asked.parameters:
        if name == "includefield":
            fields = value.split(",")
            yield from ("all" if field == "all" else _path(field)[0] for field in fields if field)


def _identifier(asked: Asked) -> Dataset:
    """Return the matching keys as a data set, sequences with one item."""
    identifier = Dataset()
    for spelt, value in keys(asked):
        *sequences, keyword = _path(spelt)
        inside = identifier
        for sequence in sequences:
            inside = _item(inside, sequence)
        is_list = dictionary_VR(keyword) == "UI"  # PS3.18 8.3.4.1: UIDs, separated by commas
        try:
            put(inside, keyword, re.split(r"[,\\]", value) if is_list else value.split("\\"))
        except InvalidInputError as error:
            raise RefusedError(400, str(error)) from None
    return identifier


def _item(dataset: Dataset, keyword: str) -> Dataset:
    if keyword not in dataset:
        dataset.add(DataElement(tag_for_keyword(keyword) or 0, "SQ", Items([Dataset()])))
    item: Dataset = dataset[keyword].value[0]
    return item


def _path(spelt: str) -> list[str]:
    """Return the keywords of ``Keyword``, of eight digits, or of a path of those with dots."""
    words = [keyword_for_tag(word) if _TAG.fullmatch(word) else word for word in spelt.split(".")]
    if not all(words) or None in map(tag_for_keyword, words):
        raise RefusedError(400, "a parameter is not a DICOM attribute; see PS3.6")
    return words
