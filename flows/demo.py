"""The demo: a sandbox city's month from the first pull to the delivered messages.

The month before is judged, approved and published first, so that the register holds grades and stars can be compared.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from flows.cycle import assess_month, deliver, publish_month, run_month
from flows.errors import FivestarError
from flows.house import Clock, House, Progress, open_house
from flows.ingest.ingestion import ingest_sources, month_window, read_sources
from flows.month import Month
from flows.review.decisions import decide, list_review
from flows.sandbox.city import HISTORY_MONTHS, Sandbox, build_sandbox
from flows.settings import Settings, load_settings, set_environment

APPROVER = "沙盘审核人"
APPROVED_KINDS = frozenset({"raise", "initial"})

RunMonth = Callable[[House, Month], None]


def run_demo(
    settings: Settings,
    *,
    scale: str,
    month: Month,
    clock: Clock,
    progress: Progress,
    run: RunMonth | None = None,
    faults: bool = False,
) -> Sandbox:
    """The sandbox city whose month has run under `settings.home`, its messages delivered to files.

    `run` runs the month itself, by default `run_month`; with `faults` the platforms fail now and then, as real ones
    do. Raises the error of the first source that failed.
    """
    folder = settings.home / "sandbox"
    progress("building the sandbox city", 0)
    sandbox = build_sandbox(folder, scale=scale, month=month, progress=lambda text: progress(text, 0))
    sandbox.write_config(settings.config, folder / "config")
    sandbox.start(faults=faults)
    with sandbox, open_house(load_settings(settings.home, folder / "config", sandbox.environment.get)) as house:
        _run_earlier_months(house, sandbox, clock, progress)
        if run is None:
            _raise_first(run_month(house, month, clock, progress=progress).failures)
        else:
            set_environment(sandbox.environment)
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
        ("delivered messages", home / "outbox" / str(month)),
        ("stories planted in this city", home / "sandbox" / "stories.md"),
        ("the configuration that ran", home / "sandbox" / "config"),
    ]


def _run_earlier_months(house: House, sandbox: Sandbox, clock: Clock, progress: Progress) -> None:
    sources = read_sources(house)
    for months_back in range(HISTORY_MONTHS[sandbox.scale], 0, -1):
        month = sandbox.month.plus(-months_back)
        reports = ingest_sources(house, sources, month_window(house, month), clock, month=month, progress=progress)
        _raise_first([report.error for report in reports if report.error is not None])
    before = sandbox.month.plus(-1)
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
