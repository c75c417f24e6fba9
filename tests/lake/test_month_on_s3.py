"""A city's month with its lake on S3."""

import re
import shutil

import orjson
from city_runs import DemoRun, Home, set_environment
from s3_server import S3Server

from flows.lake import Lake, open_lake


def test_march_on_s3_has_the_digests_of_the_folder(
    march: DemoRun, home_before: Home, platforms: dict[str, str], s3: S3Server
) -> None:
    url, folder = s3.write_url("march"), Lake(home_before.path / "lake")
    target = open_lake(home_before.path, url)
    for table, batch_id in folder.list_batches():
        folder.copy_batch(table, batch_id, target)
    target.close()
    for name in ("lake", "cache"):
        shutil.rmtree(home_before.path / name)
    with set_environment({"FIVESTAR_LAKE_URL": url}):
        answer = home_before.run("run", "--month", "2024-03")
    assert answer.code == 0, answer.err
    assert not folder.root.exists()
    on_folder, on_s3 = (
        orjson.loads((home.march / "run.json").read_bytes())["digests"] for home in (march.home, home_before)
    )
    assert len(on_s3) == 8
    assert on_s3 == on_folder


def test_a_lake_that_refuses_the_keys_ends_the_run_with_10_before_anything_is_written(
    home: Home, platforms: dict[str, str], s3: S3Server
) -> None:
    with set_environment({"FIVESTAR_LAKE_URL": s3.write_url("refused")}), s3.check_keys():
        answer = home.run("run", "--month", "2024-03", "--offline")
        examined = home.run("doctor")
    assert answer.code == 10
    assert answer.err.splitlines()[-1].startswith("fivestar: lake s3://lakes/refused: access is refused (")
    assert "Traceback" not in answer.err
    assert examined.code == 10
    assert "supervision/checks" in examined.out  # the other checks go on
    assert re.search(r"^fail +lake +lake s3://lakes/refused: access is refused", examined.out, re.MULTILINE)
