"""The templates' Markdown as each robot shows it: within its subset, tables as lines, nothing of the data a mark."""

import re

import pytest

from flows.markdown import Span, parse_line
from flows.notify.channels.dialects import DINGTALK, FEISHU, PLAIN, WECOM, Dialect, render_lines
from flows.notify.messages import list_month_contents

BODY = """> 月度监测结果（暂定）。年度称号另行评定。

## 有星被否决的社区

鼓楼区**州桥社区**，第 **3** 名。

- 甲：**12**条
- 乙

| 星 | 结果 | 得分 | 原因 |
| --- | --- | --- | --- |
| 平安之星 | ★ 亮星 | 92.50 |  |
| 民生之星 | 未亮 | 无 | 超期 3 件 |

| 类别 | 人数 |
| --- | --- |
| 晋级 | 12 |

审定表：`2024-03_a.xlsx`，见[控制台](https://example.org/a)。"""


def render(body: str, dialect: Dialect) -> str:
    return "\n".join(line.text for line in render_lines(body, dialect))


def test_wecom_gets_headings_quotes_bold_code_and_links_and_rows_as_lines() -> None:
    assert render(BODY, WECOM) == (
        "> 月度监测结果（暂定）。年度称号另行评定。\n"
        "\n"
        "### 有星被否决的社区\n"
        "\n"
        "鼓楼区**州桥社区**，第 **3** 名。\n"
        "\n"
        "· 甲：**12**条\n"
        "· 乙\n"
        "\n"
        "**平安之星** · 结果：★ 亮星 · 得分：92.50\n"
        "**民生之星** · 结果：未亮 · 得分：无 · 原因：超期 3 件\n"
        "\n"
        "**晋级**：12\n"
        "\n"
        "审定表：`2024-03_a.xlsx`，见[控制台](https://example.org/a)。"
    )


def test_dingtalk_gets_lists_and_two_spaces_where_a_line_must_end() -> None:
    assert render(BODY, DINGTALK) == (
        "> 月度监测结果（暂定）。年度称号另行评定。  \n"
        "\n"
        "#### 有星被否决的社区\n"
        "\n"
        "鼓楼区**州桥社区**，第 **3** 名。  \n"
        "\n"
        "- 甲：**12**条\n"
        "- 乙\n"
        "\n"
        "- **平安之星** · 结果：★ 亮星 · 得分：92.50\n"
        "- **民生之星** · 结果：未亮 · 得分：无 · 原因：超期 3 件\n"
        "\n"
        "- **晋级**：12\n"
        "\n"
        "审定表：2024-03＿a.xlsx，见[控制台](https://example.org/a)。  "
    )


def test_feishu_gets_bold_for_headings_and_grey_for_quotes() -> None:
    assert render(BODY, FEISHU) == (
        "<font color='grey'>月度监测结果（暂定）。年度称号另行评定。</font>\n"
        "\n"
        "**有星被否决的社区**\n"
        "\n"
        "鼓楼区**州桥社区**，第 **3** 名。\n"
        "\n"
        "- 甲：**12**条\n"
        "- 乙\n"
        "\n"
        "- **平安之星** · 结果：★ 亮星 · 得分：92.50\n"
        "- **民生之星** · 结果：未亮 · 得分：无 · 原因：超期 3 件\n"
        "\n"
        "- **晋级**：12\n"
        "\n"
        "审定表：2024-03＿a.xlsx，见[控制台](https://example.org/a)。"
    )


def test_plain_text_has_no_marks_and_tells_where_a_link_leads() -> None:
    text = render(BODY, PLAIN)
    assert "【有星被否决的社区】" in text
    assert "· 平安之星 · 结果：★ 亮星 · 得分：92.50\n" in text
    assert text.endswith("审定表：2024-03_a.xlsx，见控制台（https://example.org/a）。")
    assert "*" not in text


def test_a_figure_at_the_beginning_of_a_row_is_named() -> None:
    body = "| 名次 | 社区 | 总分 |\n| - | - | - |\n| 1 | 县街社区 | 66.99 |\n|  | 州桥社区 | 无 |"
    assert render(body, DINGTALK) == "- **名次 1** · 社区：县街社区 · 总分：66.99\n- 社区：州桥社区 · 总分：无"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("**（暂定）结果：**12", "（**暂定）结果**：12"),
        ("**★ 亮星**", "★ **亮星**"),
        ("**12.5%**的", "**12.5**%的"),
        ("**……**", "……"),
    ],
)
def test_punctuation_at_either_end_stays_outside_of_bold(body: str, shown: str) -> None:
    assert render(body, WECOM) == shown


@pytest.mark.parametrize("dialect", [WECOM, DINGTALK, FEISHU])
@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r"\*\*州桥\*\*", "＊＊州桥＊＊"),
        (r"\[点这里\](https://evil.example)", "［点这里］(https://evil.example)"),
        (r"\<at id=all>\</at>", "＜at id=all＞＜/at＞"),
        (r"\<@all>", "＜@all＞"),
        (r"\`x\` \_y\_ \~z\~ &lt;", "｀x｀ ＿y＿ ～z～ ＆lt;"),
        (r"\# 题", "＃ 题"),
        (r"\- 点", "－ 点"),
    ],
)
def test_what_the_data_holds_is_no_mark(dialect: Dialect, written: str, shown: str) -> None:
    assert render(written, dialect).rstrip() == shown


def test_plain_text_shows_the_data_as_it_is() -> None:
    assert render(r"\*州桥\* \<b> \# &", PLAIN) == "*州桥* <b> # &"


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        (r"`a\_b`", (Span("a_b", is_code=True),)),
        ("[甲](https://a.example/b)", (Span("甲", href="https://a.example/b"),)),
        ("[甲](javascript:x)", (Span("[甲](javascript:x)"),)),
        (r"\[甲](https://a.example)", (Span("[甲](https://a.example)"),)),
        ("`a", (Span("`a"),)),
    ],
)
def test_names_and_links_are_read(text: str, spans: tuple[Span, ...]) -> None:
    assert parse_line(text) == spans


MARKS = {
    # Everything that a line may begin with or hold, by what the provider says that it supports (docs/messages.md).
    "wecom": (WECOM, r"(?:(?:#{1,6} |> |· )?(?:\*\*[^*]+\*\*|`[^`]+`|\[[^\]]+\]\(https?:[^)]+\)|[^*`<>\[\]|~])*)"),
    "dingtalk": (DINGTALK, r"(?:(?:#{1,6} |> |- )?(?:\*\*[^*]+\*\*|\[[^\]]+\]\(https?:[^)]+\)|[^*`<>\[\]|~])*)"),
    "feishu": (
        FEISHU,
        r"(?:<font color='grey'>[^*`<>\[\]|~]*</font>|(?:- )?(?:\*\*[^*]+\*\*|[^*`<>\[\]|~#]|(?<!^)#)*)",
    ),
}


@pytest.mark.parametrize("robot", MARKS)
def test_every_shipped_message_stays_within_the_robots_subset(robot, make_result, save, ledger, config) -> None:
    dialect, allowed = MARKS[robot]
    result = save(make_result())
    contents = list_month_contents(ledger, result.month, result.policy_values)
    seen = set()
    for content in contents.contents:
        _, body = config.messages[content.message].render(content.content)
        for line in render_lines(body, dialect):
            assert re.fullmatch(allowed, line.text), line.text
        seen.add(content.message)
    assert seen >= {"star_card", "district_ranking", "hr_digest"}
