"""The result files that go with a month's messages by mail."""

from pathlib import Path

from flows.ledger.outbox import Message
from flows.notify.channels.channel import PermanentFailure
from flows.notify.channels.email import Attach
from flows.notify.channels.letter import Attachment
from flows.notify.config import NotifyConfig
from flows.outputs import OUTPUTS

CONTENT_TYPES = {
    "report.html": "text/html",
    "hr-review.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def make_attach(home: Path, config: NotifyConfig) -> Attach:
    """Finds the files of a message's month, as they lie among the results now.

    What it gives raises `PermanentFailure` if one of them is not there.
    """

    def attach(message: Message) -> list[Attachment]:
        attached = next((files for name, files in config.attached.items() if name == message.message), ())
        return [_read(home / OUTPUTS / message.month / name) for name in attached]

    return attach


def _read(file: Path) -> Attachment:
    try:
        return Attachment(file.name, file.read_bytes(), CONTENT_TYPES[file.name])
    except OSError as error:
        raise PermanentFailure(
            f"{file.name} of the month can't be attached ({error.strerror}). Write it again with fivestar evaluate; "
            "then resend."
        ) from None
