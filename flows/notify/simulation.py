"""Deliveries in simulation: everything but the last call, and the payloads as files that can be read."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

from flows.ledger.outbox import OutboxRow
from flows.notify.channels.channel import Channel, DeliveryFailure, Receipt
from flows.notify.channels.file import name_file
from flows.notify.sending import find_channel

SIMULATED = Path("outbox", "simulated")
"""Where the payloads of the last simulation lie, in the installation's home."""

Show = Callable[[str], None]


def simulate_messages(
    home: Path, channels: Mapping[str, Channel], rows: Iterable[OutboxRow], *, show: Show | None
) -> Iterator[tuple[OutboxRow, DeliveryFailure | None]]:
    """Each message with what is wrong with it, if anything; its payloads are written, and shown if asked.

    The folder holds what this simulation wrote and nothing else, from when it ends.
    """
    folder = home / SIMULATED
    aside = folder.with_name(f".{folder.name}.{uuid4().hex}")
    aside.mkdir(parents=True)
    try:
        for row in rows:
            try:
                receipt = find_channel(channels, row).check(row)
            except DeliveryFailure as failure:
                yield row, failure
                continue
            text = format_payloads(row, receipt)
            (aside / name_file(row.key, ".txt")).write_text(text, encoding="utf-8", newline="\n")
            if show is not None:
                show(text)
            yield row, None
        rmtree(folder, ignore_errors=True)
        aside.replace(folder)
    finally:
        rmtree(aside, ignore_errors=True)


def format_payloads(row: OutboxRow, receipt: Receipt) -> str:
    """Each call that would be made for a message: where to, how large, what, and what its reader sees."""
    lines = [f"message: {row.key}", f"channel: {row.channel}"]
    for number, payload in enumerate(receipt.payloads, start=1):
        limit = "no limit" if payload.limit_bytes is None else f"at most {payload.limit_bytes:,}"
        lines += [
            "",
            f"--- call {number} of {len(receipt.payloads)}: {payload.target}",
            f"--- {payload.size_bytes:,} bytes, {limit}",
            payload.content,
            "--- as it is read",
            payload.text,
        ]
    return "\n".join(lines) + "\n"
