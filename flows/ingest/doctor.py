"""Each source tried without landing anything: does it answer, can its records be read, what would be rejected."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from flows.errors import ConfigurationError, ContractBroken, FivestarError, SourceUnavailable
from flows.house import House
from flows.ingest.connect.rest import Timing
from flows.ingest.describe.grammar import list_placeholders
from flows.ingest.describe.rules import TableRules, load_rules
from flows.ingest.describe.source import FileResource, FilesSource, Resource, Source, list_resources, load_source
from flows.ingest.judging.predicates import References
from flows.ingest.judging.references import read_bands, read_known_types, read_references
from flows.ingest.rejected.reasons import explain_reason
from flows.ingest.samples import MaskedColumn, Sample, Standard, take_sample
from flows.settings import Lookup

Level = Literal["ok", "warn", "fail"]

SOURCES_AT_ONCE = 8
REASONS_SHOWN = 8
FILES_SHOWN = 5
SKEW_WARNED = timedelta(seconds=60)
SKEW_REFUSED = timedelta(seconds=300)


@dataclass(frozen=True)
class Finding:
    """One check's outcome: where, what was found, and what to do if it isn't well; `error` decides the exit code.

    `record` is the first record of a resource, masked.
    """

    level: Level
    area: str
    text: str
    advice: str = ""
    record: Sequence[MaskedColumn] = field(default=())
    error: FivestarError | None = None


def fail(area: str, error: FivestarError) -> Finding:
    """What an error says, which names the remedy itself; the source's name isn't said again."""
    text = str(error).removeprefix(f"{area.replace('/', ', ')}: ").removeprefix(f"{area.partition('/')[0]}: ")
    return Finding("fail", area, text, error=error)


def read_source_files(config: Path, lookup: Lookup) -> list[Source | ConfigurationError]:
    """Each platform file as a source, or what is wrong with it."""
    folder = config / "platforms"
    files = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    if not files:
        return [ConfigurationError(f"{folder}: holds no platform file. Add one, see docs/connecting.md.")]
    return [_load(file, lookup) for file in files]


def _load(file: Path, lookup: Lookup) -> Source | ConfigurationError:
    try:
        return load_source(file, lookup)
    except ConfigurationError as error:
        return error


def list_source_placeholders(source: Source) -> list[str]:
    """The names of every `${NAME}` that the source asks for."""
    parts = [source.connection, *source.resources.values()]
    return list(dict.fromkeys(name for part in parts for name in list_placeholders(part)))


class SourceDoctor:
    """Tries sources; without a `house`, for its ledger can't be used, nothing is compared with what has landed."""

    def __init__(self, config: Path, house: House | None, now: datetime, timing: Timing | None = None) -> None:
        self._config = config
        self._house = house
        self._now = now
        self._timing = timing or Timing()
        self._references = self._read_references()

    def examine_sources(self, sources: Sequence[Source]) -> Iterator[Finding]:
        """What was found of each source, all tried at once, told in their order."""
        with ThreadPoolExecutor(max_workers=SOURCES_AT_ONCE) as pool:
            for findings in pool.map(self.examine_source, sources):
                yield from findings

    def examine_source(self, source: Source) -> list[Finding]:
        """What was found of the source, resource by resource, and of its clock.

        After a source that stays away, or refuses us, its other resources aren't tried: they would fare no better.
        """
        findings: list[Finding] = []
        skews: list[timedelta] = []
        resources = list_resources(source)
        for place, (name, resource) in enumerate(resources, start=1):
            area = f"{source.platform}/{name}"
            try:
                standard = self._find_standard(source, name, resource)
                sample = take_sample(source, name, resource, standard, now=self._now, timing=self._timing)
            except ContractBroken as error:
                findings.append(fail(area, error))
                continue
            except FivestarError as error:
                findings.append(replace(fail(area, error), advice=_advise(source, error)))
                if left := [other for other, _ in resources[place:]]:
                    findings.append(
                        Finding("warn", source.platform, f"{', '.join(left)} not tried", "mend that first")
                    )
                break
            findings += self._describe(source, name, resource, standard.rules, sample)
            skews += [sample.clock_ahead] if sample.clock_ahead is not None else []
        return [*findings, *describe_clock(source.platform, skews)]

    def _read_references(self) -> References:
        try:
            bands = read_bands(self._config, self._now)
        except FivestarError:
            bands = {}
        if self._house is None:
            return References(frozenset(), {}, self._now, bands)
        return read_references(self._house, self._now, bands)

    def _find_standard(self, source: Source, name: str, resource: Resource) -> Standard:
        rules = load_rules(self._config / "quality", [resource.table])[resource.table]
        if self._house is None:
            return Standard(rules, self._references, {})
        known = read_known_types(self._house, source.platform, name, resource)
        newest_at = self._house.ledger.find_newest_at(source.platform, name, self._now)
        return Standard(rules, self._references, known, newest_at)

    def _describe(
        self, source: Source, name: str, resource: Resource, rules: TableRules, sample: Sample
    ) -> Iterator[Finding]:
        area = f"{source.platform}/{name}"
        if isinstance(source, FilesSource):
            yield from _describe_files(area, resource, sample)
        if sample.record_count:
            passing = sample.record_count - sample.rejected_count
            text = f"{sample.record_count:,} records on the first page{_write_origin(sample)}"
            text += "" if sample.error is not None else f", {passing:,} would pass"
            yield Finding("ok", area, text, record=sample.first)
        elif sample.asked:
            yield Finding("ok", area, f"answers, but has nothing of {sample.asked}")
        elif not isinstance(source, FilesSource):
            yield Finding("warn", area, "answers, but has no record", "ask its owner whether that can be")
        if sample.error is not None:
            yield fail(area, sample.error)
        for warning in sample.warnings:
            yield Finding("warn", area, warning.removeprefix(f"{source.platform}, {name}: "))
        yield from self._describe_reasons(source, name, resource, rules, sample)

    def _describe_reasons(
        self, source: Source, name: str, resource: Resource, rules: TableRules, sample: Sample
    ) -> Iterator[Finding]:
        def explain(reason: str) -> str:
            told = explain_reason(reason, platform=source.platform, resource=name, table=resource.table, rules=rules)
            return told.advice

        area = f"{source.platform}/{name}"
        for reason, count in _list_frequent(sample.reason_counts):
            yield Finding("warn", area, f"{count:,} of them would be rejected: {reason}", explain(reason))
        for reason, count in _list_frequent(sample.warned_counts):
            yield Finding("warn", area, f"{count:,} of them would be kept with a warning: {reason}", explain(reason))


