"""Source values as canonical types: what is read, what counts as nothing, and what cannot be read."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.ingest.judging.moments import Style
from flows.ingest.judging.readings import (
    Reading,
    read_booleans,
    read_dates,
    read_instants,
    read_integers,
    read_months,
    read_text,
)

SHANGHAI = Style(ZoneInfo("Asia/Shanghai"))
WORKBOOK = Style(SHANGHAI.zone, counts_days=True)
NOTHING = "nothing"
UNREADABLE = "unreadable"


def tell(reading: Reading) -> list[Any]:
    """The values, with words for nothing and for what cannot be read."""
    values = reading.values.to_pylist()
    return [
        UNREADABLE if bad else NOTHING if value is None else value
        for value, bad in zip(values, reading.unreadable, strict=True)
    ]


def test_text_loses_the_spaces_around_it_and_empty_text_is_nothing() -> None:
    assert tell(read_text([" a b\t", "\u3000社区 ", "", "  ", None])) == ["a b", "社区", NOTHING, NOTHING, NOTHING]


def test_numbers_in_a_text_column_are_written_plainly() -> None:
    values = [410202001001.0, 410202001001, 1.5, True, date(2024, 3, 1), "x"]
    assert tell(read_text(values)) == ["410202001001", "410202001001", "1.5", "true", "2024-03-01", "x"]


def test_a_databases_numbers_and_keys_are_read_exactly() -> None:
    great = Decimal(12345678901234567890123456789012345678)
    values = [Decimal(410202001001), Decimal("1.50"), Decimal("2.00"), Decimal("1E+3"), great, UUID(int=1)]
    texts = ["410202001001", "1.5", "2", "1000", str(great), "00000000-0000-0000-0000-000000000001"]
    assert tell(read_text(values)) == texts
    assert tell(read_integers(values[:4])) == [410202001001, UNREADABLE, 2, 1000]
    assert tell(read_integers([great, Decimal("NaN")])) == [UNREADABLE, NOTHING]
    assert tell(read_booleans([Decimal(1), Decimal("0.0"), Decimal(2)])) == [True, False, UNREADABLE]


def test_a_databases_numbers_are_instants_days_and_months() -> None:
    # 1709568000.5 s is half a second after 2024-03-04 16:00 UTC, the first instant of 5 March in Shanghai.
    values = [Decimal("1709568000.5"), Decimal(1709568000000), Decimal(20240305)]
    first = datetime(2024, 3, 4, 16)
    assert tell(read_instants(values, SHANGHAI)) == [first.replace(microsecond=500_000), first, first]
    assert tell(read_dates(values, SHANGHAI)) == [date(2024, 3, 5)] * 3
    assert tell(read_months([Decimal(202403)], SHANGHAI)) == ["2024-03"]


def test_bytes_are_text_if_they_are_utf_8() -> None:
    assert tell(read_text(["社区".encode()])) == ["社区"]
    assert tell(read_text(["社区".encode(), b"\xff", None])) == ["社区", UNREADABLE, NOTHING]


def test_an_object_is_no_text() -> None:
    assert tell(read_text([{"a": 1}, ["b"], "x"])) == [UNREADABLE, UNREADABLE, "x"]


def test_a_number_too_great_to_be_told_from_its_neighbour_is_no_text() -> None:
    # JSON's numbers from 2**64 on, and a workbook's from 2**53 on, are floating ones: 41020220240301000001 and
    # ...002 would be one key.
    values = [2.0**53, -(2.0**53), 41020220240301000001.0, float("inf")]
    assert tell(read_text(values)) == [UNREADABLE] * 4
    assert tell(read_text([2.0**53 - 1, 2**64 - 1])) == ["9007199254740991", "18446744073709551615"]


def test_whole_numbers_are_read_from_numbers_and_text() -> None:
    assert tell(read_integers([1, None, -2])) == [1, NOTHING, -2]
    assert tell(read_integers(["3", " 4.0 ", "１２", "", 5.0, 6])) == [3, 4, 12, NOTHING, 5, 6]


def test_a_fraction_a_word_a_truth_or_too_great_a_number_is_no_whole_number() -> None:
    assert tell(read_integers([1.5, "1.5", "三", True, 2**63, "1e3"])) == [UNREADABLE] * 6


def test_a_column_of_fractions_is_not_cut_to_whole_numbers() -> None:
    assert tell(read_integers([1.5, 2.0, None])) == [UNREADABLE, 2, NOTHING]
    assert tell(read_integers([2.0**63, -(2.0**63), 1e300])) == [UNREADABLE, -(2**63), UNREADABLE]


def test_truths_are_read_from_the_usual_words() -> None:
    assert tell(read_booleans([True, False, None])) == [True, False, NOTHING]
    assert tell(read_booleans(["是", "否", "TRUE", "n", 1, 0, "1.0"])) == [
        True,
        False,
        True,
        False,
        True,
        False,
        UNREADABLE,
    ]


INSTANT = datetime(2024, 3, 1, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-01 08:00:00",
        "2024-03-01T08:00",
        "2024-03-01T08:00:00.000",
        "2024-03-01T00:00:00Z",
        "2024-03-01T08:00:00+08:00",
        "2024-03-01 09:00:00+0900",
        "2024/3/1 8:00",
        "2024/03/01 08:00:00",
        "2024.3.1 08:00",
        "2024年3月1日 8时00分",
        "2024年3月1日8:00:00",
        "２０２４-０３-０１　０８：００",
        "20240301080000",
        "1709251200",
        "1709251200000",
        1709251200,
        1709251200000,
        1709251200.0,
    ],
)
def test_an_instant_is_read_in_every_usual_writing(text: Any) -> None:
    assert tell(read_instants([text], SHANGHAI)) == [INSTANT]
    assert tell(read_instants([text, "2024-03-01 08:00:00", None, "x"], SHANGHAI)) == [
        INSTANT,
        INSTANT,
        NOTHING,
        UNREADABLE,
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-30 08:00:00",
        "0000-00-00 00:00:00",
        "2024-03-01 25:00:00",
        "2024-3",
        "明天",
        True,
        [1],
        10**18,
        "2024-03-01T08",
    ],
)
def test_what_is_no_instant_is_unreadable_and_spoils_nothing_else(text: Any) -> None:
    assert tell(read_instants([text, "2024-03-01 08:00:00"], SHANGHAI)) == [UNREADABLE, INSTANT]


def test_a_date_without_a_time_is_its_first_second_or_its_last() -> None:
    # 2024-03-01 00:00 in Shanghai is 16:00 of the day before in UTC; 23:59:59 is 15:59:59.
    first, last = datetime(2024, 2, 29, 16), datetime(2024, 3, 1, 15, 59, 59)
    for written in ("2024-03-01", "2024/3/1", "2024年3月1日", "20240301", date(2024, 3, 1)):
        assert tell(read_instants([written], SHANGHAI)) == [first]
        assert tell(read_instants([written], Style(SHANGHAI.zone, ends_day=True))) == [last]


def test_a_time_beside_the_date_is_kept_where_a_date_alone_would_end_the_day() -> None:
    values = ["2024-03-01 08:00:00", "2024-03-01"]
    read = tell(read_instants(values, Style(SHANGHAI.zone, ends_day=True)))
    assert read == [INSTANT, datetime(2024, 3, 1, 15, 59, 59)]


def test_the_clock_of_the_sources_zone_is_followed_through_its_changes() -> None:
    # New York is 5 hours behind UTC until 2024-03-10 02:00, then 4.
    values = ["2024-03-10 01:59:00", "2024-03-10 03:00:00"]
    assert tell(read_instants(values, Style(ZoneInfo("America/New_York")))) == [
        datetime(2024, 3, 10, 6, 59),
        datetime(2024, 3, 10, 7, 0),
    ]


@given(st.datetimes(datetime(1980, 1, 1), datetime(2060, 1, 1)), st.sampled_from(["Asia/Shanghai", "UTC"]))
def test_a_column_is_read_as_each_of_its_values_alone(moment: datetime, zone: str) -> None:
    expected = moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
    style = Style(ZoneInfo(zone))
    assert tell(read_instants([moment.isoformat(" ", "microseconds")], style)) == [expected]
    assert tell(read_instants([moment.isoformat("T", "microseconds"), "x"], style))[0] == expected


def test_a_month_with_one_offset_and_one_with_a_change_are_read_by_their_own() -> None:
    # New York is 5 hours behind in February; on 10 March 2024 at 02:00 it goes to 4.
    style = Style(ZoneInfo("America/New_York"))
    assert tell(read_instants(["2024-02-01 00:00:00", None, "2024-02-20 12:00:00"], style)) == [
        datetime(2024, 2, 1, 5),
        NOTHING,
        datetime(2024, 2, 20, 17),
    ]
    assert tell(read_instants(["2024-03-10 01:59:59", "2024-03-10 03:00:00"], style)) == [
        datetime(2024, 3, 10, 6, 59, 59),
        datetime(2024, 3, 10, 7),
    ]
    # Shanghai had summer time from 1986 to 1991, 9 hours ahead.
    assert tell(read_instants(["1988-07-01 00:00:00", "1992-07-01 00:00:00"], SHANGHAI)) == [
        datetime(1988, 6, 30, 15),
        datetime(1992, 6, 30, 16),
    ]


def test_the_calendars_last_day_is_read() -> None:
    # Some platforms write it for "never". Shanghai is 8 hours ahead.
    assert tell(read_instants(["9999-12-31 23:59:59"], SHANGHAI)) == [datetime(9999, 12, 31, 15, 59, 59)]


def test_a_stated_format_is_the_only_one_read() -> None:
    style = Style(SHANGHAI.zone, format="%d.%m.%y %H:%M")
    assert tell(read_instants(["01.03.24 08:00", "2024-03-01 08:00"], style)) == [INSTANT, UNREADABLE]


def test_a_stated_format_without_a_time_is_a_date() -> None:
    style = Style(SHANGHAI.zone, format="%d.%m.%Y", ends_day=True)
    assert tell(read_instants(["01.03.2024"], style)) == [datetime(2024, 3, 1, 15, 59, 59)]
    assert tell(read_dates(["01.03.2024"], style)) == [date(2024, 3, 1)]


def test_days_are_read_from_dates_text_and_instants() -> None:
    values = ["2024-03-01", "2024/3/1", "2024年3月1日", date(2024, 3, 1), "20240301", None, ""]
    assert tell(read_dates(values, SHANGHAI)) == [date(2024, 3, 1)] * 5 + [NOTHING] * 2


def test_the_day_of_an_instant_is_that_of_the_citys_calendar() -> None:
    # 18:00 UTC on 29 February is 02:00 on 1 March in Shanghai.
    assert tell(read_dates(["2024-02-29T18:00:00Z", 1709229600], SHANGHAI)) == [date(2024, 3, 1)] * 2


def test_days_of_a_workbook_may_be_numbers_or_midnights() -> None:
    # Excel counts 2024-03-01 as day 45352.
    style = Style(SHANGHAI.zone, counts_days=True)
    assert tell(read_dates([45352, 45352.0, datetime(2024, 3, 1)], style)) == [date(2024, 3, 1)] * 3
    assert tell(read_instants([45352.5], style)) == [datetime(2024, 3, 1, 4)]


def test_what_is_no_day_is_unreadable() -> None:
    assert tell(read_dates(["2024-02-30", "2024", "三月", "2024年3月"], SHANGHAI)) == [UNREADABLE] * 4


def test_months_are_read_from_text_and_dates() -> None:
    values = ["2024-03", "2024/3", "2024年3月", "202403", 202403, date(2024, 3, 1), "2024-03-01"]
    assert tell(read_months(values, SHANGHAI)) == ["2024-03"] * 7


def test_the_month_of_an_instant_is_that_of_the_citys_calendar() -> None:
    # 18:00 UTC on 29 February is 02:00 on 1 March in Shanghai.
    assert tell(read_months(["2024-02-29T18:00:00Z", 1709229600], SHANGHAI)) == ["2024-03"] * 2


def test_a_month_that_a_workbook_holds_as_a_number_is_that_month() -> None:
    # Excel counts 2024-03-01 as day 45352.
    assert tell(read_months([202403.0, 45352.0, 20240301.0], WORKBOOK)) == ["2024-03"] * 3
    assert tell(read_months([202412, 202413, 202401, 202400], SHANGHAI)) == [
        "2024-12",
        UNREADABLE,
        "2024-01",
        UNREADABLE,
    ]


@pytest.mark.parametrize("number", [2024, 2024.0, 2024.03, 20243, 36_525.0, 202403.5, 2.0, "45352", "20243"])
def test_a_number_that_is_no_month_is_unreadable(number: Any) -> None:
    assert tell(read_months([number], SHANGHAI)) == [UNREADABLE]
    assert tell(read_months([number], WORKBOOK)) == [UNREADABLE]


def test_what_is_no_month_is_unreadable() -> None:
    assert tell(read_months(["2024-13", "三月", "2024", None], SHANGHAI)) == [UNREADABLE] * 3 + [NOTHING]


def test_months_go_from_1900_to_2199() -> None:
    values = ["1900-01", "190001", date(1900, 1, 31), "2199-12", 219912, "2199-12-31"]
    assert tell(read_months(values, SHANGHAI)) == ["1900-01"] * 3 + ["2199-12"] * 3
    values = ["1899-12", "189912", date(1899, 12, 31), "2200-01", 220001, "2200-01-01", "0000-05", "9999-12"]
    assert tell(read_months(values, SHANGHAI)) == [UNREADABLE] * 8


@pytest.mark.parametrize("style", [SHANGHAI, WORKBOOK])
@pytest.mark.parametrize("number", [20190701, 20190701.0, 20190701000000, "20190701"])
def test_a_number_of_eight_or_fourteen_digits_is_the_date_that_it_spells(style: Style, number: Any) -> None:
    assert tell(read_dates([number], style)) == [date(2019, 7, 1)]
    # 1 July 00:00 in Shanghai is 16:00 UTC of the day before.
    assert tell(read_instants([number], style)) == [datetime(2019, 6, 30, 16)]


@pytest.mark.parametrize("style", [SHANGHAI, WORKBOOK])
@pytest.mark.parametrize(
    "number",
    [
        2019,  # a year, which Excel would count as 1905-07-11
        2019.07,
        201907,
        20191301,
        20190230.0,
        20190701.5,
        0,
        -45352,
        9_862.0,  # 1926-12-31 in Excel
        73_051.0,  # 2100-01-01 in Excel
        20190701250000,
        1e300,
        float("inf"),
        2**63 + 5,
    ],
)
def test_a_number_that_is_no_date_is_unreadable(style: Style, number: Any) -> None:
    assert tell(read_dates([number], style)) == [UNREADABLE]
    assert tell(read_instants([number], style)) == [UNREADABLE]


def test_a_workbooks_day_numbers_reach_from_1927_to_2099() -> None:
    assert tell(read_dates([9_863.0, 73_050.0], WORKBOOK)) == [date(1927, 1, 1), date(2099, 12, 31)]
    assert tell(read_dates([45352], SHANGHAI)) == [UNREADABLE]


def test_a_workbooks_day_number_with_a_time_is_an_instant_but_no_day() -> None:
    assert tell(read_instants([45352.5], WORKBOOK)) == [datetime(2024, 3, 1, 4)]
    assert tell(read_dates([45352.5], WORKBOOK)) == [UNREADABLE]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (999_999_999, UNREADABLE),
        (1_000_000_000, datetime(2001, 9, 9, 1, 46, 40)),
        (9_999_999_999, datetime(2286, 11, 20, 17, 46, 39)),
        (10_000_000_000, UNREADABLE),
        (999_999_999_999, UNREADABLE),
        (1_000_000_000_000, datetime(2001, 9, 9, 1, 46, 40)),
        (9_999_999_999_999, datetime(2286, 11, 20, 17, 46, 39, 999_000)),
    ],
)
def test_seconds_since_1970_have_ten_digits_and_milliseconds_thirteen(number: int, expected: Any) -> None:
    for written in (number, float(number)):
        assert tell(read_instants([written], SHANGHAI)) == [expected]
    # Beside a date of eight digits each is still read by itself: 1 July 00:00 is 16:00 UTC the day before.
    assert tell(read_instants([number, None, 20190701], SHANGHAI)) == [expected, NOTHING, datetime(2019, 6, 30, 16)]


def test_a_number_too_great_for_the_column_spoils_nothing_else() -> None:
    assert tell(read_integers([2**63 + 5, 1])) == [UNREADABLE, 1]


def test_an_identifier_among_whole_numbers_is_no_number() -> None:
    reading = read_integers([12, UUID(int=1), None])
    assert reading.values.to_pylist() == [12, None, None]
    assert reading.unreadable.tolist() == [False, True, False]


@pytest.mark.parametrize("style", [SHANGHAI, replace(SHANGHAI, format="%Y-%m-%d %H:%M:%S")])
def test_an_instant_before_the_year_1_in_utc_cannot_be_read(style: Style) -> None:
    # How .NET writes nothing: 15:54:17 of the day before in UTC, which no calendar of ours holds.
    assert tell(read_instants(["0001-01-01 00:00:00", "2024-03-01 08:00:00"], style)) == [UNREADABLE, INSTANT]
    assert tell(read_instants(["0001-01-02 00:00:00"], style)) == [datetime(1, 1, 1, 15, 54, 17)]


def test_an_instant_after_the_year_9999_in_utc_cannot_be_read() -> None:
    new_york = replace(SHANGHAI, zone=ZoneInfo("America/New_York"))
    assert tell(read_instants(["9999-12-31 23:59:59", "9999-12-31T23:59:59-01:00"], new_york)) == [UNREADABLE] * 2
    assert tell(read_instants(["9999-12-31T23:59:59Z"], new_york)) == [datetime(9999, 12, 31, 23, 59, 59)]
