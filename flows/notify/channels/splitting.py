"""Long messages in numbered parts, none over a provider's limit."""

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from flows.notify.channels.channel import PermanentFailure
from flows.notify.channels.dialects import Line

PARTS_MAX = 10
"""More at once would be a flood on a phone: such a message belongs in an e-mail."""

ROOM_BYTES = 200
"""What a title must leave to the text."""

_JOINERS = frozenset({"\u200d"})

Measure = Callable[[str, str], int]
"""How many bytes, as the provider counts, a title and a text take."""


@dataclass(frozen=True)
class Part:
    """One part of a message: its title, numbered if there are several, and its text."""

    title: str
    text: str


def split_message(title: str, lines: Sequence[Line], measure: Measure, limit_bytes: int) -> list[Part]:
    """The message in as few parts as its lines allow, titled `（1/3）` and so on if there are several.

    A line is kept whole unless it alone is over the limit; then it is cut between characters. The same message
    always comes out in the same parts. Raises `PermanentFailure` if they are more than `PARTS_MAX`, or the title is
    too long.
    """
    whole = _join(lines)
    if measure(title, whole) <= limit_bytes:
        return [Part(title, whole)]
    reserved = number_title(title, PARTS_MAX, PARTS_MAX)
    if measure(reserved, "") + ROOM_BYTES > limit_bytes:
        raise PermanentFailure(
            f"the subject alone is over the limit of {limit_bytes:,} bytes. Shorten it in notify.yaml, then resend."
        )
    texts: list[str] = []
    current: list[Line] = []
    for line in _cut_lines(lines, lambda text: measure(reserved, text) <= limit_bytes):
        if current and measure(reserved, _join([*current, line])) > limit_bytes:
            kept, moved = _part_headings(current)
            if measure(reserved, _join([*moved, line])) > limit_bytes:
                kept, moved = current, []
            texts.append(_join(kept))
            current = moved
        current.append(line)
    texts = [text for text in [*texts, _join(current)] if text]
    if len(texts) > PARTS_MAX:
        raise PermanentFailure(
            f"too long: {measure(title, whole):,} bytes would be {len(texts)} parts of at most {limit_bytes:,}, and "
            f"{PARTS_MAX} is the most. Shorten the template, or give this contact the channel email; then resend."
        )
    return [Part(number_title(title, number, len(texts)), text) for number, text in enumerate(texts, start=1)]


def number_title(title: str, number: int, count: int) -> str:
    """The title of one of several parts."""
    return f"{title}（{number}/{count}）"


def _join(lines: Sequence[Line]) -> str:
    return "\n".join(line.text for line in lines).strip()


def _part_headings(lines: list[Line]) -> tuple[list[Line], list[Line]]:
    """The lines without the headings at their end, and these: a heading goes with what it heads."""
    place = len(lines)
    while place and (lines[place - 1].is_heading or not lines[place - 1].text):
        place -= 1
    return (lines[:place], lines[place:]) if place else (lines, [])


def _cut_lines(lines: Sequence[Line], fits: Callable[[str], bool]) -> Iterator[Line]:
    for line in lines:
        if fits(line.text):
            yield line
        else:
            yield from _cut_line(line, fits)


def _cut_line(line: Line, fits: Callable[[str], bool]) -> Iterator[Line]:
    """Pieces of a line, each as long as it may be; a sign is never parted from what belongs on top of it."""
    rest = line.plain
    while rest:
        length = max(1, _find_length(line, rest, fits))
        while 1 < length < len(rest) and _belongs_to_the_sign_before(rest, length):
            length -= 1
        yield line.cut(rest[:length])
        rest = rest[length:]


def _find_length(line: Line, rest: str, fits: Callable[[str], bool]) -> int:
    """How many characters of `rest` a piece can hold."""

    def is_too_long(count: int) -> bool:
        return not fits(line.cut(rest[:count]).text)

    return bisect_right(range(1, len(rest) + 1), False, key=is_too_long)


def _belongs_to_the_sign_before(text: str, place: int) -> bool:
    return unicodedata.category(text[place]) in ("Mn", "Me", "Cf") or text[place - 1] in _JOINERS
