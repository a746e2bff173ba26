"""What was asked: a request, and what it means by the tables of PS3.18."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final
from urllib.parse import unquote_plus

import attrs
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from gurney.core import DICOMObjectLevels

__all__ = ["Asked", "Service", "asked", "parameters"]

WEB: Final = "/dicom-web"
URI: Final = "/wado"


class Service(Enum):
    """What is asked for."""

    SEARCH = "search"
    RETRIEVE = "retrieve"
    METADATA = "metadata"
    BULKDATA = "bulkdata"
    WADO_URI = "WADO-URI"
    NONE = "none"


@attrs.frozen
class Asked:
    """A request.

    Attributes
    ----------
    method, path, query, headers
        As they came: the query with its escapes, headers by lower-case name.
    service
        What is asked for; `Service.NONE` where there is nothing.
    uids
        Those in the path, from the study downwards, length <= 3; WADO-URI has them in the query.
    level
        Of the objects asked for: the instances of a study are of level INSTANCE.
    tag
        Of the bulk data asked for, eight hexadecimal digits.
    parameters
        Names and values of the query, in order, without escapes.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    service: Service = Service.NONE
    uids: tuple[str, ...] = ()
    level: DICOMObjectLevels = DICOMObjectLevels.STUDY
    tag: str = ""
    parameters: tuple[tuple[str, str], ...] = ()

    def parameter(self, name: str, otherwise: str = "") -> str:
        """Return the last value of a parameter."""
        return dict(self.parameters).get(name, otherwise)

    @property
    def accept(self) -> str:
        """What the client accepts; anything if it does not say."""
        return self.headers.get("accept", "") or "*/*"


def asked(method: str, path: str, query: str, headers: Mapping[str, str]) -> Asked:
    """Return what a request means."""
    adapter = _RESOURCES.bind("")
    try:
        endpoint, values = adapter.match(path)
    except HTTPException:
        return Asked(method, path, query, headers, parameters=parameters(query))
    service, level = endpoint
    found = parameters(query)
    if service is Service.WADO_URI:
        values = dict(found)
    uids = tuple(values[name] for name in _UIDS[service] if values.get(name))
    return Asked(method, path, query, headers, service, uids, level, values.get("tag", ""), found)


def parameters(
    query: str, decode: Callable[[str], str] = unquote_plus
) -> tuple[tuple[str, str], ...]:
    """Return names and values of a query, in order.

    Examples
    --------
    >>> parameters("PatientName=DOE%5E*&limit=2")
    (('PatientName', 'DOE^*'), ('limit', '2'))
    """
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return tuple((unquote_plus(name), decode(value)) for name, _, value in pairs)


_UIDS: Final = {
    **dict.fromkeys(Service, ("study", "series", "instance")),
    Service.WADO_URI: ("studyUID", "seriesUID", "objectUID"),
}
_STUDY: Final = f"{WEB}/studies/<study>"
_SERIES: Final = f"{_STUDY}/series/<series>"
_INSTANCE: Final = f"{_SERIES}/instances/<instance>"


def _rules() -> list[Rule]:
    """Make the resources of PS3.18 tables 10.4.1-1 and 10.6.1-2, and the one of chapter 9."""
    study, series, instance = reversed(DICOMObjectLevels)
    table: list[tuple[str, Any]] = [
        (f"{WEB}/studies", (Service.SEARCH, study)),
        (f"{WEB}/series", (Service.SEARCH, series)),
        (f"{WEB}/instances", (Service.SEARCH, instance)),
        (f"{_STUDY}/series", (Service.SEARCH, series)),
        (f"{_STUDY}/instances", (Service.SEARCH, instance)),
        (f"{_SERIES}/instances", (Service.SEARCH, instance)),
        (_STUDY, (Service.RETRIEVE, study)),
        (_SERIES, (Service.RETRIEVE, series)),
        (_INSTANCE, (Service.RETRIEVE, instance)),
        (f"{_STUDY}/metadata", (Service.METADATA, study)),
        (f"{_SERIES}/metadata", (Service.METADATA, series)),
        (f"{_INSTANCE}/metadata", (Service.METADATA, instance)),
        (f"{_INSTANCE}/bulkdata/<tag>", (Service.BULKDATA, instance)),
        (URI, (Service.WADO_URI, instance)),
    ]
    return [Rule(path, endpoint=endpoint) for path, endpoint in table]


_RESOURCES: Final = Map(_rules(), strict_slashes=False)
