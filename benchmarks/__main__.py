"""Run the benchmarks, one process each, and print what they print.

Usage: ``python -m benchmarks [NAME ...]``, where a name is that of a module here.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    """Run those that are named, or all."""
    known = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    names = sys.argv[1:] or known
    if unknown := sorted({*names} - {*known}):
        sys.exit(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}")
    for name in names:
        print(f"\n## {name}\n", flush=True)
        subprocess.run([sys.executable, HERE / f"{name}.py"], check=True)


if __name__ == "__main__":
    main()
