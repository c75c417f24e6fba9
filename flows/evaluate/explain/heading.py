"""What stands above every explanation: which result it explains, and by which policy and program that was made."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from flows.month import Month
from flows.policy import PolicyValue
from flows.wording import MONITORING, TAGS, describe_policy_figure, format_instant, format_month


@dataclass(frozen=True)
class Heading:
    """The revision explained. A month's result is provisional monitoring, and `label` says so."""

    month: Month
    revision: int
    created_at: datetime
    policy_fingerprint: str
    software_version: str
    code_fingerprint: str
    label: str = MONITORING


def write_heading(heading: Heading, subject: str) -> Iterator[str]:
    """The first lines of an explanation, in Chinese."""
    yield f"{heading.label}　{format_month(heading.month)}　{subject}"
    made = f"{format_instant(heading.created_at)} 形成，程序版本 {heading.software_version}"
    yield f"结果版次：第 {heading.revision} 版（{made}）"
    yield f"政策指纹：{heading.policy_fingerprint}"
    yield f"程序指纹：{heading.code_fingerprint or '该版未记录'}"


def write_policy(values: Iterable[PolicyValue]) -> Iterator[str]:
    """Each policy value used with its tag and reference; nothing tagged 系统假定 is the city's policy."""
    for value in values:
        yield f"  {value.path}　{value.title}：{describe_policy_figure(value)}"
        yield f"    〔{TAGS.get(value.tag, value.tag)}〕{value.reference}；{value.start_on} 起"
