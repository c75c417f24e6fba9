"""The channel `file`: each message as one Markdown file, whose name comes from the message's key."""

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import quote
from uuid import uuid4

from pydantic import Field

from flows.ledger.outbox import Message
from flows.notify.channels.channel import Payload, PermanentFailure, Permit, Receipt, TransientFailure, permit_all
from flows.notify.channels.settings import ChannelSettings

FIRST_REVISION = "r1"
LONGEST_NAME = 200
DIGEST_DIGITS = 12
_FOLDER_NAME = re.compile(r"[\w@+-][\w@+.-]{0,79}")


class FileSettings(ChannelSettings):
    """Where messages are put: a folder, relative to the installation's home or absolute."""

    kind: Literal["file"]
    folder: str = Field(min_length=1)


@dataclass(frozen=True)
class FileChannel:
    """Messages under `root`, as `<month>/<address>/<message>-<unit>-<role>.md`; a later revision adds `-r2`."""

    repeats_safely: ClassVar[bool] = True
    root: Path

    def check(self, message: Message) -> Receipt:
        """The file, relative to `root`, that the message would be."""
        place, text = self._place(message).as_posix(), _format(message)
        return Receipt(place, (Payload(place, text, text, len(text.encode()), None),))

    def send(self, message: Message, *, sent_count: int = 0, permit: Permit = permit_all) -> Receipt:
        """The message written aside and renamed: after a kill, sending again makes the same file."""
        place = self._place(message)
        if sent_count:
            return Receipt(place.as_posix())
        permit()
        target = self.root / place
        aside = target.with_name(f".{target.name}.{uuid4().hex}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                aside.write_text(_format(message), encoding="utf-8", newline="\n")
                aside.replace(target)
            finally:
                aside.unlink(missing_ok=True)
        except OSError as error:
            raise TransientFailure(
                f"the outbox folder cannot be written ({error.strerror}). Check its permissions and the disk, then "
                "deliver again."
            ) from error
        return Receipt(place.as_posix())

    def find_quota(self, message: Message) -> None:
        """No limit."""

    def _place(self, message: Message) -> Path:
        """The path from `root`; names are percent-encoded, so that two keys never share a file."""
        named = (message.message, message.unit_code, message.role)
        rest = message.key.removeprefix(":".join(named) + ":").removeprefix(f"{message.month}:")
        parts = (*named, *(part for part in rest.split(":") if part != FIRST_REVISION))
        name = "-".join(quote(part, safe="") for part in parts)
        return Path(message.month, *_split_address(message.address), cut_name(name, ".md"))


def name_file(key: str, ending: str) -> str:
    """The key as a file's name: percent-encoded, so that two keys never share a file."""
    return cut_name(quote(key, safe=""), ending)


def cut_name(name: str, ending: str) -> str:
    """The name with its ending, cut to what a file system takes; a cut one ends with a digest of the whole."""
    if len(name) <= LONGEST_NAME:
        return f"{name}{ending}"
    digest = sha256(name.encode()).hexdigest()[:DIGEST_DIGITS]
    return f"{name[: LONGEST_NAME - DIGEST_DIGITS - 1]}-{digest}{ending}"


def _format(message: Message) -> str:
    return f"# {message.subject}\n\n{message.body}\n"


def find_folder_fault(address: str) -> str:
    """Why an address can't be a folder below the channel's; empty if it can."""
    if not address or all(_FOLDER_NAME.fullmatch(part) for part in address.split("/")):
        return ""
    return "the address cannot be a folder name. Give it letters, digits, '-' or '_', with '/' between folders"


def _split_address(address: str) -> list[str]:
    """The subfolders that an address names; none if it is empty."""
    fault = find_folder_fault(address)
    if fault:
        raise PermanentFailure(f"{fault}, or leave it empty; then land the contacts and resend.")
    return address.split("/") if address else []
