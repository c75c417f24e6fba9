"""A lake on S3: killed uploads, refused and unreachable stores, and copies on this machine."""

import os
import signal
import subprocess
import sys
import uuid
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from lake_kit import COMMUNITY, NOW, REJECTED, land
from pyarrow import fs as arrow_fs
from s3_server import BUCKET, KEYS, S3Server

from flows.errors import ConfigurationError, SourceUnavailable
from flows.lake import Lake, open_lake
from flows.lake.cache import Cache
from flows.lake.object_storage import ObjectStorage

SEALING = 3
"""The upload of a batch of one part and one quarantine that brings its manifest."""

UPLOAD_AND_DIE = """
import os, signal, sys
from pathlib import Path
from pyarrow import fs
from flows.lake import open_lake
sys.path.insert(0, sys.argv[4])
from lake_kit import COMMUNITY, REJECTED, land

copy_files, left = fs.copy_files, int(sys.argv[3])
def copy_or_die(*given, **named):
    global left
    left -= 1
    if left < 1:
        os.kill(os.getpid(), signal.SIGKILL)
    copy_files(*given, **named)
fs.copy_files = copy_or_die
land(open_lake(Path(sys.argv[1]), sys.argv[2]), COMMUNITY, rejected=(REJECTED,))
"""


@pytest.fixture
def url(s3: S3Server) -> str:
    """An empty lake."""
    return s3.write_url(f"lake-{uuid.uuid4().hex}")


def open_storage(url: str, home: Path) -> ObjectStorage:
    return ObjectStorage(url, home / "cache")


def list_objects(url: str) -> list[str]:
    """The objects of a lake, by their names there."""
    filesystem, path = arrow_fs.FileSystem.from_uri(url)
    selector = arrow_fs.FileSelector(path, recursive=True, allow_not_found=True)
    found = filesystem.get_file_info(selector)
    return sorted(it.path.removeprefix(f"{path}/") for it in found if it.type == arrow_fs.FileType.File)


def test_a_killed_upload_is_no_batch_and_landing_again_makes_it_whole(url: str, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        UPLOAD_AND_DIE,
        str(tmp_path / "killed"),
        url,
        str(SEALING),
        str(Path(__file__).parent),
    ]
    assert subprocess.run(command, check=False, capture_output=True).returncode == -signal.SIGKILL
    left = list_objects(url)
    assert len(left) == SEALING - 1
    assert [name for name in left if name.endswith("manifest.json")] == []
    lake = open_lake(tmp_path / "next", url)
    assert lake.list_batches() == []
    manifest = land(lake, COMMUNITY, rejected=(REJECTED,))
    assert lake.list_batches() == [("communities", manifest.batch_id)]
    assert len(list_objects(url)) == SEALING
    assert len(open_lake(tmp_path / "other", url).list_parts("communities", manifest.batch_id)) == 1


def test_what_a_killed_upload_left_otherwise_does_not_stay_in_the_batch(url: str, tmp_path: Path) -> None:
    batch_id = land(Lake(tmp_path / "folder"), COMMUNITY).batch_id
    filesystem, path = arrow_fs.FileSystem.from_uri(url)
    with filesystem.open_output_stream(f"{path}/communities/batch_id={batch_id}/part-00007.parquet") as stream:
        stream.write(b"half of")
    land(open_lake(tmp_path / "home", url), COMMUNITY)
    folder = f"communities/batch_id={batch_id}"
    assert list_objects(url) == [f"{folder}/manifest.json", f"{folder}/part-00000.parquet"]


def test_only_what_is_old_and_has_no_manifest_is_cleared_away(url: str, tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "home", url)
    land(lake, COMMUNITY)
    whole = list_objects(url)
    filesystem, path = arrow_fs.FileSystem.from_uri(url)
    with filesystem.open_output_stream(f"{path}/events/batch_id=x/part-00000.parquet") as stream:
        stream.write(b"half of")
    storage = open_storage(url, tmp_path / "home")
    now = datetime.now(NOW.tzinfo)
    assert storage.remove_unfinished(now - timedelta(days=1)) == []
    assert storage.remove_unfinished(now + timedelta(minutes=1)) == ["events/batch_id=x/part-00000.parquet"]
    assert list_objects(url) == whole


