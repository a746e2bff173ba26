"""The HTML report of a transfer: one page, and one for each incomplete study."""

from __future__ import annotations

import re
import tempfile
from contextlib import suppress
from datetime import tzinfo
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Final

import attrs

from gurney.core import InvalidInputError, StorageError, StudyReceipt

from ..reporting import Report
from .facts import Row
from .gathering import facts_of
from .rendering import CSV, PageLimits, Pages

__all__ = ["write_page"]

STUDIES: Final = "studies"
_MARK: Final = b'<meta name="generator" content="gurney">'
_is_name: Final = re.compile(r"[0-9][0-9.]{0,63}").fullmatch


_LIMITS: Final = PageLimits()


def write_page(
    report: Report,
    folder: str | PathLike[str],
    *,
    limits: PageLimits = _LIMITS,
    zone: tzinfo | None = None,
) -> Path:
    """Write *report* as HTML for people, with plots; return the path of the first page.

    It loads nothing from elsewhere, and names no patient. Beside it are ``instances.csv``, the
    receipt as CSV (whose paths are as the layout makes them), and ``studies/``, with a page for
    each incomplete study.

    Parameters
    ----------
    report
        Of any transfer; it may still be running.
    folder
        Where to write; made if absent. An earlier report there is replaced.
    limits
        How much a page holds.
    zone
        In which clock times are written; that of this machine if not given.

    Returns
    -------
    Path
        Of ``index.html``.

    Raises
    ------
    InvalidInputError
        If there is something else in *folder*, or no ledger where *report* looks for one.
    StorageError
        If *folder* cannot be written to.
    """
    target = Path(folder)
    try:
        _prepare(target)
        with tempfile.TemporaryDirectory(dir=target, prefix=".gurney-") as made:
            _Writer(Path(made), Pages(limits, zone)).write(report)
            _replace(Path(made), target)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StorageError(
            f"the report cannot be written to {target.name}: {reason}; "
            "make room, change permissions, or name another folder"
        ) from error
    return target / "index.html"


def _prepare(folder: Path) -> None:
    """Make *folder*; refuse one that holds other things than an earlier report."""
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / "index.html"
    foreign = next(
        (path for path in folder.iterdir() if not path.name.startswith(".gurney-")), None
    )
    if foreign is None or (index.is_file() and _MARK in index.read_bytes()[:4096]):
        return
    raise InvalidInputError(
        f"{folder.name} holds other files than a report; name a folder that is empty or not there"
    )


def _replace(made: Path, folder: Path) -> None:
    """Put what was *made* into *folder*, page by page, the first page last."""
    old, new = folder / STUDIES, made / STUDIES
    old.mkdir(exist_ok=True)
    kept = {path.name for path in new.iterdir()}
    for name in kept:
        (new / name).replace(old / name)
    for path in old.glob("*.html"):
        if path.name not in kept:
            path.unlink()
    if not kept:
        with suppress(OSError):  # it holds something else: so it stays
            old.rmdir()
    for name in (CSV, "index.html"):
        (made / name).replace(folder / name)


@attrs.define
class _Writer:
    """Writes pages into an empty folder."""

    folder: Path
    pages: Pages
    rows: int = 0

    def write(self, report: Report) -> None:
        """Write all pages; studies come and go one by one."""
        (self.folder / STUDIES).mkdir()
        facts = facts_of(report, self._row)
        report.write_csv(self.folder / CSV)
        (self.folder / "index.html").write_text(self.pages.first(facts), encoding="utf-8")

    def _row(self, study: StudyReceipt) -> Row | None:
        """Write the page of *study* and return its row, if there is room for both."""
        self.rows += 1
        if self.rows > self.pages.limits.studies:
            return None
        page = f"{STUDIES}/{_file_name(study.study_uid)}"
        (self.folder / page).write_text(self.pages.study(study), encoding="utf-8")
        expected = study.expectation.count
        return Row(study.study_uid, expected, study.received, study.reasons, page)


def _file_name(uid: str) -> str:
    """Return a file name for *uid*: itself, or where it is none that is safe, a digest of it."""
    return f"{uid if _is_name(uid) else sha256(uid.encode()).hexdigest()}.html"