def describe_clock(platform: str, skews: Sequence[timedelta]) -> list[Finding]:
    """How far the platform's clock is from ours, by the answer that was furthest off; nothing if none was dated."""
    if not skews:
        return []
    ahead = max(skews, key=abs)
    seconds = round(ahead.total_seconds())
    if abs(ahead) <= SKEW_WARNED:
        return [Finding("ok", "clock", f"{platform}: agrees with ours to {abs(seconds)} s")]
    side = "ahead of" if seconds > 0 else "behind"
    text = f"{platform}: {abs(seconds)} s {side} ours"
    advice = "set the clock that is wrong: windows, signatures and reports in the future depend on it"
    if abs(ahead) <= SKEW_REFUSED:
        return [Finding("warn", "clock", text, advice)]
    return [
        Finding("fail", "clock", text, advice, error=ConfigurationError(f"clock, {text}. {advice.capitalize()}."))
    ]


def _describe_files(area: str, resource: Resource, sample: Sample) -> Iterator[Finding]:
    pattern = resource.files if isinstance(resource, FileResource) else ""
    if sample.left:
        yield Finding("warn", area, f"left for the next pull: {'; '.join(sample.left)}", "wait until they are copied")
    if not sample.files:
        yield Finding("warn", area, f"no file matches {pattern}", "put it there, or correct files")
        return
    shown = ", ".join(sample.files[-FILES_SHOWN:])
    more = f" and {len(sample.files) - FILES_SHOWN} before" if len(sample.files) > FILES_SHOWN else ""
    yield Finding("ok", area, f"{len(sample.files)} files match {pattern}: {shown}{more}")
    if not sample.record_count:
        yield Finding("warn", area, f"{sample.files[-1]} has no row", "ask its owner for the file")


def _write_origin(sample: Sample) -> str:
    if sample.files:
        return f" of {sample.files[-1]}"
    return f" of {sample.asked}" if sample.asked else ""


def _advise(source: Source, error: FivestarError) -> str:
    """What to do beside what the error says."""
    if not isinstance(error, SourceUnavailable):
        return ""
    names = ", ".join(f"${{{name}}}" for name in list_placeholders(source.connection))
    return f"if it stays so, check {names or 'connection'}"


def _list_frequent(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:REASONS_SHOWN]
