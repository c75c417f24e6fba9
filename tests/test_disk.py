"""A full disk, a real one where this user may mount one and an injected one everywhere: told, and made good later."""

import errno
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from city_runs import Home, digest_tree, set_environment

from flows.disk import DiskFull, describe_full_disk, explain_full_disk, is_disk_full

EVALUATE = ("evaluate", "--month", "2024-03")
DISK_MEGABYTES = 32
LEFT_BYTES = 100_000
"""Less than a month's files need, more than the first of them."""


def fail_for_want_of_room(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def light_from_90(home: Home) -> None:
    """Let the next judgement be another one, so that there is something to write."""
    file = home.config / "policy" / "five_star.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('"80.00"', '"90.00"', 1), encoding="utf-8")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount a file system; the injected ones below stand for it")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@contextmanager
def filled(disk: Path, left_bytes: int) -> Iterator[None]:
    """The disk with no more than that left."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        block = bytes(1 << 12)
        for _ in range((shutil.disk_usage(disk).free - left_bytes) // len(block)):
            file.write(block)
    yield
    filler.unlink()


def test_a_month_that_found_the_disk_full_is_judged_once_there_is_room_as_if_nothing_had_been(
    home: Home, disk: Path, tmp_path: Path
) -> None:
    small, elsewhere = home.copy(disk), tmp_path / "ledger.sqlite"
    shutil.move(small.path / "ledger.sqlite", elsewhere)
    light_from_90(small)
    light_from_90(home)
    with set_environment({"FIVESTAR_DATABASE_URL": f"sqlite:///{elsewhere}"}):
        with filled(disk, LEFT_BYTES):
            before = digest_tree(small.path / "outputs")
            answer = small.run(*EVALUATE)
        assert (answer.code, answer.out) == (10, ""), answer.err
        assert ": the disk is full, 0." in answer.err
        assert "docs/runbooks/disk-full.md" in answer.err
        assert "Traceback" not in answer.err
        assert digest_tree(small.path / "outputs") == before
        with small.open() as house:
            outcome = house.ledger.list_outcomes("2024-03")[-1]
        assert (outcome["step"], outcome["ok"], "the disk is full" in outcome["message"]) == ("evaluate", False, True)
        assert "revision 2 (new)" in small.run(*EVALUATE).out
    assert home.run(*EVALUATE).code == 0
    assert digest_tree(small.march) == digest_tree(home.march)


def test_a_disk_that_is_full_to_the_last_byte_with_the_ledger_on_it_is_still_told_in_a_line(
    home: Home, disk: Path
) -> None:
    small = home.copy(disk)
    light_from_90(small)
    with filled(disk, 0):
        answer = small.run(*EVALUATE)
    assert (answer.code, answer.out) == (10, ""), answer.err
    assert "disk is full" in answer.err
    assert "Traceback" not in answer.err
    with small.open() as house:
        assert house.ledger.reviews.examine_chain().fault == ""
        assert house.ledger.results.find_revision("2024-03", 2) is None


@pytest.mark.parametrize(
    "place",
    [
        "flows.lake.LakeView._merge",  # scratch
        "flows.outputs.StagedFolder.seal",  # outputs, while they are put in place
    ],
)
def test_wherever_room_runs_out_the_month_stays_as_it_was(
    home: Home, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    light_from_90(home)
    before = digest_tree(home.path / "outputs")
    with monkeypatch.context() as patch:
        patch.setattr(place, fail_for_want_of_room)
        answer = home.run(*EVALUATE)
    assert (answer.code, answer.out) == (10, ""), answer.err
    assert f"{home.path}: the disk is full, " in answer.err
    assert digest_tree(home.path / "outputs") == before
    with home.open() as house:
        assert house.ledger.results.find_revision("2024-03", 2) is None
        assert "the disk is full" in house.ledger.list_outcomes("2024-03")[-1]["message"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("IO Error: Could not write all bytes to file: No space left on device"),
    ],
)
def test_a_full_disk_is_known_by_its_number_or_by_what_libraries_say(error: Exception) -> None:
    assert is_disk_full(error)
    assert is_disk_full(chain(error))
    assert not is_disk_full(OSError(errno.EACCES, "Permission denied"))


def chain(error: Exception) -> Exception:
    """An error that a library raised instead."""
    try:
        try:
            raise error
        except Exception as cause:
            raise ValueError("not written") from cause
    except ValueError as outer:
        return outer


def test_what_is_full_is_the_file_that_the_error_names_or_the_home(tmp_path: Path) -> None:
    named = OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "lake" / "part"))
    assert str(describe_full_disk(named, tmp_path)).startswith(f"{tmp_path / 'lake' / 'part'}: the disk is full, ")
    assert str(describe_full_disk(RuntimeError(), tmp_path)).startswith(f"{tmp_path}: the disk is full, ")


@pytest.mark.parametrize("make", [lambda: ValueError("no number"), lambda: PermissionError(errno.EACCES, "no")])
def test_any_other_error_stays_what_it_is(tmp_path: Path, make: Callable[[], Any]) -> None:
    error = make()
    with pytest.raises(type(error)) as raised, explain_full_disk(tmp_path):
        raise error
    assert raised.value is error
    assert not isinstance(error, DiskFull)
