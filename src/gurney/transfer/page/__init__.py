"""A transfer as HTML for people, with plots. Needs the extra ``report``: jinja2 and matplotlib."""

from __future__ import annotations

from .rendering import PageLimits
from .writing import write_page

__all__ = ["PageLimits", "write_page"]
