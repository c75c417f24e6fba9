"""The sandbox city: built once from a seed, then served by four platforms on loopback and a drop folder."""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from flows.errors import SourceUnavailable
from flows.month import Month
from flows.sandbox.casting import cast_staff
from flows.sandbox.faults import STALL_TIMEOUT_SECONDS
from flows.sandbox.payroll import set_base_pay
from flows.sandbox.places import choose_places
from flows.sandbox.platforms import write_platforms
from flows.sandbox.quality import draw_quality
from flows.sandbox.server import CREDENTIALS_FILE
from flows.sandbox.sheets import write_sheets
from flows.sandbox.stories import Story, tell_stories, write_story_page
from flows.sandbox.timeline import lay_out

HISTORY_MONTHS = {"small": 3, "city": 2}
MANIFEST = "sandbox.json"
BUILT = ("feeds", "sheets", CREDENTIALS_FILE, "stories.md", MANIFEST)
PLATFORMS = ("comprehensive_governance", "law_enforcement", "public_service", "supervision")
CODE_ROOT = Path(__file__).parents[2]
STOP_SECONDS = 5


@dataclass
class Sandbox:
    """A built sandbox city below `folder`; as a context manager its servers run inside the block.

    `counts` is the number of records of each feed, by `platform/resource`.
    """

    folder: Path
    scale: str
    month: Month
    stories: list[Story]
    counts: dict[str, int]
    ports: dict[str, int] = field(default_factory=dict)
    servers: list[subprocess.Popen[bytes]] = field(default_factory=list, repr=False)

    def start(self, faults: Collection[str] = ()) -> None:
        """Start the four servers on free ports of 127.0.0.1, with the faults of those names (`faults.FAULTS`).

        Raises `SourceUnavailable` if one of them does not come up.
        """
        if self.servers:
            return
        for platform in PLATFORMS:
            command = [sys.executable, "-m", "flows.sandbox.server", str(self.folder.resolve()), platform]
            command += ["--faults", ",".join(faults)] if faults else []
            self.servers.append(
                subprocess.Popen(command, cwd=CODE_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
            )
        for platform, server in zip(PLATFORMS, self.servers, strict=True):
            line = server.stdout.readline() if server.stdout else b""
            if not line.strip().isdigit():
                self.stop()
                raise SourceUnavailable(
                    f"the sandbox's server of {platform} did not start. Its error stands above; "
                    f"remove {self.folder} to have the city built anew."
                )
            self.ports[platform] = int(line)

    def stop(self) -> None:
        """Stop the servers; they end by themselves when this process does."""
        for server in self.servers:
            for pipe in (server.stdin, server.stdout):
                if pipe is not None:
                    pipe.close()
        for server in self.servers:
            server.wait(STOP_SECONDS)
        self.servers.clear()
        self.ports.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """Every `${NAME}` of config/platforms: addresses and credentials of the running servers, the drop folder."""
        values = {"SHEETS_FOLDER": str((self.folder / "sheets").resolve())}
        for platform, credentials in read_credentials(self.folder).items():
            for name, value in credentials.items():
                values[f"{platform}_{name}".upper()] = value
            if platform in self.ports:
                values[f"{platform}_URL".upper()] = f"http://127.0.0.1:{self.ports[platform]}"
        return values

    def write_config(self, source_config: Path, target: Path, faults: Collection[str] = ()) -> None:
        """Copy the shipped configuration to `target`, with the base pay that only the sandbox has.

        Platforms that may `stall` are waited for one second only.
        """
        if target.exists():
            shutil.rmtree(target)
        shutil.copytree(source_config, target)
        set_base_pay(target / "policy" / "pay.yaml")
        for file in (target / "platforms").glob("*.yaml") if "stall" in faults else ():
            text = file.read_text(encoding="utf-8")
            stated = f"timeout_seconds: {STALL_TIMEOUT_SECONDS}"
            file.write_text(re.sub(r"timeout_seconds: \d+", stated, text), encoding="utf-8")


def build_sandbox(
    folder: Path,
    *,
    scale: str,
    month: Month,
    seed: int = 2024,
    history_months: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Sandbox:
    """The sandbox city of `month` with the months before it, written below `folder` unless it stands there already.

    Equal parameters give equal bytes. Raises `UsageError` for an unknown scale, or a month whose official calendar
    is not published.
    """
    history = HISTORY_MONTHS.get(scale, 0) if history_months is None else history_months
    wanted = {"scale": scale, "month": str(month), "seed": seed, "history_months": history, "made_by": digest_code()}
    manifest = folder / MANIFEST
    if manifest.exists():
        found = orjson.loads(manifest.read_bytes())
        if found["parameters"] == wanted:
            stories = [Story(**story) for story in found["stories"]]
            return Sandbox(folder, scale, month, stories, found["counts"])
    places = choose_places(scale, seed)
    calendar = lay_out(month, history)
    clear_folder(folder)
    tell = progress or (lambda _: None)
    quality = draw_quality(places, len(calendar.months), seed)
    counts = write_platforms(folder / "feeds", places, quality, calendar, scale=scale, seed=seed, progress=tell)
    staff, played = cast_staff(places, calendar, seed)
    write_sheets(folder / "sheets", places, quality, staff, calendar, seed=seed)
    tell(f"{len(staff.workers):,} community workers in the sheets")
    stories = tell_stories(places, quality.cast, played, calendar)
    (folder / "stories.md").write_text(write_story_page(stories, calendar), encoding="utf-8")
    (folder / CREDENTIALS_FILE).write_bytes(orjson.dumps(make_credentials(seed), option=orjson.OPT_INDENT_2))
    record = {"parameters": wanted, "counts": counts, "stories": [asdict(story) for story in stories]}
    manifest.write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))
    return Sandbox(folder, scale, month, stories, counts)


def clear_folder(folder: Path) -> None:
    """Remove what an earlier build left below `folder`, the manifest first, and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in reversed(BUILT):
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def digest_code() -> str:
    """A fingerprint of the generator: another version of it builds another city."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in sorted([*here.glob("*.py"), *here.glob("places/*.csv")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def make_credentials(seed: int) -> dict[str, dict[str, str]]:
    """What the servers ask for; worthless anywhere else."""

    def make(name: str) -> str:
        return hashlib.sha256(f"sandbox/{seed}/{name}".encode()).hexdigest()[:32]

    return {
        "comprehensive_governance": {"token": make("token")},
        "law_enforcement": {"username": "fivestar", "password": make("password")},
        "public_service": {"api_key": make("api key")},
        "supervision": {"key_id": "fivestar", "secret": make("secret")},
    }


def read_credentials(folder: Path) -> dict[str, dict[str, str]]:
    """What each platform's server asks for, by platform."""
    found: dict[str, dict[str, str]] = orjson.loads((folder / CREDENTIALS_FILE).read_bytes())
    return found
