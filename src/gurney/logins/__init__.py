"""URLs of archives taken apart, and who to be at an archive: for backends opened by a URL."""

from __future__ import annotations

from .advising import advice, advising, advising_each
from .finding import Login, find_login
from .naming import named
from .places import Place, is_loopback
from .urls import split_url, url_options

__all__ = [
    "Login",
    "Place",
    "advice",
    "advising",
    "advising_each",
    "find_login",
    "is_loopback",
    "named",
    "split_url",
    "url_options",
]
