"""The lakes of these tests: in a folder, on S3, on a filesystem of fsspec's."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from lake_kit import OpenLake
from s3_server import S3Server, start_s3

from flows.lake import Lake, open_lake


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3 server, one for the session; each lake has a prefix of its own."""
    with start_s3() as server:
        yield server


@pytest.fixture(params=["folder", "s3", "fsspec"])
def open_on(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenLake]:
    """Each kind of storage in turn."""
    name = f"lake-{uuid.uuid4().hex}"
    if request.param == "folder":
        url = f"file://{tmp_path / name}"
    elif request.param == "s3":
        url = request.getfixturevalue("s3").write_url(name)
    else:
        url = f"fsspec+memory:///{name}"
    opened: list[Lake] = []

    def open_one(machine: str) -> Lake:
        opened.append(open_lake(tmp_path / machine, url))
        return opened[-1]

    yield open_one
    for lake in opened:
        lake.close()
