"""Where in a folder an instance goes: a template of DICOM keywords."""

from __future__ import annotations

import difflib
import hashlib
import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

import attrs
from pydicom.datadict import dictionary_VR, keyword_dict, tag_for_keyword
from pydicom.dataset import Dataset

from gurney.core import (
    InstanceReference,
    LayoutError,
    texts,
)

from .names import encode, is_plain, marked, named

__all__ = ["DEFAULT_LAYOUT", "FLAT", "Layout"]

_UIDS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_INTEGERS: Final = {"IS", "SL", "SS", "SV", "UL", "US", "UV"}
_DECIMALS: Final = {"DS", "FD", "FL"}
_NO_TEXT: Final = {"NONE", "OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UN"}
_MODEST: Final = re.compile(r"0?\d{0,2}(\.\d{1,2})?[A-Za-z]?")  # no format makes a huge text
_extension: Final = re.compile(r"\.[0-9A-Za-z]{1,16}$")


@attrs.frozen
class Layout:
    """A template of DICOM keywords that gives each instance its path.

    Folders are separated by ``/``. A keyword stands in braces, with a format after a colon if
    wanted: those of Python for whole numbers (``{InstanceNumber:05d}``), decimals
    (``{SliceThickness:.1f}``) and text (``{StudyDescription:.20}`` cuts after 20 characters).

    Values become names that every file system takes: ASCII letters, digits and ``. _ -``, ``+``
    for a space, and ``%XX`` for the rest, 120 bytes at most. UIDs that differ give paths that
    differ, also where case does not count. An absent or empty value becomes ``no-`` and its
    keyword; one that is no number ignores the format of numbers; several values are joined with
    ``_``. A layout need not tell all instances apart: the storage does.

    Parameters
    ----------
    template
        The path of an instance, relative to the root of the storage.

    Attributes
    ----------
    keywords
        Those in the template, each once, in order.
    by_uid
        Whether the UIDs of an instance alone give its path.

    Raises
    ------
    LayoutError
        If *template* cannot become a path inside the root: it says why, and what to do.

    Examples
    --------
    >>> layout = Layout("{PatientID}/{StudyDate}/{InstanceNumber:04d}.dcm")
    >>> dataset = Dataset()
    >>> dataset.PatientID, dataset.InstanceNumber = "A/1 b", 7
    >>> print(layout.path(dataset))
    A%2F1+b/no-StudyDate/0007.dcm
    >>> Layout("{PatientId}/{SOPInstanceUID}.dcm")
    Traceback (most recent call last):
    gurney.core.errors.LayoutError: DICOM has no keyword 'PatientId'; did you mean 'PatientID'?
    """

    template: str
    keywords: tuple[str, ...] = attrs.field(init=False, eq=False, repr=False)
    by_uid: bool = attrs.field(init=False, eq=False, repr=False)
    _names: tuple[_Name, ...] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        names = tuple(_parse(self.template))
        fields = (part for name in names for part in name.parts if isinstance(part, _Field))
        keywords = tuple(dict.fromkeys(field.keyword for field in fields))
        object.__setattr__(self, "_names", names)
        object.__setattr__(self, "keywords", keywords)
        object.__setattr__(self, "by_uid", set(keywords) <= set(_UIDS))

    def path(self, dataset: Dataset) -> PurePosixPath:
        """Return where an instance with the values of *dataset* goes, relative to the root."""
        return self._path({keyword: texts(dataset, keyword) for keyword in self.keywords})

    def path_of(self, reference: InstanceReference) -> PurePosixPath | None:
        """Return where the instance goes; `None` if more than its UIDs must be known.

        Examples
        --------
        >>> print(DEFAULT_LAYOUT.path_of(InstanceReference("1.2", "1.2.3", "1.2.3.4")))
        1.2/1.2.3/1.2.3.4.dcm
        """
        if not self.by_uid:
            return None
        return self._path(
            {keyword: (uid,) for keyword, uid in zip(_UIDS, reference.uids, strict=True)}
        )

    def marked(self, name: str, mark: str) -> str:
        """Return a file name with *mark* in it, which no value of any instance can give it."""
        extension = self._names[-1].extension
        return marked(name.removesuffix(extension), mark, extension)

    def second(self, path: PurePosixPath, instance_uid: str) -> PurePosixPath:
        """Return where the instance goes if another one has taken *path*."""
        digest = hashlib.sha256(instance_uid.encode("utf-8", "surrogatepass"))
        return path.with_name(self.marked(path.name, f"uid-{digest.hexdigest()[:32]}"))

    def _path(self, values: Mapping[str, Sequence[str]]) -> PurePosixPath:
        return PurePosixPath(*(name.fill(values) for name in self._names))


def _as_text(value: str, spec: str) -> str:
    return format(value, spec)


def _as_integer(value: str, spec: str) -> str:
    return format(int(value), spec)


