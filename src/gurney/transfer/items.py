"""What is wanted, line by line: where the line is, and what it stands for."""

from __future__ import annotations

import json
from typing import TypeAlias

import attrs

from gurney.core import DICOMObjectReference, Query

__all__ = ["Item", "Wanted"]

Wanted: TypeAlias = DICOMObjectReference | Query
"""What an item asks for."""

_NOT_WHAT = frozenset(
    {"query_level", "include_fields"}
)  # they say how to answer, not what is meant


@attrs.frozen
class Item:
    """One line of what is wanted.

    Parameters
    ----------
    place
        Where it was said, for people: ``"row 17 of cohort.csv"``. It is all of an item that
        messages, ledgers and its own repr show: what is wanted may name a patient.
    wanted
        A reference, or a query.

    Examples
    --------
    >>> Item("row 2 of cohort.csv", Query(AccessionNumber="A-1"))
    Item(place='row 2 of cohort.csv')
    """

    place: str
    wanted: Wanted = attrs.field(repr=False)

    @property
    def text(self) -> str:
        """What is wanted, written so that equal items have equal texts, and others have others.

        It holds what was searched for: it is there to be digested with a key, not to be kept.
        """
        if not isinstance(self.wanted, Query):
            return str(self.wanted)
        given = self.wanted.parameters()
        return json.dumps({name: str(given[name]) for name in sorted(given.keys() - _NOT_WHAT)})
