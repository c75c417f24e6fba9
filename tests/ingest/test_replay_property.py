"""Whatever is replayed, and in whatever order: the lake is as if the mapping had been right from the start."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest_kit import CONFIG, LATER, NOW, land_rows
from platform_server import CARD

from flows.house import House, open_house
from flows.ingest.describe.rules import load_rules
from flows.ingest.describe.source import load_source
from flows.ingest.judging.judge import Judge
from flows.ingest.judging.mapping import Mapper
from flows.ingest.judging.references import read_references
from flows.ingest.rejected.listing import Filter, list_rejected
from flows.ingest.rejected.quarantine import read_quarantine
from flows.ingest.rejected.replay import replay_quarantine
from flows.settings import load_settings

COMMUNITIES = ("410202001001", "410202001002")
CODES = ("a", "b", "c")
"""The mapping knows the first of them, then the first two, then all."""
RESOURCES = {
    # Dated by the source.
    "incidents": """
    fields:
      {incident_id: key, community_code: community, kind: code, occurred_on: day, status: status, updated_at: at}
    codes: {kind: {%s}}
""",
    # Not dated: the later batch, then the later record wins.
    "annual_titles": """
    fields: {community_code: community, rating_year: key, stars: code, pay_year: no}
    codes: {stars: {%s}}
""",
}
VALUES = {"incidents": ("petition", "accident", "crime"), "annual_titles": ("1", "2", "3")}


@dataclass(frozen=True)
class Pulled:
    """A pull's records."""

    records: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Replayed:
    """A replay of everything, or of the batch with that place among those that wait."""

    place: int | None


@dataclass(frozen=True)
class Mended:
    """From here on the mapping knows one code more."""


Step = Pulled | Replayed | Mended


@st.composite
def _records(draw: st.DrawFn) -> Pulled:
    rows = st.tuples(
        st.integers(2021, 2022),
        st.sampled_from(COMMUNITIES),
        st.sampled_from(CODES),
        st.integers(1, 3),
        st.integers(1, 28),
    )
    return Pulled(
        [
            {
                "key": key,
                "community": community,
                "code": code,
                "day": f"2024-03-{number:02d}",
                "no": number,
                "status": "confirmed",
                "at": f"2024-03-0{at}T08:00:00+08:00",
            }
            for key, community, code, at, number in draw(st.lists(rows, min_size=1, max_size=3))
        ]
    )


STEPS = st.lists(
    st.one_of(
        _records(),
        _records(),
        st.builds(Replayed, st.one_of(st.none(), st.integers(0, 3))),
        st.builds(Mended),
    ),
    max_size=8,
)


class Installation:
    """A home whose one source is mapped in stages; the configuration is written anew for each act."""

    def __init__(self, home: Path, config: Path, table: str, known_count: int) -> None:
        self.table = table
        self.known_count = known_count
        self._config = config
        self._pull_count = 0
        self.house: House = open_house(load_settings(home, config, lambda _: None))

    def pull(self, records: Sequence[dict[str, Any]]) -> None:
        """Land the records as one pull of a window of its own would."""
        self._pull_count += 1
        source = self._load()
        resource = source.resources["list"]
        judge = Judge(
            Mapper(source, resource, "p, list"), self._read_rules(), read_references(self.house, NOW, {}), "p, list"
        )
        at = NOW + timedelta(minutes=self._pull_count)
        ledger = self.house.ledger
        pull_id = ledger.begin_pull(platform="p", resource="list", table=self.table, window=(NOW, at), started_at=at)
        slot = f"pull {self._pull_count}"
        with self.house.lake.stage(resource.canonical, platform="p", resource="list", slot=slot) as batch:
            for _ in judge.fill_batch(batch, [list(records)]):
                pass
            manifest = batch.commit(window=(NOW, at), request={}, contract={}, landed_at=at)
        ledger.finish_pull(
            pull_id,
            status="complete",
            message="",
            received_count=batch.received_count,
            landed_count=batch.landed_count,
            rejected_count=batch.rejected_count,
            finished_at=at,
            manifests=[manifest],
        )

    def replay(self, place: int | None) -> int:
        """Replay everything, or one batch of those that wait; the number of rows that landed."""
        self._load()
        waiting = sorted({row.batch_id for row in read_quarantine(self.house)})
        if place is not None and not waiting:
            return 0
        batch_id = None if place is None else waiting[place % len(waiting)]
        report = replay_quarantine(self.house, lambda: LATER, batch_id=batch_id, bands={})
        return sum(len(batch.landed_nos) for batch in report.batches)

    def read(self) -> list[dict[str, Any]]:
        """The canonical table, without the batches that its rows came from."""
        with self.house.view() as view:
            rows = view.table(self.table).drop("batch_id").to_pyarrow().to_pylist()
        return sorted(rows, key=str)

    def _load(self) -> Any:
        values = zip(CODES[: self.known_count], VALUES[self.table], strict=False)
        mapped = RESOURCES[self.table] % ", ".join(f"{code}: {value}" for code, value in values)
        file = self._config / "platforms" / "p.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(
            f"platform: p\ntitle: P\n{CARD}\nconnection: {{kind: rest, base_url: 'http://p', auth: {{kind: none}}}}\n"
            f"resources:\n  list:\n    table: {self.table}\n    request: {{path: /}}{mapped}",
            encoding="utf-8",
        )
        return load_source(file, {}.get)

    def _read_rules(self) -> Any:
        return load_rules(self._config / "quality")[self.table]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two registered communities, to be copied."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "config").mkdir()
    (folder / "config" / "quality").symlink_to(CONFIG / "quality")
    with open_house(load_settings(folder / "home", folder / "config", lambda _: None)) as house:
        land_rows(house, "communities", [{"community_code": code} for code in COMMUNITIES])
    return folder


@pytest.fixture
def trust_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second judge is tested elsewhere, and slow."""
    monkeypatch.setattr("flows.ingest.judging.judge.confirm_breaches", lambda *_: None)


@pytest.mark.parametrize("table", RESOURCES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_after_replays_the_lake_is_as_if_the_mapping_had_been_right_from_the_start(
    template: Path, tmp_path_factory: pytest.TempPathFactory, trust_masks: None, table: str, steps: list[Step]
) -> None:
    folder = tmp_path_factory.mktemp("example")
    for name in ("mended", "right"):
        shutil.copytree(template / "home", folder / name)
    mended = Installation(folder / "mended", template / "config", table, 1)
    right = Installation(folder / "right", template / "config", table, len(CODES))
    with mended.house, right.house:
        for step in steps:
            if isinstance(step, Pulled):
                mended.pull(step.records)
                right.pull(step.records)
            elif isinstance(step, Replayed):
                mended.replay(step.place)
            else:
                mended.known_count = min(len(CODES), mended.known_count + 1)
        mended.known_count = len(CODES)
        mended.replay(None)
        assert mended.read() == right.read()
        assert mended.replay(None) == 0
        assert list(list_rejected(mended.house, Filter())) == []
    shutil.rmtree(folder)