def _as_decimal(value: str, spec: str) -> str:
    return format(float(value), spec)


@attrs.frozen
class _Field:
    """A keyword in braces."""

    keyword: str
    spec: str
    form: Callable[[str, str], str]
    upper: bool

    def fill(self, values: Sequence[str]) -> str:
        """The values in safe characters, never empty."""
        texts = (encode(self.formatted(value), upper=self.upper) for value in values if value)
        return "_".join(texts) or f"no-{self.keyword}"

    def formatted(self, value: str) -> str:
        """The value as the template wants it, or as it is if that cannot be."""
        if not self.spec:
            return value
        try:
            return self.form(value, self.spec)
        except (ValueError, OverflowError):  # no number, or infinite
            return value


@attrs.frozen
class _Name:
    """One step of the path: text and keywords, then an extension."""

    parts: tuple[str | _Field, ...]
    extension: str = ""

    def fill(self, values: Mapping[str, Sequence[str]]) -> str:
        parts = (p if isinstance(p, str) else p.fill(values[p.keyword]) for p in self.parts)
        return named("".join(parts), self.extension)


def _parse(template: str) -> Iterator[_Name]:
    """The steps of *template*, each checked."""
    steps: list[list[str | _Field]] = [[]]
    for part in _parts(template):
        if isinstance(part, str):
            first, *others = part.split("/")
            steps[-1].append(_literal(first))
            steps.extend([_literal(other)] for other in others)
        else:
            steps[-1].append(part)
    if not any(isinstance(part, _Field) for step in steps for part in step):
        raise LayoutError(
            f"layout {template!r} names no keyword; write one at least, such as {{SOPInstanceUID}}"
        )
    for step in steps:
        if all(part in {"", ".", ".."} for part in step):
            raise LayoutError(
                f"layout {template!r} has a step that is empty, . or ..; it must be a path "
                "inside the root of the storage, with one / between names and none around them"
            )
    *folders, file = steps
    yield from (_Name(tuple(step)) for step in folders)
    yield _without_extension(file)


def _parts(template: str) -> Iterator[str | _Field]:
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise LayoutError(
            f"layout {template!r} cannot be read: {error}; write each keyword as {{Keyword}}"
        ) from error
    for literal, keyword, spec, conversion in parts:
        yield literal
        if conversion:
            raise LayoutError(f"!{conversion} after {keyword} has no meaning here; leave it out")
        if keyword is not None:
            yield _field(keyword, spec or "")


def _literal(text: str) -> str:
    if is_plain(text):
        return text
    odd = next(character for character in text if not is_plain(character))
    advice = "separate folders with /" if odd == "\\" else "use letters, digits and . _ - + = ,"
    raise LayoutError(f"{odd!r} is not safe in file names everywhere; {advice}")


def _field(keyword: str, spec: str) -> _Field:
    tag = tag_for_keyword(keyword) if keyword else None  # pydicom has a few elements without
    if tag is None:
        near = difflib.get_close_matches(keyword, keyword_dict, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "; see DICOM PS3.6 for all of them"
        raise LayoutError(f"DICOM has no keyword {keyword!r}{hint}")
    vrs = set(dictionary_VR(tag).split(" or "))
    if vrs & _NO_TEXT:
        raise LayoutError(f"{keyword} is a sequence or binary and gives no name; use another")
    if tag < 0x00030000:
        raise LayoutError(f"{keyword} is not part of the data set; use one that is")
    form, sample, kind = _as_text, "text", "text, such as .20"
    if vrs <= _INTEGERS:
        form, sample, kind = _as_integer, "1", "a whole number, such as 04d"
    elif vrs <= _DECIMALS:
        form, sample, kind = _as_decimal, "1", "a decimal number, such as .1f"
    if not _fits(form, sample, spec):
        raise LayoutError(f"{spec!r} is no format for {keyword}; it is {kind}")
    return _Field(keyword, spec, form, upper="UI" not in vrs)


def _fits(form: Callable[[str, str], str], sample: str, spec: str) -> bool:
    """Whether *spec* can be used, and makes something."""
    try:
        return _MODEST.fullmatch(spec) is not None and form(sample, spec).strip() != ""
    except ValueError:
        return False


def _without_extension(parts: Iterable[str | _Field]) -> _Name:
    """The last step; a fixed extension survives shortening."""
    *others, last = parts
    found = _extension.search(last) if isinstance(last, str) and others else None
    if found is None or not isinstance(last, str):
        return _Name((*others, last))
    return _Name((*others, last[: found.start()]), found.group())


DEFAULT_LAYOUT: Final = Layout("{StudyInstanceUID}/{SeriesInstanceUID}/{SOPInstanceUID}.dcm")
"""A folder for each study, in it one for each series."""

FLAT: Final = Layout("{SOPInstanceUID}.dcm")
"""All instances in the root."""
