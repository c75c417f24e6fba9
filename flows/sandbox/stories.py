"""What is planted in the sandbox city, and where to look it up."""

from dataclasses import dataclass

from flows.sandbox.casting import write_parts
from flows.sandbox.places import Places
from flows.sandbox.quality import Cast
from flows.sandbox.timeline import Calendar


@dataclass(frozen=True)
class Story:
    """One planted story: whom it is about (`subject` is a community code or a staff id) and what must come out."""

    key: str
    title: str
    kind: str
    subject: str
    month: str
    look_at: str
    expected: str


def tell_stories(places: Places, cast: Cast, played: dict[str, str], calendar: Calendar) -> list[Story]:
    """Every planted story: communities first, then workers."""
    month, before = str(calendar.month), str(calendar.month.plus(-1))
    first, second = (places.communities[c] for c in cast.tied)
    telling = (
        (
            "veto_weak_branch",
            "支部软弱涣散，五星一票否决",
            cast.weak_branch,
            "stars.csv",
            "五颗星 vetoed: weak_branch",
        ),
        ("veto_incident", "发生三零事件，平安法治否决", cast.incident, "stars.csv", "safety vetoed: incident"),
        (
            "missing_data",
            "缺支部月报，支部过硬无法评定",
            cast.missing_sheet,
            "stars.csv",
            "branch insufficient_data: weight_share; 不排名",
        ),
        (
            "false_closures",
            "三次虚假办结，共建共享暂不点亮",
            cast.false_closures,
            "stars.csv",
            "co_building withheld: false_closures",
        ),
        (
            "lost_star",
            f"较 {before} 少一颗星（幸福和谐）",
            cast.lost_star,
            "ratings.csv",
            f"{before} 四星, {month} 三星, wellbeing unlit",
        ),
        ("tied_first", f"与{second.name}并列区内第一", cast.tied[0], "ratings.csv", "五星, 100.00, rank 1"),
        ("tied_second", f"与{first.name}并列区内第一", cast.tied[1], "ratings.csv", "五星, 100.00, rank 1"),
        (
            "withdrawn_incident",
            "三零事件已撤销，不否决",
            cast.withdrawn_incident,
            "stars.csv",
            "safety lit, 无 incident",
        ),
    )
    stories = [
        Story(key, title, "community", places.communities[c].code, month, look_at, expected)
        for key, title, c, look_at, expected in telling
    ]
    staff = [
        Story(part.key, part.title, "staff", played[part.key], month, "grades.csv", part.expected)
        for part in write_parts(calendar)
    ]
    return stories + staff


def write_story_page(stories: list[Story], calendar: Calendar) -> str:
    """The stories as a Markdown page in Chinese."""
    lines = [
        f"# 演示城市 {calendar.month} 的预设案例",
        "",
        f"人员与事项均为虚构。先评 {calendar.month.plus(-1)}，批准其首次定级与晋级并发布，再评 {calendar.month}。",
        "",
        "| 案例 | 说明 | 对象 | 看哪里 | 应得结果 |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [f"| {s.key} | {s.title} | {s.subject} | {s.look_at} | {s.expected} |" for s in stories]
    return "\n".join(lines) + "\n"
