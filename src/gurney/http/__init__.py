"""One door to HTTP, for every backend that speaks it."""

from __future__ import annotations

from .answer import Answer
from .gate import Gate, GivenUpError
from .logins import Login, find_login
from .media import boundary_of, media_type, parameter_of
from .multipart import Ending, MultipartReader, Part, PartLimits
from .origin import is_loopback, same_origin, server_url
from .settings import Budgets, Retries, Timeouts
from .transport import Transport

__all__ = [
    "Answer",
    "Budgets",
    "Ending",
    "Gate",
    "GivenUpError",
    "Login",
    "MultipartReader",
    "Part",
    "PartLimits",
    "Retries",
    "Timeouts",
    "Transport",
    "boundary_of",
    "find_login",
    "is_loopback",
    "media_type",
    "parameter_of",
    "same_origin",
    "server_url",
]
