"""``python -m gurney.cli``, for those whose PATH does not have ``gurney``."""

from __future__ import annotations

import sys

from . import main

sys.exit(main())
