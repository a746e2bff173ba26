"""The forms in which instances may be asked for, from the best to the last; one is remembered.

Only the first form has an archive send what it holds, as it is. Without ``transfer-syntax=*`` it
unpacks images, which is slow, changes what was packed with losses, and fails for what it cannot
unpack: some then refuse the whole study (W10, W11, W27). But some refuse that form (W09), a list of
forms, or quotes (W07, W08): so they are asked for one at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Final, TypeVar

from ...core import BusyError, GurneyError, RequestRefusedError

__all__ = ["Ladder"]

T = TypeVar("T")

_SEVERAL: Final = (
    'multipart/related; type="application/dicom"; transfer-syntax=*',
    'multipart/related; type="application/dicom"',
    "multipart/related; type=application/dicom",
)
_ONE: Final = ("application/dicom; transfer-syntax=*", "application/dicom")
_ANY: Final = ("*/*",)
_REFUSALS: Final = (400, 406, 415)
_FAILURES: Final = (500, 501)


class Ladder:
    """Finds out in which form one archive is to be asked. Safe to share between threads.

    References
    ----------
    DICOM PS3.18 8.7.3.5, Transfer Syntax, and 10.4.2, Retrieve Transaction Request.

    Examples
    --------
    >>> Ladder().climb(lambda accept: accept)
    'multipart/related; type="application/dicom"; transfer-syntax=*'
    """

    def __init__(self) -> None:
        self._accepted: set[str] = set()
        self._refused: set[str] = set()
        self._lock: Lock = Lock()

    def climb(self, ask: Callable[[str], T], *, one: bool = False) -> T:
        """Return what *ask* returns for the best form of Accept that the archive takes.

        Parameters
        ----------
        ask
            Is given a form; raises what the archive says to it.
        one
            Whether a single instance is asked for, which need not come in parts.

        Raises
        ------
        GurneyError
            What *ask* has raised for the best form, if none was taken; that says nothing of the
            forms, and is not remembered.
        """
        refused: list[str] = []
        first: GurneyError | None = None
        for form in self._forms(one=one):
            try:
                result = ask(form)
            except (RequestRefusedError, BusyError) as error:  # noqa: PERF203  few forms
                if not self._is_refusal(form, error):
                    raise
                first = first or error
                refused.append(form)
            else:
                self._remember(form, refused)
                return result
        raise first or AssertionError("there is a last form")

    def _forms(self, *, one: bool) -> list[str]:
        """Return the forms to try; those refused before come last, not never."""
        forms = (*_SEVERAL, *(_ONE if one else ()), *_ANY)
        with self._lock:
            return sorted(forms, key=lambda form: form in self._refused)

    def _is_refusal(self, form: str, error: RequestRefusedError | BusyError) -> bool:
        """Say whether another form may do better: what was taken before is not what fails now."""
        if error.status in _FAILURES:
            with self._lock:
                return form not in self._accepted
        return error.status in _REFUSALS

    def _remember(self, form: str, refused: list[str]) -> None:
        with self._lock:
            self._accepted.add(form)
            self._refused.discard(form)
            self._refused.update(other for other in refused if other not in self._accepted)
