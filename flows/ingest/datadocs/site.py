"""Great Expectations' Data Docs of a month: a static site in Chinese that can be read on a network of its own.

The second place that knows `great_expectations`, beside `judging/quality.py`: that one lets it judge rows as they
come, this one lets its site builder show, from the ledger's counts alone, what was found. The builder's own pages ask
five hosts for styles and scripts, draw their first table by script, and bear random ids; so it is given renderers and
views of ours (`docpages.py`) by its documented keys, and keeps what it is good for: suites, validation results, and
the site that links them.
"""

import fcntl
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.house import House
from flows.ingest.datadocs.explanations import (
    CONSEQUENCES,
    SEVERITY_WORDS,
    explain_check,
    explain_cross_rule,
    explain_pull_rule,
    write_measure_unit,
)
from flows.ingest.datadocs.judgements import ResourceJudgement, Verdict, collect_judgements
from flows.ingest.datadocs.pages import describe_judgement, title_platform, title_table
from flows.ingest.describe.row_rules import RowRule
from flows.ingest.describe.rules import CrossRule, PullRule, TableRules, load_rules
from flows.ingest.ingestion import month_window, read_sources
from flows.ingest.judging.gates import find_limit
from flows.ingest.judging.predicates import References, list_checks
from flows.ingest.judging.quality import SEVERITIES, build_expectation, build_limit, build_lookup
from flows.ingest.judging.references import read_bands
from flows.ingest.status import find_source_status
from flows.lake import STAGING, name_leftover, remove_leftovers
from flows.month import Month
from flows.wording import format_month

DATA_DOCS = "data-docs"
INDEX = "index.html"
PAGES = "flows.ingest.datadocs.pages"
EARLIER_RULE = "expect_rule_of_an_earlier_quality_file"
"""Stands for the expectation of a rule that judged a pull and is no longer in the quality file."""

Expectations = Mapping[str, Any]
"""The expectations of one suite by key, in the order of the quality file."""


def find_data_docs(home: Path, month: Month) -> Path:
    """The folder in which the month's site lies, once it is written."""
    return home / DATA_DOCS / str(month)


