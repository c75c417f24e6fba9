"""Which program judged: one fingerprint of the code that figures depend on and of the packages it counts with."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

_PACKAGE = Path(__file__).parent
JUDGING = (
    "engines.py",
    "evaluate/*.py",
    "exact.py",
    "lake/*.py",
    "merging.py",
    "month.py",
    "policy*.py",
    "result_files.py",
    "schema.py",
)
"""The files of the package that a month's figures depend on."""
COUNTING = ("chinesecalendar", "duckdb", "ibis-framework")
"""The packages that they depend on: working days, and how rows are counted."""


@cache
def fingerprint_code() -> str:
    """The SHA-256 of the judging code as installed, and of the versions of the packages behind it.

    Two revisions with the same fingerprint were judged alike; with different ones they may have been: a replay tells.
    """
    digest = hashlib.sha256()
    for file in sorted({file for pattern in JUDGING for file in _PACKAGE.glob(pattern)}):
        digest.update(f"{file.relative_to(_PACKAGE).as_posix()}\n".encode())
        digest.update(file.read_bytes())
    for package in COUNTING:
        digest.update(f"{package}=={version(package)}\n".encode())
    return digest.hexdigest()
