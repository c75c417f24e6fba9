"""The demo: a sandbox city's month from the first pull to the delivered messages.

The month before is judged, approved and published first, so that the register holds grades and stars can be compared.
"""

import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from flows.cycle import assess_month, deliver, publish_month, run_month
from flows.errors import FivestarError, UsageError
from flows.house import Clock, House, Progress, open_house
from flows.ingest.datadocs.site import DATA_DOCS, INDEX, find_data_docs
from flows.ingest.ingestion import ingest_sources, month_window, read_sources
from flows.month import Month
from flows.review.decisions import decide
from flows.review.rows import list_review
from flows.sandbox.city import HISTORY_MONTHS, MANIFEST, Sandbox, build_sandbox
from flows.sandbox.faults import check_faults
from flows.settings import CITY, LEDGER, Settings, load_settings, set_environment

APPROVER = "沙盘审核人"
APPROVED_KINDS = frozenset({"raise", "initial"})

STATE = (LEDGER, f"{LEDGER}-wal", f"{LEDGER}-shm", "lake", "outputs", DATA_DOCS, "outbox", "scratch", "locks")
"""What a demo leaves in its home beside the city itself."""

RunMonth = Callable[[House, Month], None]


def run_demo(
    settings: Settings,
    *,
    scale: str,
    month: Month,
    clock: Clock,
    progress: Progress,
    run: RunMonth | None = None,
    faults: Collection[str] = (),
) -> Sandbox:
    """The sandbox city whose month has run under `settings.home`, its messages delivered to files.

    `run` runs the month itself, by default `run_month`; the platforms have the `faults` of those names. A home that
    holds another sandbox city starts afresh. Raises `UsageError` for a home that isn't a demo's or a fault that
    there is not, and the error of the first source that failed.
    """
    check_faults(faults)
    _refuse_real_home(settings.home)
    folder = settings.home / "sandbox"
    progress("building the sandbox city", 0)
    sandbox = build_sandbox(folder, scale=scale, month=month, progress=lambda text: progress(text, 0))
    _start_afresh(settings.home, (folder / MANIFEST).read_bytes())
    sandbox.write_config(settings.config, folder / "config", faults)
    sandbox.start(faults)
    with sandbox, open_house(_make_settings(settings, folder / "config", sandbox)) as house:
        _run_earlier_months(house, sandbox, clock, progress)
        if run is None:
            _raise_first(run_month(house, month, clock, progress=progress).failures)
        else:
            own = {"FIVESTAR_DATABASE_URL": house.settings.database_url, "FIVESTAR_LAKE_URL": ""}
            set_environment({**sandbox.environment, **own})
            run(house, month)
        deliver(house, clock, mode="live", progress=progress)
    return sandbox


def list_demo_outputs(home: Path, month: Month) -> list[tuple[str, Path]]:
    """What a demo leaves, the one to open first first: a few words and where it lies."""
    outputs = home / "outputs" / str(month)
    return [
        ("open this first: the month in pictures", outputs / "report.html"),
        ("HR's workbook", outputs / "hr-review.xlsx"),
        ("stars by community", outputs / "stars.csv"),
        ("ratings and ranks", outputs / "ratings.csv"),
        ("what each star was judged from", outputs / "indicators.csv"),
        ("grade proposals", outputs / "grades.csv"),
        ("pay at the current and the proposed grade", outputs / "pay.csv"),
        ("work funds", outputs / "awards.csv"),
        ("what the month was judged from", outputs / "run.json"),
        ("what validation found (Data Docs)", find_data_docs(home, month) / INDEX),
        ("delivered messages", home / "outbox" / str(month)),
        ("stories planted in this city", home / "sandbox" / "stories.md"),
        ("the configuration that ran", home / "sandbox" / "config"),
    ]


def _refuse_real_home(home: Path) -> None:
    """Raise `UsageError` if the home holds an installation's state that no demo made: the two must not mix."""
    if (home / "lake").exists() and not (home / CITY).exists():
        raise UsageError(
            f"{home} holds an installation's data, and the demo would mix an invented city into it. "
            "Name another folder with --home."
        )


def _start_afresh(home: Path, city: bytes) -> None:
    """Remove what a demo of another city left in the home, and note whose state it holds from now on."""
    mark = home / CITY
    if mark.exists() and mark.read_bytes() != city:
        for name in STATE:
            path = home / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    mark.write_bytes(city)


def _make_settings(settings: Settings, config: Path, sandbox: Sandbox) -> Settings:
    """The sandbox's settings; its ledger and lake are always its own, whatever the environment names."""
    made = load_settings(settings.home, config, sandbox.environment.get)
    return replace(made, database_url=f"sqlite:///{made.home / LEDGER}", lake_url=None)


def _run_earlier_months(house: House, sandbox: Sandbox, clock: Clock, progress: Progress) -> None:
    sources = read_sources(house)
    for months_back in range(HISTORY_MONTHS[sandbox.scale], 0, -1):
        month = sandbox.month.plus(-months_back)
        reports = ingest_sources(house, sources, month_window(house, month), clock, month=month, progress=progress)
        _raise_first([report.error for report in reports if report.error is not None])
    before = sandbox.month.plus(-1)
    if house.ledger.results.find_latest(str(before)) is None:
        # Judged once: after the later month has landed, its input would be another one, and so its revision.
        assess_month(house, before, clock, progress=progress)
    chosen = [
        row.proposal.staff_id
        for row in list_review(house.ledger, before)
        if row.awaits_decision and row.proposal.kind in APPROVED_KINDS
    ]
    decide(
        house.ledger,
        before,
        "approved",
        reviewer=APPROVER,
        staff_ids=chosen,
        comment="沙盘演示",
        decided_at=before.ends_at,
    )
    publish_month(house, before, clock)


def _raise_first(failures: Sequence[FivestarError]) -> None:
    if failures:
        raise failures[0]
