"""The channel `dingtalk`: custom robots in groups of DingTalk (钉钉自定义机器人), secured by signature (加签).

Codes: docs/messages.md.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from flows.notify.channels.channel import RateLimit
from flows.notify.channels.dialects import DINGTALK
from flows.notify.channels.posting import Request
from flows.notify.channels.robot import RobotChannel, RobotsSettings, Verdict, pause, slow_down, stop
from flows.notify.channels.settings import BaseUrl, Secret, resolve_secret, take_from_webhook
from flows.notify.channels.splitting import Part
from flows.settings import Lookup

MINUTE_SECONDS = 60
BLOCKED_SECONDS = 600
MILLISECONDS = 1_000

REFUSED_BY_SECURITY = 310000
_BAD_SIGN = stop(
    "bad signature. Copy the robot's secret (加签, it begins with SEC) anew into the environment; then resend."
)
_BAD_TIME = stop("the time in the signature is over an hour off. Check the clock of this machine; then resend.")
_BAD_KEYWORD = stop("the robot asks for a keyword. Set its security to signature (加签) only; then resend.")
_BAD_ADDRESS = stop(
    "this machine's address is not on the robot's list. Add it, or set its security to signature (加签) only; then "
    "resend."
)
_TOO_FAST = slow_down(
    "too fast, more than 20 messages in a minute: it is blocked for 10 minutes, then tried again.", BLOCKED_SECONDS
)
_UNKNOWN_TOKEN = stop(
    "the access token is unknown or revoked. Copy the robot's webhook anew into the environment; then resend."
)
_TOO_LONG = stop("too long. Shorten the template; then resend.")


class DingtalkRobot(BaseModel):
    """One group's robot: `access_token` is from its webhook, `secret` from its security setting 加签."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    access_token: Secret
    secret: Secret


class DingtalkSettings(RobotsSettings):
    """DingTalk's robots by name."""

    kind: Literal["dingtalk"]
    robots: dict[str, DingtalkRobot] = Field(min_length=1)
    base_url: BaseUrl = "https://oapi.dingtalk.com"


class DingtalkChannel(RobotChannel[DingtalkRobot]):
    """Messages as DingTalk's Markdown; the whole body may be 20,000 bytes."""

    provider = "DingTalk"
    limits = (RateLimit(20, MINUTE_SECONDS),)
    limit_bytes = 20_000
    dialect = DINGTALK
    verdicts: ClassVar = {
        -1: pause("the system is busy. It is tried again later."),
        40035: stop("a parameter is missing. Check base_url in notify.yaml; then resend."),
        43004: stop("the content type did not reach it. Check what stands between at base_url; then resend."),
        101002: _TOO_LONG,
        130101: _TOO_FAST,
        300001: _UNKNOWN_TOKEN,
        300005: _UNKNOWN_TOKEN,
        REFUSED_BY_SECURITY: _BAD_SIGN,
        400013: stop("the group was dissolved. Add a robot to another group; then resend."),
        400101: _UNKNOWN_TOKEN,
        400102: stop("the robot is stopped. Have the group's owner start it; then resend."),
        400105: stop("it does not know this type of message. Check base_url in notify.yaml; then resend."),
        400106: stop("the robot is gone. Add one to the group, set its token and secret; then resend."),
        410100: _TOO_FAST,
        430101: stop("the text holds a link that it holds for unsafe. Change the template; then resend."),
        430102: stop("it holds the text for improper. Change the template; then resend."),
        430104: stop("it holds the text for improper. Change the template; then resend."),
        460101: _TOO_LONG,
    }

    def _find_verdict(self, code: int, text: str) -> Verdict | None:
        """310000 stands for all security settings; only the words tell them apart."""
        if code != REFUSED_BY_SECURITY:
            return super()._find_verdict(code, text)
        said = text.lower()
        if "sign not match" in said or "签名不匹配" in said:
            return _BAD_SIGN
        if "timestamp" in said or "时间戳" in said:
            return _BAD_TIME
        if "keyword" in said or "关键词" in said:
            return _BAD_KEYWORD
        return _BAD_ADDRESS if "whitelist" in said or "白名单" in said else _BAD_SIGN

    def _read_credentials(self, robot: DingtalkRobot, place: str, lookup: Lookup) -> tuple[str, ...]:
        token = resolve_secret(f"{place}.access_token", robot.access_token, lookup)
        return (
            take_from_webhook(token, "access_token"),
            resolve_secret(f"{place}.secret", robot.secret, lookup),
        )

    def _build(self, part: Part, credentials: tuple[str, ...], now: datetime) -> Request:
        token, secret = credentials
        milliseconds = int(now.timestamp()) * MILLISECONDS
        return Request(
            base_url=self._base_url,
            path="/robot/send",
            query={"access_token": token, "timestamp": str(milliseconds), "sign": sign(milliseconds, secret)},
            body=_write_body(part.title, part.text),
            hidden=frozenset({"access_token", "sign"}),
        )

    def _measure(self, title: str, text: str) -> int:
        return len(Request("", "", {}, _write_body(title, text)).data)


def sign(milliseconds: int, secret: str) -> str:
    """The signature of an instant, Base64; the query encodes it once and only once."""
    digest = hmac.new(secret.encode(), f"{milliseconds}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _write_body(title: str, text: str) -> dict[str, object]:
    return {"msgtype": "markdown", "markdown": {"title": title, "text": f"### {title}\n\n{text}"}}
