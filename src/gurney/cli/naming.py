"""References as people hand them over: as arguments, or in a file with whatever else is wanted."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Final

from gurney.core import DICOMObjectReference, InvalidInputError, parse_reference
from gurney.transfer import Cohort, read_cohort

from .exits import WrongUseError

__all__ = ["read_file", "references_of"]

STANDARD_INPUT: Final = "-"


def references_of(arguments: Iterable[str]) -> list[DICOMObjectReference]:
    """Return the references that were typed: ``study``, ``study/series`` or all three.

    Raises
    ------
    WrongUseError
        It says which argument is none.
    """
    return [_parsed(text, f"reference {n}") for n, text in enumerate(arguments, 1)]


def read_file(name: str) -> Cohort:
    """Return what the table or list in the file *name* asks for; ``-`` is standard input.

    Raises
    ------
    WrongUseError
        If it cannot be read, or something in it cannot be meant.
    """
    try:
        if name != STANDARD_INPUT:
            return read_cohort(name)
        if sys.stdin is None:  # it was closed
            raise WrongUseError("--from - reads standard input, which is closed")
        return read_cohort(sys.stdin, "standard input")
    except InvalidInputError as error:
        raise WrongUseError(f"--from: {error}") from error


def _parsed(text: str, where: str) -> DICOMObjectReference:
    try:
        return parse_reference(text)
    except InvalidInputError as error:
        raise WrongUseError(f"{where} is not a reference: {error}") from error
