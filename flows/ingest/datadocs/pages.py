"""The pages of the Data Docs: what Great Expectations' site builder is told to render and show its objects with.

Each renderer turns one of its objects into a page's contents, and `Page` turns those into HTML that needs no script,
no font and no network. The builder makes them by name (its documented keys `renderer` and `view`), so nothing here
imports it.
"""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from flows.exact import format_decimal
from flows.ingest.coverage import BEGINNING, STOPPED
from flows.ingest.datadocs.explanations import CONSEQUENCES, SEVERITY_WORDS
from flows.ingest.datadocs.judgements import ResourceJudgement
from flows.ingest.judging.quality import SEVERITIES
from flows.ledger import PullRecord
from flows.wording import PLATFORMS, TABLES, describe_column, describe_quality_reason, format_instant

TEMPLATES = Path(__file__).parent / "templates"
REASONS_SHOWN = 3
PULLS_SHOWN = 40
"""Pulls listed on a page; those of a month of hourly ones would bury the rest."""

SOURCE_STATUSES = {"complete": "完整", "partial": "部分到位", "missing": "未到位"}
PULL_STATUSES = {"complete": "完整", "partial": "部分到位", "refused": "整批拒收", "broken": "不符合约定"}
OUTCOMES = {"bad": "不符合", "good": "符合", "none": "未检查"}

Contents = dict[str, Any]


class Page:
    """A view: a page's contents as HTML."""

    def __init__(self) -> None:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 -- only drawing needs it

        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )

    def render(self, contents: Mapping[str, Any], **_: object) -> str:
        severities = [(word, severity, CONSEQUENCES[severity]) for severity, word in SEVERITY_WORDS.items()]
        return self._templates.get_template(f"{contents['page']}.html.j2").render(contents, severities=severities)


class IndexPage:
    """A renderer: the site's first page. `facts` are its own; the builder's links say where the other pages are."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._facts = facts

    def render(self, links: Mapping[str, Any]) -> Contents:
        results = {link["batch_identifier"]: link["filepath"] for link in links.get("validations_links", ())}
        suites = {link["expectation_suite_name"]: link["filepath"] for link in links.get("expectations_links", ())}
        return {
            "page": "index",
            "home": "",
            "title": f"数据质量文档（Data Docs）· {self._facts['month_title']}",
            "sources": [
                {**it, "title": title_platform(it["platform"]), "words": SOURCE_STATUSES[it["status"]]}
                for it in self._facts["sources"]
            ],
            "resources": [
                {
                    **it,
                    "href": results[it["batch"]],
                    "share": write_share(it["rejected_count"], it["received_count"]),
                    "reasons": _describe_reasons(it)[:REASONS_SHOWN],
                }
                for it in self._facts["resources"]
            ],
            "suites": [{**it, "href": suites[it["name"]]} for it in self._facts["suites"]],
        }


class SuitePage:
    """A renderer: an expectation suite as the rules of one table of one platform."""

    def render(self, suite: Any) -> Contents:
        return {
            "page": "suite",
            "home": "../" * (suite.name.count(".") + 1),
            "title": f"校验规则：{suite.meta['platform_title']} · {title_table(suite.meta['table'])}",
            "table": suite.meta["table"],
            "rules": [_describe_expectation(expectation.configuration) for expectation in suite.expectations],
        }


class ResultPage:
    """A renderer: a validation result as what one resource's records of the month were found to be."""

    def render(self, result: Any) -> Contents:
        about = result.meta
        home = "../" * (result.suite_name.count(".") + 4)
        rows = [_describe_result(one) for one in result.results]
        return {
            **about,
            "page": "result",
            "home": home,
            "title": f"校验结果：{about['platform_title']} · {about['table_title']} · {about['month_title']}",
            "suite_name": result.suite_name,
            "suite_href": f"{home}expectations/{result.suite_name.replace('.', '/')}.html",
            "share": write_share(about["rejected_count"], about["received_count"]),
            "broken": [row for row in rows if row["outcome"] == "bad"],
            "others": [row for row in rows if row["outcome"] != "bad"],
            "reasons": _describe_reasons(about),
            "pulls": about["pulls"][-PULLS_SHOWN:][::-1],
        }


