"""Associations: agreed, used by one thread each, reused (PS3.8 7, PS3.7 D)."""

from __future__ import annotations

from . import commands
from .accepting import Policy, accept
from .association import Association
from .commands import Command
from .contexts import MOST_CONTEXTS, Context, Offered, Proposed
from .echoing import echo
from .failures import ContextRefusedError, RejectedForNowError, ReleasedError, TurnedAwayError
from .messages import Message
from .pool import Associations, associations_of
from .requesting import associate

__all__ = [
    "Association",
    "Associations",
    "Command",
    "Context",
    "ContextRefusedError",
    "MOST_CONTEXTS",
    "Message",
    "Offered",
    "Policy",
    "Proposed",
    "RejectedForNowError",
    "ReleasedError",
    "TurnedAwayError",
    "accept",
    "associate",
    "associations_of",
    "commands",
    "echo",
]
