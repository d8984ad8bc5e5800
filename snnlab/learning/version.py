"""Which code computes: results of equal definition, seed and code are equal."""

import hashlib
from functools import cache
from pathlib import Path

from snnlab import __version__


ROOT = Path(__file__).parents[2]
DECIDING = ("snnlab/learning", "hardware")
SUFFIXES = {".py", ".c", ".toml"}


@cache
def code() -> str:
    """The version and a digest of every file that decides what a training computes."""
    found = hashlib.sha256()
    files = (path for folder in DECIDING for path in (ROOT / folder).rglob("*"))
    for path in sorted(path for path in files if path.suffix in SUFFIXES):
        found.update(f"{path.relative_to(ROOT)}\0".encode())
        found.update(path.read_bytes())
    return f"{__version__}+{found.hexdigest()[:12]}"
