"""Batches whose rows retention has deleted: the manifest stays, and a mark says since when the rows are gone."""

from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from flows.errors import QualityGate
from flows.whole_files import write_whole

MARK = "retired.json"


def find_lock(home: Path) -> Path:
    """The file whose lock retention holds, and whatever must not run beside it."""
    return home / "locks" / "retention.lock"


def retire_batch(folder: Path, retired_at: datetime, condensed_into: str) -> None:
    """Delete the batch's rows, passed and rejected ones; the mark comes first, so that nobody takes it for damage."""
    if folder.is_dir():
        content = {"retired_at": retired_at, "condensed_into": condensed_into}
        if _read_mark(folder) is None:
            write_whole(folder / MARK, orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z))
        for file in folder.glob("*.parquet"):
            file.unlink()


def revive_batch(folder: Path, staged: Path) -> None:
    """Put the rows back, from `staged`, if they were deleted: the source has sent the very same once more."""
    if (folder / MARK).exists():
        for file in staged.glob("*.parquet"):
            file.replace(folder / file.name)
        (folder / MARK).unlink()


def refuse_retired(folder: Path, table: str, batch_id: str) -> None:
    """Raise `QualityGate` if the batch's rows were deleted by retention."""
    if (folder / MARK).exists():
        mark = _read_mark(folder)
        day = "" if mark is None else f" on {mark['retired_at'][:10]}"
        raise QualityGate(
            f"lake, {table}, batch {batch_id}: deleted under retention{day}. What was judged before later "
            "batches landed can't be judged again or explained event by event; its result stands, and the month can "
            "be judged anew: fivestar evaluate."
        )


def _read_mark(folder: Path) -> dict[str, Any] | None:
    """What the mark says; nothing if there is none, or one that a power failure has left empty."""
    try:
        mark: dict[str, Any] = orjson.loads((folder / MARK).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    return mark
