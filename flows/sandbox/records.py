"""How each platform writes an event: its own field names, code values and times. One function a platform."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from flows.sandbox.arrays import Array
from flows.sandbox.events import EventTable
from flows.sandbox.feeds import Columns, TimeWriter, name_values
from flows.sandbox.places import Places
from flows.sandbox.timeline import Calendar, number_day

TITLES = {
    "other": "其他事项",
    "dispute": "矛盾纠纷",
    "hazard_general": "一般安全隐患",
    "hazard_major": "重大安全隐患",
    "city_case": "城管案件",
    "market_case": "市场监管案件",
    "market_hazard_general": "市场一般隐患",
    "market_hazard_major": "市场重大隐患",
    "service": "民生诉求",
    "wish": "微心愿",
    "employment": "就业服务",
}
"""Categories as the platforms call them, in the order of `categories.CATEGORIES`; then the value nobody knows."""

CATEGORY_VALUES: list[object] = [*TITLES.values(), "待认领"]
DEPARTMENTS: list[object] = ["公安局", "司法局", "应急管理局", "城市管理局", "市场监督管理局", "民政局", None]
YES_NO: list[object] = ["否", "是", None]
ID_PREFIXES = {"comprehensive_governance": "ZZ", "law_enforcement": "ZF", "public_service": "BM"}


@dataclass(frozen=True)
class Names:
    """Code tables of the city, and the time writers a platform may use."""

    communities: list[object]
    grid_starts: Array
    grids: Array
    months: list[str]
    local: TimeWriter
    offset: TimeWriter
    utc: TimeWriter

    def write_grids(self, communities: Array, grids: Array) -> list[object]:
        """Grid codes; null where an event has none."""
        codes = self.grids[self.grid_starts[communities] + np.maximum(grids, 0)]
        codes[grids < 0] = None
        written: list[object] = codes.tolist()
        return written


def collect_names(places: Places, calendar: Calendar) -> Names:
    """The code tables for a city; after the real communities come an unknown, a cut-off and a missing code."""
    codes: list[object] = [place.code for place in places.communities]
    grids = [places.name_grid(c, g) for c in range(places.count) for g in range(int(places.grid_counts[c]))]
    first = number_day(calendar.months[0].plus(-1).first_on)
    span = number_day(calendar.month.plus(5).last_on) - first
    return Names(
        communities=[*codes, "410299999001", str(codes[0])[:11], None],
        grid_starts=np.cumsum(places.grid_counts) - places.grid_counts,
        grids=np.array(grids, dtype=object),
        months=[str(month).replace("-", "") for month in calendar.months],
        local=TimeWriter(first, span, separator=" ", suffix=""),
        offset=TimeWriter(first, span, separator="T", suffix="+08:00"),
        utc=TimeWriter(first, span, separator="T", suffix="Z", hours=0),
    )


def write_event_ids(platform: str, names: Names, months: Array, sequences: Array) -> list[object]:
    """Ids of events: platform, month of report, number."""
    heads = [ID_PREFIXES[platform] + month for month in names.months]
    return [f"{heads[m]}{s:07d}" for m, s in zip(months.tolist(), sequences.tolist(), strict=True)]


def render_governance(events: EventTable, names: Names) -> Columns:
    """综合治理: flat, local time with its offset, yes and no in Chinese."""
    time = names.offset.write
    return {
        "eventId": write_event_ids("comprehensive_governance", names, events["month"], events["sequence"]),
        "communityCode": name_values(names.communities, events["community"]),
        "gridCode": names.write_grids(events["grid_community"], events["grid"]),
        "deptName": name_values(DEPARTMENTS, events["department"]),
        "eventType": name_values(CATEGORY_VALUES, events["category"]),
        "eventLevel": name_values([None, "网格级", "社区级", "街道级", "区县级"], events["tier"]),
        "isUrgent": name_values(YES_NO, events["urgent"].astype(np.int8)),
        "reportTime": time(events["reported"]),
        "acceptTime": time(events["responded"]),
        "limitTime": time(events["due"]),
        "delayTime": time(events["extended"]),
        "finishTime": time(events["closed"]),
        "eventState": name_values(["办理中", "已办结", "已作废"], events["status"]),
        "forceFinish": name_values(YES_NO, events["forced"].astype(np.int8)),
        "returnTimes": events["reopened"].tolist(),
        "updateTime": time(events["updated"]),
    }


def render_law(events: EventTable, names: Names) -> Columns:
    """执法监管: nested, abbreviated pinyin, local time without offset."""
    time = names.local.write
    return {
        "ajbh": write_event_ids("law_enforcement", names, events["month"], events["sequence"]),
        "ajlx": name_values(CATEGORY_VALUES, events["category"]),
        "cbbm": name_values(DEPARTMENTS, events["department"]),
        "dz.sqdm": name_values(names.communities, events["community"]),
        "dz.wgdm": names.write_grids(events["grid_community"], events["grid"]),
        "lc.cj": name_values([None, "一级", "二级", "三级", "四级"], events["tier"]),
        "lc.jj": name_values(["普通", "紧急"], events["urgent"].astype(np.int8)),
        "lc.zt": name_values(["在办", "结案", "撤销"], events["status"]),
        "lc.qzja": name_values(["0", "1"], events["forced"].astype(np.int8)),
        "lc.fgcs": events["reopened"].tolist(),
        "sj.sbsj": time(events["reported"]),
        "sj.xysj": time(events["responded"]),
        "sj.jzsj": time(events["due"]),
        "sj.yqsj": time(events["extended"]),
        "sj.jasj": time(events["closed"]),
        "sj.gxsj": time(events["updated"]),
    }


def render_service(events: EventTable, names: Names) -> Columns:
    """便民服务: English names, UTC times, the citizen's answer in Chinese; a tier written as a number."""
    time = names.utc.write
    return {
        "id": write_event_ids("public_service", names, events["month"], events["sequence"]),
        "type": name_values(CATEGORY_VALUES, events["category"]),
        "level": events["tier"].tolist(),
        "urgent": events["urgent"].tolist(),
        "place.community": name_values(names.communities, events["community"]),
        "place.grid": names.write_grids(events["grid_community"], events["grid"]),
        "handler": name_values(DEPARTMENTS, events["department"]),
        "createTime": time(events["reported"]),
        "dueTime": time(events["due"]),
        "extendedTo": time(events["extended"]),
        "closeTime": time(events["closed"]),
        "status": name_values(["处理中", "已完成", "已取消"], events["status"]),
        "forced": events["forced"].tolist(),
        "reopenCount": events["reopened"].tolist(),
        "feedback.respondedAt": time(events["responded"]),
        "feedback.solved": name_values(["未解决", "已解决", None], events["solved"]),
        "feedback.satisfaction": name_values(
            ["满意", "基本满意", "不满意", "未联系上", None], events["satisfaction"]
        ),
        "updateTime": time(events["updated"]),
        "channel": ["热线"] * len(events),
    }


RENDERERS: dict[str, Callable[[EventTable, Names], Columns]] = {
    "comprehensive_governance": render_governance,
    "law_enforcement": render_law,
    "public_service": render_service,
}
