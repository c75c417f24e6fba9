"""The channel `feishu`: custom bots in groups of Feishu (飞书自定义机器人), secured by signature (签名校验).

A message is a card of the first structure, which older apps show too; it knows no headings, tables or quotes. Codes:
docs/messages.md.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import ClassVar, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from flows.notify.channels.channel import RateLimit
from flows.notify.channels.dialects import FEISHU
from flows.notify.channels.posting import Request
from flows.notify.channels.robot import RobotChannel, RobotsSettings, Verdict, slow_down, stop
from flows.notify.channels.settings import BaseUrl, Secret, resolve_secret, take_from_webhook
from flows.notify.channels.splitting import Part
from flows.settings import Lookup

MINUTE_SECONDS = 60
BAD_REQUEST = 9499
_TOO_FAST = slow_down(
    "too fast, more than 5 messages in a second or 100 in a minute, or it is busy as on the full and the half hour. "
    "It is tried again later.",
    MINUTE_SECONDS,
)


class FeishuRobot(BaseModel):
    """One group's bot: `token` is the last part of its webhook, `secret` is from its security setting 签名校验."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    token: Secret
    secret: Secret


class FeishuSettings(RobotsSettings):
    """Feishu's bots by name."""

    kind: Literal["feishu"]
    robots: dict[str, FeishuRobot] = Field(min_length=1)
    base_url: BaseUrl = "https://open.feishu.cn"


class FeishuChannel(RobotChannel[FeishuRobot]):
    """Messages as cards; the whole body, signature included, may be 20 KB."""

    provider = "Feishu"
    limits = (RateLimit(100, MINUTE_SECONDS), RateLimit(5, 1))
    limit_bytes = 20_000
    dialect = FEISHU
    code_key = "code"
    text_key = "msg"
    verdicts: ClassVar = {
        BAD_REQUEST: stop("the form of the message is wrong or it is too long. Shorten the template; then resend."),
        11232: _TOO_FAST,
        19001: stop(
            "the token is unknown or revoked. Copy the bot's webhook anew into the environment; then resend."
        ),
        19002: stop("it does not know this type of message. Check base_url in notify.yaml; then resend."),
        19021: stop(
            "bad signature, or its time is over an hour off. Check the clock of this machine; if it is right, copy "
            "the bot's secret (签名校验) anew into the environment. Then resend."
        ),
        19022: stop(
            "this machine's address is not on the bot's list. Add it, or set its security to signature (签名校验) "
            "only; then resend."
        ),
        19024: stop("the bot asks for a keyword. Set its security to signature (签名校验) only; then resend."),
        99991400: _TOO_FAST,
    }

    def _find_verdict(self, code: int, text: str) -> Verdict | None:
        """9499 is said of a bad request, and of too many of them."""
        if code == BAD_REQUEST and "too many" in text.lower():
            return _TOO_FAST
        return super()._find_verdict(code, text)

    def _read_credentials(self, robot: FeishuRobot, place: str, lookup: Lookup) -> tuple[str, ...]:
        token = resolve_secret(f"{place}.token", robot.token, lookup)
        return take_from_webhook(token, ""), resolve_secret(f"{place}.secret", robot.secret, lookup)

    def _build(self, part: Part, credentials: tuple[str, ...], now: datetime) -> Request:
        token, secret = credentials
        seconds = int(now.timestamp())
        return Request(
            base_url=self._base_url,
            path="/open-apis/bot/v2/hook/",
            query={},
            body=_write_body(part.title, part.text, seconds, sign(seconds, secret)),
            hidden=frozenset({"sign"}),
            secret_path=quote(token, safe=""),
        )

    def _measure(self, title: str, text: str) -> int:
        return len(Request("", "", {}, _write_body(title, text, _ANY_SECONDS, _ANY_SIGN)).data)


def sign(seconds: int, secret: str) -> str:
    """The signature of an instant, Base64: the key holds instant and secret, the message is empty."""
    digest = hmac.new(f"{seconds}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


_ANY_SECONDS = 1_700_000_000
_ANY_SIGN = sign(_ANY_SECONDS, "")
"""As long as any other, to measure a body with."""


def _write_body(title: str, text: str, seconds: int, signature: str) -> dict[str, object]:
    return {
        "timestamp": str(seconds),
        "sign": signature,
        "msg_type": "interactive",
        "card": {
            "config": {"wide_screen_mode": True},
            "header": {"title": {"tag": "plain_text", "content": title}, "template": "blue"},
            "elements": [{"tag": "markdown", "content": text}],
        },
    }
