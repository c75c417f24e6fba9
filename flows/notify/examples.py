"""Invented contents for previews of messages that no real data stands behind."""

from collections.abc import Mapping
from dataclasses import fields
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from flows.notify.contents import LABEL

SAMPLES: Mapping[str, Any] = {
    "label": LABEL,
    "month": "2024年3月",
    "day": "2024年4月3日",
    "effective_on": "2024年4月1日",
    "opened_on": "2024年4月3日",
    "told_on": "2024年4月3日",
    "district_name": "示例区",
    "street_name": "示例街道",
    "community_name": "示例社区",
    "unit_name": "示例区示例街道示例社区",
    "unit_code": "410299001001",
    "role_title": "书记",
    "state": "亮星",
    "last_state": "未亮",
    "mark": "★",
    "score": "92.00",
    "total_score": "88.50",
    "rank": 2,
    "reasons": ("得分未达亮星线",),
    "star_titles": ("平安法治",),
    "platform": "example",
    "evidence": "last pull failed",
    "subject": "2024年3月星级卡：示例社区",
    "headline": "亮星：4 颗 → 3 颗，共 2 处变动",
    "changes": ("亮星：4 颗 → 3 颗", "平安法治：亮星 → 否决，原因 无 → 当月发生经核实的“三零”事件"),
    "earlier_revision": 1,
    "revision": 2,
    "workbook_name": "hr-review.xlsx",
}
"""What a field of that name holds in an example; others get a text, a number or two rows."""

TEXT = "示例"
COUNT = 2


def invent_content(content: type[Any]) -> Any:
    """A content of the class with invented values in every field."""
    hints = get_type_hints(content)
    return content(**{it.name: SAMPLES.get(it.name, _invent(hints[it.name])) for it in fields(content)})


def _invent(hint: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        return _invent(get_args(hint)[0])
    if get_origin(hint) is tuple:
        return tuple(_invent(get_args(hint)[0]) for _ in range(COUNT))
    if hasattr(hint, "__dataclass_fields__"):
        return invent_content(hint)
    return {str: TEXT, int: COUNT, bool: True}[hint]
