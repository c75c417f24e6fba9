"""Formats read for whole columns at once: always what strptime reads, one value at a time."""

from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.ingest.judging.layouts import find_layout
from flows.ingest.judging.moments import Style, read_instant
from flows.ingest.judging.readings import read_dates, read_instants

NEW_YORK = ZoneInfo("America/New_York")
FORMATS = (
    "%m/%d/%Y %I:%M:%S %p",
    "%Y/%m/%d %H:%M",
    "%Y%m%d%H%M%S",
    "%Y%m%d",
    "%d.%m.%Y",
    "%p%I%Y-%m-%dT%M",
    "%H-%Y-%m-%d",
    "%Y-%m-%d  %H:%M",
    "[%Y]X%m\n%d",
)
ODD_FORMATS = (
    " %Y-%m-%d",
    "%Y-%m-%d %I:%M",
    "%y%m%d",
    "%Y-%m-%d %M",
    "%Y-%m-%d %H:%M:%S%z",
    "%Y年%m月%d日",
    "%Y-%m-%d %%",
    "%H:%M",
)
ZONES: tuple[tzinfo, ...] = (UTC, ZoneInfo("Asia/Shanghai"), NEW_YORK, ZoneInfo("Australia/Lord_Howe"))

moments = st.datetimes(datetime(1895, 1, 1), datetime(2210, 1, 1))
digits = st.text("0123456789", min_size=2, max_size=2)


@st.composite
def texts_of(draw: st.DrawFn, form: str) -> str | None:
    """A moment in that format, now and then with another digit, another case, spaces or something else."""
    text = draw(moments).strftime(form.replace("%%", "%"))
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.one_of(st.none(), st.just(""), st.text(max_size=25)))
    if kind == 1:
        place = draw(st.integers(0, len(text) - 1))
        return text[:place] + draw(st.sampled_from("0139 :/aPx٣１")) + text[place + 1 :]
    if kind == 2:
        return draw(st.sampled_from([text.lower(), f" {text}", f"{text}\x1c", text.replace("0", "", 1)]))
    if kind == 3:
        place = draw(st.integers(0, len(text) - 2))
        return text[:place] + draw(digits) + text[place + 2 :]
    return text


def read_one(text: str | None, style: Style) -> datetime | None:
    if text is None or not text.strip():
        return None
    try:
        return read_instant(text, style)
    except (ValueError, OverflowError):
        return None


@given(data=st.data(), form=st.sampled_from(FORMATS + ODD_FORMATS), zone=st.sampled_from(ZONES))
@pytest.mark.parametrize(("ends_day", "drops_time"), [(False, False), (True, False), (True, True), (False, True)])
def test_a_column_reads_as_its_values_do_one_at_a_time(
    data: st.DataObject, form: str, zone: tzinfo, ends_day: bool, drops_time: bool
) -> None:
    texts = data.draw(st.lists(texts_of(form), max_size=8))
    style = Style(zone, form, ends_day=ends_day, drops_time=drops_time)
    reading = read_instants(texts, style)
    expected = [read_one(text, style) for text in texts]
    assert reading.values.to_pylist() == expected
    was_there = [text is not None and bool(text.strip()) for text in texts]
    assert reading.unreadable.tolist() == [
        there and value is None for there, value in zip(was_there, expected, strict=True)
    ]


@given(moment=moments, zone=st.sampled_from(ZONES))
@example(moment=datetime(2024, 3, 10, 2, 30), zone=NEW_YORK)
@example(moment=datetime(2024, 11, 3, 1, 30), zone=NEW_YORK)
@example(moment=datetime(2024, 2, 29), zone=UTC)
def test_every_moment_of_three_centuries_is_read_as_strptime_reads_it(moment: datetime, zone: tzinfo) -> None:
    text = moment.strftime("%m/%d/%Y %I:%M:%S %p")
    style = Style(zone, "%m/%d/%Y %I:%M:%S %p")
    assert read_instants([text], style).values.to_pylist() == [read_instant(text, style)]


@pytest.mark.parametrize("form", FORMATS)
def test_formats_of_fixed_width_have_a_layout(form: str) -> None:
    assert find_layout(form) is not None


@pytest.mark.parametrize("form", ODD_FORMATS)
def test_others_have_none(form: str) -> None:
    assert find_layout(form) is None


# Noon and midnight: 12 AM is the day's first hour, 12 PM its thirteenth. Los Angeles is 8 hours behind UTC in winter.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("01/05/2018 12:00:00 AM", datetime(2018, 1, 5, 8)),
        ("01/05/2018 12:00:00 PM", datetime(2018, 1, 5, 20)),
        ("01/05/2018 11:59:59 PM", datetime(2018, 1, 6, 7, 59, 59)),
        ("01/05/2018 13:00:00 PM", None),
        ("02/29/2018 01:00:00 AM", None),
        ("1/5/2018 1:00:00 AM", datetime(2018, 1, 5, 9)),
    ],
)
def test_hours_of_the_clock_are_told_by_am_and_pm(text: str, expected: datetime | None) -> None:
    style = Style(ZoneInfo("America/Los_Angeles"), "%m/%d/%Y %I:%M:%S %p")
    assert read_instants([text], style).values.to_pylist() == [expected]


# The 5th ends in Los Angeles at 07:59:59 UTC of the 6th.
@pytest.mark.parametrize("text", ["01/05/2018 12:00:00 AM", "01/05/2018 09:00:15 AM", "01/05/2018 11:59:59 PM"])
def test_where_a_time_means_nothing_the_day_counts_to_its_end(text: str) -> None:
    form = "%m/%d/%Y %I:%M:%S %p"
    style = Style(ZoneInfo("America/Los_Angeles"), form, ends_day=True, drops_time=True)
    assert read_instants([text], style).values.to_pylist() == [datetime(2018, 1, 6, 7, 59, 59)]


@pytest.mark.parametrize(
    "value",
    [
        "2018-01-05 23:30:00",
        "2018-01-05T15:30:00+08:00",
        "2018-01-05",
        1515224999,
        datetime(2018, 1, 5, 9),
        "20180105",
    ],
)
def test_the_day_is_that_of_the_sources_zone_however_it_is_written(value: object) -> None:
    # 2018-01-05T15:30+08:00 is 23:30 of the 4th in Los Angeles; 1515224999 is 23:49:59 of the 5th there.
    style = Style(ZoneInfo("America/Los_Angeles"), ends_day=True, drops_time=True)
    day = 5 if value == "2018-01-05T15:30:00+08:00" else 6
    assert read_instants([value], style).values.to_pylist() == [datetime(2018, 1, day, 7, 59, 59)]


def test_a_day_in_a_dates_column_is_the_one_written() -> None:
    # 18:00 in Los Angeles is the next day in the city; where the time means nothing the written day counts.
    form, zone = "%m/%d/%Y %I:%M:%S %p", ZoneInfo("America/Los_Angeles")
    assert read_dates(["01/05/2018 06:00:00 PM"], Style(zone, form)).values.to_pylist() == [date(2018, 1, 6)]
    dropped = Style(zone, form, drops_time=True)
    assert read_dates(["01/05/2018 06:00:00 PM"], dropped).values.to_pylist() == [date(2018, 1, 5)]
