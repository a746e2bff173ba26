"""From a question to the path and parameters of QIDO-RS (PS3.18 8.3.4 and 10.6). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from ...core import DICOMObjectLevels
from ...searching import Keys, Question

__all__ = ["ESCAPED", "path_of", "query_of"]

# What the query of a URL may hold unescaped (RFC 3986 3.4), less what QIDO-RS, or a server that
# splits parameters at a semicolon or reads a plus as a space, would take for its own. Some archives
# do not decode what is escaped (Q32). The circumflex cannot be helped: urllib3 escapes it.
_PLAIN: Final = "*?/:@!$'()~"
ESCAPED: Final = re.compile(rf"[^\w.\-{re.escape(_PLAIN)}]+|[^\x00-\x7f]+", re.ASCII)
_PATHS: Final = {
    DICOMObjectLevels.STUDY: "studies",
    DICOMObjectLevels.SERIES: "series",
    DICOMObjectLevels.INSTANCE: "instances",
}


def path_of(question: Question) -> str:
    """Return the path of a resource (PS3.18 table 10.6.1-2).

    Examples
    --------
    >>> path_of(Question(DICOMObjectLevels.INSTANCE, above=("1.2", "1.2.3")))
    'studies/1.2/series/1.2.3/instances'
    """
    names = [_PATHS[level] for level in sorted(_PATHS, reverse=True)]
    above = [
        f"{name}/{quote(uid, safe='')}" for name, uid in zip(names, question.above, strict=False)
    ]
    return "/".join([*above, _PATHS[question.level]])


def query_of(keys: Keys, fields: Iterable[str], *, fuzzy: bool = False) -> str:
    r"""Return the query of a URL: percent-encoded UTF-8, with a comma between several values.

    Examples
    --------
    >>> query_of({"PatientName": "M\xfcller^J*", "StudyInstanceUID": "1.2\\1.3"}, ["Modality"])
    'PatientName=M%C3%BCller%5EJ*&StudyInstanceUID=1.2,1.3&includefield=Modality'
    """
    pairs = [(name, _listed(value)) for name, value in keys.items()]
    pairs += [("includefield", field) for field in fields]
    pairs += [("fuzzymatching", "true")] * fuzzy
    pairs += [("emptyvaluematching", "true")] * ('""' in keys.values())
    return "&".join(f"{name}={value}" for name, value in pairs)


def _listed(value: str) -> str:
    return ",".join(quote(part, safe=_PLAIN) for part in value.split("\\"))