def write_data_docs(house: House, month: Month, folder: Path) -> Path:
    """The first page of the month's site, written whole into `folder` in place of what lay there.

    Equal ledgers and configurations give equal bytes. Raises `ConfigurationError` if rules, sources or policy are
    doubtful.
    """
    sources = read_sources(house)
    rules = load_rules(house.settings.config / "quality")
    judgements = collect_judgements(house, month)
    judged_at = max((pull.started_at for it in judgements for pull in it.pulls), default=None)
    bands = read_bands(house.settings.config, judged_at) if judged_at is not None else {}
    references = References(frozenset(), {}, judged_at or month.ends_at, bands)
    pairs = {(source.platform, table) for source in sources for table in source.tables}
    pairs |= {(it.platform, it.table) for it in judgements}
    suites = {
        pair: {it.meta["key"]: it for it in _list_expectations(rules[pair[1]], references)}
        for pair in sorted(pairs)
        if pair[1] in rules
    }
    statuses = find_source_status(house, sources, month, month_window(house, month)[1])
    facts = {
        "month_title": format_month(month),
        "sources": [{"platform": it.platform, "status": it.status, "evidence": it.evidence} for it in statuses],
        "resources": [{**describe_judgement(it), "batch": _name_batch(it)} for it in judgements],
        "suites": [_describe_suite(*pair, suite.values()) for pair, suite in suites.items()],
    }
    staging = folder.parent / STAGING
    staging.mkdir(parents=True, exist_ok=True)
    remove_leftovers(staging)
    aside = staging / name_leftover()
    try:
        _build_site(aside, suites, judgements, facts, month)
        _put_in_place(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder / INDEX


def _list_expectations(rules: TableRules, references: References) -> Iterator[Any]:
    """Every rule of the table as an expectation: its severity, what it asks for, and what follows if it is broken."""
    for check in list_checks(rules, references.bands):
        words = explain_check(check, references.bands)
        yield _word(build_expectation(check, references), check.rule, words, column=check.column.name)
    for rule in rules.pull_rules:
        limit = build_limit(rule.id, rule.id, rule.severity, float(find_limit(rule)))
        yield _word(limit, rule, explain_pull_rule(rule), unit=write_measure_unit(rule))
    for crossing in rules.cross_rules:
        lookup = build_lookup(f"{crossing.id}:{crossing.column}", crossing.column, crossing.severity)
        yield _word(lookup, crossing, explain_cross_rule(crossing), column=crossing.column)


def _word(expectation: Any, rule: RowRule | PullRule | CrossRule, words: str, **about: str) -> Any:
    expectation.description = words
    expectation.notes = CONSEQUENCES[rule.severity]
    expectation.meta = {**expectation.meta, "rule": rule.id, "title": rule.title, **about}
    return expectation


def _describe_suite(platform: str, table: str, expectations: Iterable[Any]) -> dict[str, Any]:
    severities = [expectation.configuration.severity.value for expectation in expectations]
    return {
        "name": _name_suite(platform, table),
        "platform": title_platform(platform),
        "table": title_table(table),
        "counts": [severities.count(SEVERITIES[severity]) for severity in SEVERITY_WORDS],
    }


def _name_suite(platform: str, table: str) -> str:
    """The suite of one table of one platform; the builder makes a folder of what stands before the dot."""
    return f"{table}.{_make_safe(platform)}"


def _name_batch(judgement: ResourceJudgement) -> str:
    return _make_safe(f"{judgement.platform}-{judgement.resource}")


def _make_safe(name: str) -> str:
    """The name without what a path, a link or a suite's name would read otherwise."""
    return re.sub(r"[^0-9A-Za-z_-]", lambda match: f"~{ord(match[0]):x}", name)


def _build_site(
    folder: Path,
    suites: Mapping[tuple[str, str], Expectations],
    judgements: Sequence[ResourceJudgement],
    facts: Mapping[str, Any],
    month: Month,
) -> None:
    """Let the builder write its site. Raises `RuntimeError` if it left out a page: by itself it only logs that."""
    import great_expectations as gx  # noqa: PLC0415 -- takes seconds
    from great_expectations.core.run_identifier import RunIdentifier  # noqa: PLC0415
    from great_expectations.data_context import EphemeralDataContext  # noqa: PLC0415
    from great_expectations.data_context.types.base import (  # noqa: PLC0415
        DataContextConfig,
        InMemoryStoreBackendDefaults,
    )
    from great_expectations.data_context.types.resource_identifiers import (  # noqa: PLC0415
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )
    from great_expectations.render.renderer.site_builder import SiteBuilder  # noqa: PLC0415

    stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    # Not by get_context, which would make it the one that rows are judged in.
    context = EphemeralDataContext(DataContextConfig(store_backend_defaults=stores, analytics_enabled=False))
    for (platform, table), expectations in suites.items():
        about = {"platform_title": title_platform(platform), "table": table}
        name = _name_suite(platform, table)
        context.suites.add(gx.ExpectationSuite(name=name, expectations=list(expectations.values()), meta=about))
    for judgement in judgements:
        name = _name_suite(judgement.platform, judgement.table)
        key = ValidationResultIdentifier(
            expectation_suite_identifier=ExpectationSuiteIdentifier(name),
            run_id=RunIdentifier(run_name=str(month), run_time=month.ends_at),
            batch_identifier=_name_batch(judgement),
        )
        expectations = suites.get((judgement.platform, judgement.table), {})
        context.validation_results_store.set(key, _build_result(judgement, expectations, name, month))
    view = {"module_name": PAGES, "class_name": "Page"}
    SiteBuilder(
        context,
        store_backend={"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
        show_how_to_buttons=False,
        site_index_builder={
            "class_name": "DefaultSiteIndexBuilder",
            "renderer": {"module_name": PAGES, "class_name": "IndexPage", "facts": facts},
            "view": view,
        },
        site_section_builders={
            "expectations": {"renderer": {"module_name": PAGES, "class_name": "SuitePage"}, "view": view},
            "validations": {"renderer": {"module_name": PAGES, "class_name": "ResultPage"}, "view": view},
            "profiling": "None",
        },
    ).build()
    shutil.rmtree(folder / "static")  # the fonts and logos of its own pages
    page_count = sum(page.stat().st_size > 0 for page in folder.rglob("*.html"))
    wanted_count = len(suites) + len(judgements) + 1
    if page_count != wanted_count:
        raise RuntimeError(
            f"Data Docs, {month}: {page_count} of {wanted_count} pages could be made; the log says why"
        )


def _build_result(judgement: ResourceJudgement, expectations: Expectations, suite_name: str, month: Month) -> Any:
    """What was found in one resource's month as a validation result: counts, never a value."""
    from great_expectations.core import ExpectationSuiteValidationResult  # noqa: PLC0415 -- imported already by then
    from great_expectations.expectations.expectation_configuration import (  # noqa: PLC0415
        ExpectationConfiguration,
    )

    results = [
        _build_one(expectation.configuration, judgement.verdicts.get(key))
        for key, expectation in expectations.items()
    ]
    for key, verdict in judgement.verdicts.items():
        if key not in expectations:
            about = {"key": key, "rule": verdict.rule, "title": verdict.title, "column": verdict.column}
            earlier = ExpectationConfiguration(
                EARLIER_RULE, kwargs={}, meta=about, severity=SEVERITIES[verdict.severity]
            )
            earlier.description = "规则文件里已没有这条规则。"
            results.append(_build_one(earlier, verdict))
    judged = [result for result in results if result.success is not None]
    success_count = sum(result.success for result in judged)
    return ExpectationSuiteValidationResult(
        success=success_count == len(judged),
        results=results,
        suite_name=suite_name,
        statistics={
            "evaluated_expectations": len(judged),
            "successful_expectations": success_count,
            "unsuccessful_expectations": len(judged) - success_count,
            "success_percent": 100 * success_count / len(judged) if judged else None,
        },
        meta={
            **describe_judgement(judgement),
            "month_title": format_month(month),
            "run_id": {"run_name": str(month), "run_time": month.ends_at.isoformat()},
        },
    )


def _build_one(configuration: Any, verdict: Verdict | None) -> Any:
    """One rule's result; without a success where nothing was judged by it."""
    from great_expectations.core import ExpectationValidationResult  # noqa: PLC0415 -- imported already by then

    if verdict is None or not verdict.judged_count:
        return ExpectationValidationResult(success=None, expectation_config=configuration, result={})
    configuration.meta = {
        **configuration.meta,
        "counts_pulls": bool(verdict.limit),
        "measure": verdict.measure,
        "limit": verdict.limit,
        "platforms": {platform: list(counts) for platform, counts in verdict.platforms.items()},
    }
    result = {
        "element_count": verdict.judged_count,
        "unexpected_count": verdict.breach_count,
        "unexpected_percent": 100 * verdict.breach_count / verdict.judged_count,
    }
    return ExpectationValidationResult(
        success=not verdict.breach_count, expectation_config=configuration, result=result
    )


def _put_in_place(aside: Path, folder: Path) -> None:
    """Let `aside` be the folder; what lay there goes. A kill between the two renames leaves neither, never a half."""
    old = aside.with_name(f"{aside.name}.old")
    with (folder.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs may write one month at the same time
        if folder.exists():
            folder.rename(old)
        aside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