def describe_judgement(judgement: ResourceJudgement) -> Contents:
    """What one resource's month was found to be, as plain values."""
    return {
        "platform": judgement.platform,
        "platform_title": title_platform(judgement.platform),
        "resource": judgement.resource,
        "table": judgement.table,
        "table_title": title_table(judgement.table),
        "conclusion": _conclude(judgement),
        "received_count": judgement.received_count,
        "landed_count": judgement.landed_count,
        "rejected_count": judgement.rejected_count,
        "reason_counts": list(judgement.reason_counts.items()),
        "warnings": judgement.warnings,
        "pull_count": len(judgement.pulls),
        "pulls": [_describe_pull(pull) for pull in judgement.pulls],
    }


def title_platform(platform: str) -> str:
    """What people call a source."""
    return PLATFORMS.get(platform, platform)


def title_table(table: str) -> str:
    """What people call a canonical table."""
    return TABLES.get(table, table)


def write_share(part: int, whole: int) -> str:
    """A share in percent with two decimals; a dash where there is nothing to share."""
    if not whole:
        return "—"
    text = format_decimal(Fraction(100 * part, whole), 2)
    return "<0.01%" if part and text == "0.00" else f"{text}%"


def _conclude(judgement: ResourceJudgement) -> tuple[str, str]:
    """How grave what was found is, and a word for it."""
    latest = judgement.pulls[-1]
    if latest.status in STOPPED:
        return "stop", PULL_STATUSES[latest.status]
    if judgement.rejected_count:
        return "reject", "有行被隔离"
    if judgement.warnings or any(verdict.breach_count for verdict in judgement.verdicts.values()):
        return "warn", "有提示"
    return "good", "全部通过"


def _describe_pull(pull: PullRecord) -> Contents:
    starts_at = format_instant(pull.window_from_at) if pull.window_from_at.year > BEGINNING.year else "全部"
    return {
        "id": pull.id,
        "window": f"{starts_at} 至 {format_instant(pull.window_to_at)}",
        "words": PULL_STATUSES[pull.status],
        "received_count": pull.received_count,
        "landed_count": pull.landed_count,
        "rejected_count": pull.rejected_count,
        "message": pull.message,
    }


def _describe_reasons(about: Mapping[str, Any]) -> list[tuple[str, str, int, str]]:
    """Each reason in words and as a code, how many rows it rejected, and their share of those received."""
    return [
        (describe_quality_reason(reason), reason, count, write_share(count, about["received_count"]))
        for reason, count in about["reason_counts"]
    ]


def _describe_expectation(configuration: Any) -> Contents:
    severity = next(ours for ours, theirs in SEVERITIES.items() if theirs == configuration.severity.value)
    column = configuration.meta.get("column", "")
    return {
        "severity": severity,
        "word": SEVERITY_WORDS[severity],
        "rule": configuration.meta["rule"],
        "title": configuration.meta["title"],
        "column": column,
        "column_title": describe_column(column) if column else "整次取数",
        "description": configuration.description,
        "notes": configuration.notes,
        "type": configuration.type,
    }


def _describe_result(one: Any) -> Contents:
    found, meta = one.result, one.expectation_config.meta
    outcome = "none" if one.success is None else "good" if one.success else "bad"
    judged_count, breach_count = found.get("element_count", 0), found.get("unexpected_count", 0)
    return {
        **_describe_expectation(one.expectation_config),
        "outcome": outcome,
        "outcome_words": OUTCOMES[outcome],
        "judged_count": judged_count,
        "breach_count": breach_count,
        "share": write_share(breach_count, judged_count),
        "counted": "次" if meta.get("counts_pulls") else "行",
        "measure": meta.get("measure", ""),
        "limit": meta.get("limit", ""),
        "unit": meta.get("unit", ""),
        "platforms": [
            (title_platform(platform), judged, at_fault, write_share(at_fault, judged))
            for platform, (judged, at_fault) in meta.get("platforms", {}).items()
        ],
    }
