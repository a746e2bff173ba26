"""Faults of how many results come, and which."""

from __future__ import annotations

import attrs
from typing_extensions import override

from ..asked import Service
from ..fault import Exchange, Fault, Page
from ..reply import Reply, plain
from ..searching import found_by

__all__ = [
    "CapBeforeOffset",
    "DefaultPage",
    "LimitTooLarge",
    "OffsetIgnored",
    "OneMore",
    "OverlappingPages",
    "Pages",
    "ShortPages",
    "SilentCap",
    "TooBroad",
]


class Pages(Fault):
    """At most a page of results comes, and a Warning 299 says how many more there are."""

    @override
    def paged(self, exchange: Exchange, page: Page, /) -> Page:
        """Cut at a page."""
        return _cut(page, self.page_size)


class DefaultPage(Fault):
    """A page of results comes to those who set no limit, and nothing says so."""

    def paged(self, exchange: Exchange, page: Page, /) -> Page:
        """Cut at a page if there is no limit."""
        has_limit = exchange.asked.parameter("limit") != ""
        return page if has_limit else _silent(_cut(page, self.page_size))


class SilentCap(Fault):
    """At most a page of results comes, whatever the limit, and nothing says so."""

    @override
    def paged(self, exchange: Exchange, page: Page, /) -> Page:
        """Cut at a page."""
        return _silent(_cut(page, self.page_size))


class CapBeforeOffset(Fault):
    """The cap comes before the offset: a page of results, then none, and nothing says so."""

    @override
    def paged(self, exchange: Exchange, page: Page, /) -> Page:
        """Forget all that is beyond the first page."""
        capped = page.found[: self.page_size]
        return page if len(capped) == len(page.found) else attrs.evolve(page, found=capped)


class ShortPages(Fault):
    """A page holds half of what it could, and more follow; nothing says so."""

    @override
    def paged(self, exchange: Exchange, page: Page, /) -> Page:
        """Halve the page."""
        return _silent(_cut(page, -(-len(page.items) // 2)))


class OneMore(Fault):
    """A cap of N gives N + 1, and nothing says that there are more."""

    @override
    def paged(self, exchange: Exchange, page: Page, /) -> Page:
        """Send one more than a page."""
        page = _silent(_cut(page, self.page_size))
        return attrs.evolve(page, stop=page.stop + 1) if page.remaining else page


class OffsetIgnored(Fault):
    """The offset is ignored: each page is the first one, and nothing says so."""

    @override
    def paged(self, exchange: Exchange, page: Page, /) -> Page:
        """Begin at the beginning."""
        size = min(self.page_size, page.stop - page.start)
        return _silent(attrs.evolve(page, start=0, stop=size))


class OverlappingPages(Fault):
    """Each page begins with the last result of the one before; nothing says that there are more."""

    @override
    def paged(self, exchange: Exchange, page: Page, /) -> Page:
        """Begin one earlier."""
        page = _silent(_cut(page, self.page_size))
        begins_inside = 0 < page.start < len(page.found)
        return attrs.evolve(page, start=page.start - 1) if begins_inside else page


class LimitTooLarge(Fault):
    """A limit larger than a page is refused with 400; without one a page comes."""

    def refusal(self, exchange: Exchange, /) -> Reply | None:
        """Refuse large limits."""
        limit = exchange.asked.parameter("limit", "0")
        if limit.isdigit() and int(limit) > self.page_size:
            return plain(400, f"limit must not be more than {self.page_size}")
        return None

    @override
    def paged(self, exchange: Exchange, page: Page, /) -> Page:
        """Cut at a page."""
        return _silent(_cut(page, self.page_size))


class TooBroad(Fault):
    """A search that finds more than a page is refused with 413, whatever the limit."""

    def refusal(self, exchange: Exchange, /) -> Reply | None:
        """Refuse broad searches."""
        if exchange.asked.service is not Service.SEARCH:
            return None
        broad = len(found_by(exchange)) > self.page_size
        return plain(413, "too many results; ask for fewer") if broad else None


def _cut(page: Page, size: int) -> Page:
    stop = min(page.stop, page.start + size)
    return page if stop == page.stop else attrs.evolve(page, stop=stop)


def _silent(page: Page) -> Page:
    return attrs.evolve(page, warns=False) if page.warns and page.remaining else page
