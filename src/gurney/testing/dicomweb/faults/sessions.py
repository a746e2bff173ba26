"""Faults of who may ask, and when."""

from __future__ import annotations

from typing import ClassVar

import attrs
from typing_extensions import override

from ..asked import Asked, Service
from ..describing import DICOM_JSON
from ..fault import Exchange, Fault, Settings
from ..reply import Reply, plain

__all__ = ["ExpiredToken", "JSONForXML", "LoginPage", "RetryAfter"]

_PAGE = b"""<!DOCTYPE html>
<html><head><title>Sign in</title></head>
<body><form method="post"><input name="user"><input type="password" name="password"></form></body>
</html>
"""


class LoginPage(Fault):
    """A login page with status 200, or a redirect to `elsewhere` if that is set."""

    def refusal(self, exchange: Exchange, /) -> Reply | None:
        """Ask to log in."""
        if self.settings.elsewhere:
            return Reply(302, {"Location": f"{self.elsewhere}{exchange.asked.path}"})
        return Reply(200, {"Content-Type": "text/html; charset=utf-8"}, (_PAGE,))


class RetryAfter(Fault):
    """A request, one if `times` says no other number, is answered 503 and Retry-After: 7."""

    times: ClassVar[int | None] = 1

    @override
    def refusal(self, exchange: Exchange, /) -> Reply | None:
        """Ask to come again."""
        return plain(503, "too busy").with_headers(Retry_After="7")


class ExpiredToken(Fault):
    """The first credentials that come are good for one request; 401 after that."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(settings)
        self._used: str | None = None

    def refusal(self, exchange: Exchange, /) -> Reply | None:
        """Refuse what has been used."""
        given = exchange.asked.headers.get("authorization", "")
        with self._lock:
            first, self._used = self._used is None, given if self._used is None else self._used
        if first or given != self._used:
            return None
        return plain(401, "expired").with_headers(WWW_Authenticate='Bearer error="invalid_token"')


class JSONForXML(Fault):
    """JSON comes to those who accept XML only."""

    @override
    def understood(self, exchange: Exchange, asked: Asked, /) -> Asked:
        """Read XML as JSON."""
        of_json = asked.service in (Service.SEARCH, Service.METADATA)
        if not (of_json and "xml" in asked.accept and "json" not in asked.accept):
            return asked
        return attrs.evolve(asked, headers={**asked.headers, "accept": DICOM_JSON})
