"""Faults of how results are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from typing_extensions import override

from ..fault import Exchange, Fault
from ..letters import UTF_8, Letters

__all__ = ["CharacterSets", "NumberSpelling"]

_SPELLINGS: Final = ("{:+}", "{:04}")


class CharacterSets(Fault):
    """Text comes in the character set `charset`: one not marked, one marked wrongly, any."""

    @override
    def lettered(self, exchange: Exchange, letters: Letters, /) -> Letters:
        """Write, and mark, in another way."""
        if self.settings.charset == "none":
            return Letters(UTF_8, "")
        if self.settings.charset == "wrong":
            return Letters(UTF_8, "ISO_IR 100")
        return Letters(self.settings.charset, self.settings.charset)


class NumberSpelling(Fault):
    """Integer strings are spelt +4 and 0004, in turn."""

    @override
    def described(self, exchange: Exchange, items: Sequence[Dataset], /) -> Sequence[Dataset]:
        """Spell them so."""
        if not any(element.VR == "IS" for item in items for element in item):
            return items
        return [_spelt(item, _SPELLINGS[place % 2]) for place, item in enumerate(items)]


def _spelt(item: Dataset, form: str) -> Dataset:
    copy = Dataset()
    for element in item:
        if element.VR == "IS" and element.VM == 1:
            value = form.format(int(element.value))
            copy.add(DataElement(element.tag, "IS", value, validation_mode=0))
        else:
            copy.add(element)
    return copy
