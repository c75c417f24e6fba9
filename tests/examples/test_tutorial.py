"""docs/tutorial.md is true: its commands, run in their order, say what it shows."""

import re
import runpy
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from http.server import ThreadingHTTPServer
from pathlib import Path

import city_runs
import pytest

ROOT = Path(__file__).parents[2]
PLATFORM = "docs/examples/tutorial/orders_platform.py"
ADDRESS = "http://127.0.0.1:8020"


def read_blocks(page: Path) -> list[tuple[str, str]]:
    """The page's fenced blocks in order: their language, and what they hold."""
    return re.findall(r"^```(sh|text)\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def platform() -> Iterator[str]:
    """The tutorial's own platform, at a free port."""
    module = runpy.run_path(str(ROOT / PLATFORM))
    server: ThreadingHTTPServer = module["open_platform"](0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def run_block(block: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the block's command says. Settings hold for the blocks that follow; anything else goes to the shell."""
    lines = block.splitlines()
    if all(line.startswith("export ") for line in lines):
        for line in lines:
            name, _, value = line.removeprefix("export ").partition("=")
            monkeypatch.setenv(name, value)
        return ""
    if block.startswith("fivestar "):
        [command] = lines
        answer = city_runs.run_fivestar(*command.split()[1:])
        return answer.out + answer.err
    subprocess.run(["sh", "-ec", block], check=True)
    return ""


def find_missing(shown: Sequence[str], said: Sequence[str]) -> list[str]:
    """The lines of `shown` that don't follow one another in `said`; `…` stands for anything."""
    missing, place = [], 0
    for line in shown:
        pattern = ".*".join(map(re.escape, line.split("…")))
        found = next((at for at in range(place, len(said)) if re.fullmatch(pattern, said[at])), None)
        if found is None:
            missing.append(line)
        else:
            place = found + 1
    return missing


def test_the_tutorial_shows_what_its_commands_say(
    platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    said, compared = "", 0
    for language, block in read_blocks(ROOT / "docs" / "tutorial.md"):
        if language == "text":
            lines = [line for line in block.splitlines() if line != "…"]
            assert find_missing(lines, said.splitlines()) == [], said
            compared += 1
        elif PLATFORM not in block:
            said = run_block(block.replace(ADDRESS, platform), monkeypatch)
    assert compared == 9
    assert (tmp_path / "var/tutorial/home/outputs/2024-03/report.html").is_file()


def test_the_order_that_the_tutorial_shows_is_the_platforms_first() -> None:
    [shown] = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "tutorial.md").read_text("utf-8"), flags=re.DOTALL)
    first = runpy.run_path(str(ROOT / PLATFORM))["list_orders"]()[0]
    assert [f'"{name}": "{value}"' in shown for name, value in first.items()] == [True] * len(first)
