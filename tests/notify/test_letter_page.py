"""The page of a mail: nothing from elsewhere, nothing of the data as markup, and tables for the width of a phone."""

import re
from html import unescape

from notify_city import make_message

from flows.ledger.outbox import Message
from flows.notify.channels.letter import write_page, write_text

REASON = "得分未达亮星线，虚假办结超过上限"  # 16 characters, over the 12 of a cell that stands beside others


def show(message: Message) -> str:
    return write_page(message.subject, message.body)


def write_table(columns: int, reason: str) -> str:
    names = " | ".join(f"栏{number}" for number in range(columns))
    cells = " | ".join(["值"] * (columns - 1))
    return show(make_message(f"| {names} |\n|{' - |' * columns}\n| {cells} | {reason} |"))


def test_the_data_is_shown_and_is_no_markup() -> None:
    page = show(make_message(r"\<script>1\</script> & “x”", subject='<b>"题"</b>'))
    assert "<script>" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;1&lt;/script&gt; &amp; “x”" in page
    assert page.count("&lt;b&gt;&quot;题&quot;&lt;/b&gt;") == 2  # the title and the heading


def test_a_page_loads_nothing() -> None:
    page = show(make_message("甲[乙](https://example.org/a?b=1&c=2)"))
    assert re.findall(r"(?:src|url|@import|<link|<script)\b", page) == []
    assert '<a href="https://example.org/a?b=1&amp;c=2">乙</a>' in page


def test_a_page_says_its_language_and_takes_the_width_of_the_phone() -> None:
    page = show(make_message())
    assert '<html lang="zh-CN">' in page
    assert 'content="width=device-width,initial-scale=1"' in page


def test_sentences_in_the_fifth_column_stand_under_their_row() -> None:
    page = write_table(5, REASON)
    assert f">栏4：{REASON}</td></tr>" in page
    assert 'colspan="4"' in page
    assert page.count("<th ") == 4


def test_sentences_in_the_third_column_stay_beside_the_others() -> None:
    page = write_table(3, REASON)
    assert "colspan" not in page
    assert page.count("<th ") == 3


def test_short_words_in_the_fifth_column_stay_beside_the_others() -> None:
    assert "colspan" not in write_table(5, "字" * 12)
    assert "colspan" in write_table(5, "字" * 13)


def test_a_row_without_a_sentence_has_nothing_under_it() -> None:
    body = f"| 甲 | 乙 | 丙 | 丁 |\n| - | - | - | - |\n| 1 | 2 | 3 | {REASON} |\n| 4 | 5 | 6 | |"
    assert show(make_message(body)).count("colspan") == 1


def test_short_cells_stay_on_one_line_and_long_ones_may_break() -> None:
    page = show(make_message("| 甲 |\n| - |\n| 一二三四五六 |"))
    assert re.search(r'<td style="[^"]*white-space:nowrap[^"]*">一二三四五六</td>', page)
    page = show(make_message("| 甲 |\n| - |\n| 一二三四五六七 |"))
    assert re.search(r'<td style="[^"]*overflow-wrap:anywhere[^"]*">一二三四五六七</td>', page)
    assert not re.search(r'<td style="[^"]*white-space:nowrap', page)


def test_text_and_page_say_the_same() -> None:
    message = make_message("> 注\n\n## 题\n\n段**落**。\n\n- 甲\n- 乙\n\n| 星 | 分 |\n| - | - |\n| 平安 | 92 |")
    shown = unescape(re.sub(r"<title>.*?</title>|<[^>]+>|\s", "", show(message)))
    assert shown == "2024年3月星级卡注题段落。甲乙星分平安92"
    assert write_text(message) == "2024 年 3 月星级卡\n\n注\n\n【题】\n\n段落。\n\n· 甲\n· 乙\n\n· 平安：92\n"
