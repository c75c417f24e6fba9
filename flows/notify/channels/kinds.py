"""Every kind of channel: its settings by `kind`, and the channel that they describe."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from flows.notify.channels.channel import Channel
from flows.notify.channels.dingtalk import DingtalkChannel, DingtalkSettings
from flows.notify.channels.email import Attach, EmailChannel, EmailSettings, find_mailbox_fault
from flows.notify.channels.feishu import FeishuChannel, FeishuSettings
from flows.notify.channels.file import FileChannel, FileSettings, find_folder_fault
from flows.notify.channels.robot import Clock, find_robot_fault
from flows.notify.channels.settings import ChannelSettings, list_names
from flows.notify.channels.sms import SmsChannel, SmsSettings, find_phone_fault
from flows.notify.channels.wecom import WecomChannel, WecomSettings
from flows.settings import Lookup

AnySettings = Annotated[
    FileSettings | WecomSettings | DingtalkSettings | FeishuSettings | EmailSettings | SmsSettings,
    Field(discriminator="kind"),
]

SETTINGS: dict[str, type[ChannelSettings]] = {
    "file": FileSettings,
    "wecom": WecomSettings,
    "dingtalk": DingtalkSettings,
    "feishu": FeishuSettings,
    "email": EmailSettings,
    "sms": SmsSettings,
}


def open_channel(
    name: str, settings: AnySettings, *, home: Path, lookup: Lookup, clock: Clock, attach: Attach | None = None
) -> Channel:
    """The channel called `name` in notify.yaml. Nothing is looked up or asked before a message is checked or sent.

    `clock` dates signatures and mails; `attach` finds the files that go with a message by mail.
    """
    match settings:
        case FileSettings():
            return FileChannel(home / settings.folder)
        case EmailSettings():
            return EmailChannel(name, settings, lookup=lookup, clock=clock, attach=attach)
        case SmsSettings():
            return SmsChannel(name, settings, lookup=lookup)
        case WecomSettings():
            return WecomChannel(name, settings, settings.robots, lookup=lookup, clock=clock)
        case DingtalkSettings():
            return DingtalkChannel(name, settings, settings.robots, lookup=lookup, clock=clock)
        case FeishuSettings():
            return FeishuChannel(name, settings, settings.robots, lookup=lookup, clock=clock)


def find_address_fault(name: str, settings: AnySettings, address: str) -> str:
    """Why the channel called `name` can't send to an address, without the address; empty if it can."""
    match settings:
        case FileSettings():
            return find_folder_fault(address)
        case EmailSettings():
            return find_mailbox_fault(address)
        case SmsSettings():
            return find_phone_fault(address)
        case WecomSettings() | DingtalkSettings() | FeishuSettings():
            return find_robot_fault(name, settings.robots, address)


def list_unset_names(settings: AnySettings, lookup: Lookup) -> list[str]:
    """The placeholders in a channel's settings that stand for nothing."""
    return [name for name in list_names(settings) if not lookup(name)]