def test_a_batch_that_was_read_is_asked_for_once(url: str, s3: S3Server, tmp_path: Path) -> None:
    manifest = land(open_lake(tmp_path / "one", url), COMMUNITY)
    lake = open_lake(tmp_path / "two", url)
    parts = lake.list_parts("communities", manifest.batch_id)
    assert [Path(part).is_relative_to(tmp_path / "two" / "cache") for part in parts] == [True]
    with s3.check_keys():  # from now on it answers nothing
        assert lake.list_parts("communities", manifest.batch_id) == parts
        assert lake.read_manifest("communities", manifest.batch_id)["landed_count"] == 1


def test_the_longest_unread_copies_go_once_nobody_reads_and_they_take_too_much(tmp_path: Path) -> None:
    first = Cache(tmp_path, bytes_max=0)
    for number, key in enumerate(("events/a", "events/b", "events/c")):
        (tmp_path / "staged").mkdir()
        (tmp_path / "staged" / "manifest.json").write_bytes(b"x" * 10)
        first.add(tmp_path / "staged", key)
        os.utime(tmp_path / key, (number, number))
    assert first.find("events/a") is not None  # read just now
    Cache(tmp_path, bytes_max=20).close()
    assert first.find("events/b") is not None  # the first one still reads
    os.utime(tmp_path / "events/b", (1, 1))
    first.close()
    last = Cache(tmp_path, bytes_max=20)
    assert [last.find(key) is not None for key in ("events/a", "events/b", "events/c")] == [True, False, True]


def test_refused_keys_end_with_10_and_no_key_is_told(url: str, s3: S3Server, tmp_path: Path) -> None:
    with s3.check_keys(), pytest.raises(ConfigurationError) as refusal:
        land(open_lake(tmp_path, url), COMMUNITY)
    assert refusal.value.exit_code == 10
    assert "access is refused (" in str(refusal.value)
    assert "AWS_ACCESS_KEY_ID" in str(refusal.value)
    assert [secret for secret in KEYS.values() if secret in str(refusal.value)] == []
    assert "endpoint_override" not in str(refusal.value)


def test_a_bucket_that_is_not_there_ends_with_10_and_never_reads_as_empty(s3: S3Server, tmp_path: Path) -> None:
    lake = open_lake(tmp_path, s3.write_url("lake", bucket="nosuch"))
    with pytest.raises(ConfigurationError, match="lake s3://nosuch/lake: there is no such bucket"):
        lake.list_parts("communities", "p-communities-0000000000000000")


def test_a_store_that_cannot_be_reached_ends_with_11(s3: S3Server, tmp_path: Path) -> None:
    lake = open_lake(tmp_path, s3.write_url("lake", port=9))
    with pytest.raises(SourceUnavailable) as unreachable:
        lake.list_batches()
    assert unreachable.value.exit_code == 11
    assert str(unreachable.value).startswith(
        f"lake s3://{BUCKET}/lake: it did not answer as it should (NETWORK_CONNECTION)"
    )


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("s3://key:s3cret@bucket/lake", "s3://bucket/lake, with credentials before an @"),
        ("ftp://host/lake", "ftp://host/lake, which can't be opened: Unrecognized filesystem type"),
        ("s3://bucket/lake?endpiont_override=x", "which can't be opened: Unexpected query parameter in S3 URI"),
        ("fsspec+nosuch://host/lake", "fsspec\\+nosuch://host/lake, which can't be opened"),
        ("file:lake", "it must name an absolute folder"),
        ("file:///srv/a=b/lake", "no name on the way may hold an ="),
    ],
)
def test_a_url_that_cannot_be_a_lakes_is_refused_and_no_secret_told(url: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"FIVESTAR_LAKE_URL is .*{told}") as refusal:
        open_lake(tmp_path, url).list_batches()
    assert "s3cret" not in str(refusal.value)
