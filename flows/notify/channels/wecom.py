"""The channel `wecom`: robots in groups of WeCom (企业微信群机器人).

A robot's key is all that it takes to write into its group. Codes: docs/messages.md.
"""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from flows.notify.channels.channel import RateLimit
from flows.notify.channels.dialects import WECOM
from flows.notify.channels.posting import Request
from flows.notify.channels.robot import RobotChannel, RobotsSettings, pause, slow_down, stop
from flows.notify.channels.settings import BaseUrl, Secret, resolve_secret, take_from_webhook
from flows.notify.channels.splitting import Part
from flows.settings import Lookup

MINUTE_SECONDS = 60


class WecomRobot(BaseModel):
    """One group's robot: `key` is what stands behind `key=` in its webhook."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    key: Secret


class WecomSettings(RobotsSettings):
    """WeCom's robots by name."""

    kind: Literal["wecom"]
    robots: dict[str, WecomRobot] = Field(min_length=1)
    base_url: BaseUrl = "https://qyapi.weixin.qq.com"


class WecomChannel(RobotChannel[WecomRobot]):
    """Messages as WeCom's Markdown, whose content may be 4,096 bytes of UTF-8."""

    provider = "WeCom"
    limits = (RateLimit(20, MINUTE_SECONDS),)
    limit_bytes = 4_096
    dialect = WECOM
    verdicts: ClassVar = {
        -1: pause("the system is busy. It is tried again later."),
        40008: stop("it does not know this type of message. Check base_url in notify.yaml; then resend."),
        40058: stop("the text is too long or its form is wrong. Shorten the template; then resend."),
        44004: stop("the text is empty. Mend the template; then resend."),
        45009: slow_down("too fast, more than 20 messages in a minute. It is tried again later.", MINUTE_SECONDS),
        45033: slow_down("too many calls at once. It is tried again later.", MINUTE_SECONDS),
        93000: stop(
            "the key is unknown or revoked, or the robot was taken out of its group. Copy the robot's webhook anew "
            "into the environment; then resend."
        ),
        93004: stop("the robot is stopped. Have the group's owner start it, or add another; then resend."),
        93008: stop("the robot is no longer in its group. Add it again, set its new key; then resend."),
    }

    def _read_credentials(self, robot: WecomRobot, place: str, lookup: Lookup) -> tuple[str, ...]:
        return (take_from_webhook(resolve_secret(f"{place}.key", robot.key, lookup), "key"),)

    def _build(self, part: Part, credentials: tuple[str, ...], now: datetime) -> Request:  # noqa: ARG002 -- unsigned
        content = _write_content(part.title, part.text)
        return Request(
            base_url=self._base_url,
            path="/cgi-bin/webhook/send",
            query={"key": credentials[0]},
            body={"msgtype": "markdown", "markdown": {"content": content}},
            hidden=frozenset({"key"}),
        )

    def _measure(self, title: str, text: str) -> int:
        return len(_write_content(title, text).encode())


def _write_content(title: str, text: str) -> str:
    return f"## {title}\n{text}"
