"""A message as an e-mail: plain text, the same as HTML that reads well on a phone, and attachments.

The same message gives the same bytes, but for its date: its Message-ID comes from its key, so that a mail server can
know a second one for the same.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from flows.ledger.outbox import Message
from flows.markdown import Block, Heading, Line, Note, Paragraph, Point, Span, Table, parse_blocks
from flows.notify.channels.dialects import PLAIN, render_lines

POLICY = SMTP.clone(cte_type="7bit")
ID_DIGITS = 32
TIGHT_CHARACTERS = 6
"""Cells of at most so many characters stay on one line: on a phone a figure or a star must not break."""
SENTENCE_CHARACTERS = 12
COLUMNS_BESIDE_SENTENCES = 3
"""More columns than these, and a last one of longer cells, are too much for the width of a phone."""

_BODY = (
    "margin:0;padding:0;background:#f5f6f8;color:#1f2329;"
    "font-family:-apple-system,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif"
)
_SHEET = "max-width:640px;margin:0 auto;padding:20px 16px;background:#ffffff;font-size:16px;line-height:1.65"
_TITLE = "margin:0 0 14px;font-size:20px;line-height:1.4"
_SECTION = "margin:22px 0 8px;font-size:17px;line-height:1.4"
_PARAGRAPH = "margin:0 0 12px"
_NOTE = (
    "margin:0 0 14px;padding:8px 12px;border-left:4px solid #c9cdd4;background:#f7f8fa;color:#4e5969;font-size:14px"
)
_LIST = "margin:0 0 12px;padding-left:22px"
_TABLE = "width:100%;margin:0 0 14px;border-collapse:collapse;font-size:14px;line-height:1.5"
_HEAD = "padding:6px 5px;border-bottom:2px solid #c9cdd4;text-align:left;vertical-align:bottom;font-weight:600"
_CELL = "padding:6px 5px;vertical-align:top;overflow-wrap:anywhere"
_BELOW = "padding:0 5px 6px;color:#4e5969;overflow-wrap:anywhere"
_LINE = ";border-bottom:1px solid #e5e6eb"
_TIGHT = ";white-space:nowrap"


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a message."""

    name: str
    content: bytes
    content_type: str = "application/octet-stream"


def write_email(
    message: Message, *, sender: Address, attachments: Sequence[Attachment], dated_at: datetime
) -> EmailMessage:
    """The e-mail, ready to be sent to the message's address."""
    digest = hashlib.sha256(message.key.encode()).hexdigest()[:ID_DIGITS]
    email = EmailMessage(policy=POLICY)
    email["From"] = sender
    email["To"] = Address(addr_spec=message.address)
    email["Subject"] = message.subject
    email["Date"] = format_datetime(dated_at)
    email["Message-ID"] = f"<{digest}@{sender.domain}>"
    email["Auto-Submitted"] = "auto-generated"
    email.set_content(write_text(message), cte="base64")
    email.add_alternative(write_page(message.subject, message.body), subtype="html", cte="base64")
    for attachment in attachments:
        main, _, sub = attachment.content_type.partition("/")
        email.add_attachment(attachment.content, maintype=main, subtype=sub, filename=attachment.name)
    for number, part in enumerate(part for part in email.walk() if part.is_multipart()):
        part.set_boundary(f"{digest}-{number}")
    return email


def write_text(message: Message) -> str:
    """The message as plain text."""
    lines = "\n".join(line.text for line in render_lines(message.body, PLAIN))
    return f"{message.subject}\n\n{lines}\n"


def write_page(subject: str, body: str) -> str:
    """A message as one HTML page that loads nothing; styles stand on the elements, as mail readers want them."""
    blocks = "\n".join(_write_blocks(parse_blocks(body)))
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(subject)}</title></head>\n"
        f'<body style="{escape(_BODY)}"><div style="{_SHEET}">\n'
        f'<h1 style="{_TITLE}">{escape(subject)}</h1>\n{blocks}\n</div></body></html>\n'
    )


def _write_blocks(blocks: Sequence[Block]) -> Iterator[str]:
    points: list[str] = []
    for block in blocks:
        if isinstance(block, Point):
            points.append(f"<li>{_write_line(block.line)}</li>")
            continue
        if points:
            yield _write_list(points)
            points = []
        yield _write_block(block)
    if points:
        yield _write_list(points)


def _write_list(points: Sequence[str]) -> str:
    return f'<ul style="{_LIST}">{"".join(points)}</ul>'


def _write_block(block: Heading | Paragraph | Note | Table) -> str:
    match block:
        case Heading():
            return f'<h2 style="{_SECTION}">{_write_line(block.line)}</h2>'
        case Note():
            return f'<p style="{_NOTE}">{_write_line(block.line)}</p>'
        case Paragraph():
            return f'<p style="{_PARAGRAPH}">{_write_line(block.line)}</p>'
        case Table():
            return _write_table(block)


def _write_table(table: Table) -> str:
    """The table; a last column of sentences beside several others goes under each row: else it is a narrow strip."""
    column_count = len(table.widths)
    is_below = column_count > COLUMNS_BESIDE_SENTENCES and _count_most(table, -1) > SENTENCE_CHARACTERS
    shown_count = column_count - 1 if is_below else column_count
    tight = [_count_most(table, place) <= TIGHT_CHARACTERS for place in range(shown_count)]
    head = "".join(f'<th style="{_HEAD}{_TIGHT}">{_write_line(line)}</th>' for line in table.header[:shown_count])
    rows: list[str] = []
    for row in table.rows:
        below = _write_line(row[-1]) if is_below else ""
        cells = "".join(
            f'<td style="{_CELL}{_TIGHT if is_tight else ""}{"" if below else _LINE}">{_write_line(line)}</td>'
            for line, is_tight in zip(row, tight, strict=False)
        )
        rows.append(f"<tr>{cells}</tr>")
        if below:
            name = f"{_write_line(table.header[-1])}：" if table.header else ""
            rows.append(f'<tr><td colspan="{shown_count}" style="{_BELOW}{_LINE}">{name}{below}</td></tr>')
    thead = f"<thead><tr>{head}</tr></thead>" if head else ""
    return f'<table style="{_TABLE}">{thead}<tbody>{"".join(rows)}</tbody></table>'


def _count_most(table: Table, place: int) -> int:
    """The characters of a column's longest cell."""
    return max((sum(len(span.text) for span in row[place]) for row in table.rows), default=0)


def _write_line(line: Line) -> str:
    return "".join(map(_write_span, line))


def _write_span(span: Span) -> str:
    text = escape(span.text)
    if span.is_code:
        text = f"<code>{text}</code>"
    if span.href:
        text = f'<a href="{escape(span.href)}">{text}</a>'
    return f"<strong>{text}</strong>" if span.bold else text
