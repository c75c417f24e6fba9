"""Channels to the robots' server of the tests, each with one robot called gulou."""

from collections.abc import Callable
from pathlib import Path

from pydantic import TypeAdapter
from robot_clock import TestClock
from robot_server import DINGTALK_SECRET, DINGTALK_TOKEN, FEISHU_SECRET, FEISHU_TOKEN, WECOM_KEY

from flows.notify.channels.channel import Channel
from flows.notify.channels.kinds import AnySettings, open_channel

ROBOTS = {
    "wecom": {"key": "${WECOM_KEY}"},
    "dingtalk": {"access_token": "${DINGTALK_TOKEN}", "secret": "${DINGTALK_SECRET}"},
    "feishu": {"token": "${FEISHU_TOKEN}", "secret": "${FEISHU_SECRET}"},
}
SECRETS = {
    "WECOM_KEY": WECOM_KEY,
    "DINGTALK_TOKEN": DINGTALK_TOKEN,
    "DINGTALK_SECRET": DINGTALK_SECRET,
    "FEISHU_TOKEN": FEISHU_TOKEN,
    "FEISHU_SECRET": FEISHU_SECRET,
}
SETTINGS: TypeAdapter[AnySettings] = TypeAdapter(AnySettings)

OpenChannel = Callable[..., Channel]


def open_robot(kind: str, url: str, clock: TestClock, *, secrets: dict[str, str] | None = None) -> Channel:
    """The channel of a kind, called as its kind, at the server's address."""
    content = {"kind": kind, "robots": {"gulou": ROBOTS[kind]}, "base_url": url, "timeout_seconds": 1}
    known = SECRETS if secrets is None else secrets
    return open_channel(kind, SETTINGS.validate_python(content), home=Path(), lookup=known.get, clock=clock)
