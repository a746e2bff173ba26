"""RAD-69, Retrieve Imaging Document Set: instances by SOAP (IHE RAD TF-2 4.69)."""

from __future__ import annotations

from .rad69 import Rad69

__all__ = ["Rad69"]
