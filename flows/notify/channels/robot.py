"""What the robots of all providers have in common: parts, masked payloads, and codes read from the body."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import ClassVar, Generic, TypeVar

from pydantic import BaseModel, Field

from flows.ledger.outbox import Message
from flows.notify.channels.channel import (
    DeliveryFailure,
    OutcomeUnknown,
    Payload,
    PermanentFailure,
    Permit,
    Quota,
    RateLimit,
    Receipt,
    TooFast,
    TransientFailure,
    permit_all,
)
from flows.notify.channels.dialects import Dialect, render_lines, render_title
from flows.notify.channels.posting import Answer, Request, judge_status, post_json, read_wait
from flows.notify.channels.settings import MASK, BaseUrl, ChannelSettings
from flows.notify.channels.splitting import Part, split_message
from flows.settings import Lookup

KEY_DIGITS = 16
DETAIL_CHARACTERS = 200

Clock = Callable[[], datetime]
RobotSettings = TypeVar("RobotSettings", bound=BaseModel)


class RobotsSettings(ChannelSettings):
    """What every provider's channel may say beside its robots."""

    base_url: BaseUrl
    timeout_seconds: int = Field(default=15, ge=1, le=120)


@dataclass(frozen=True)
class Verdict:
    """What one of a provider's codes means: whether a later attempt can help, when, what is wrong, what to do."""

    failure: type[DeliveryFailure]
    text: str
    wait_seconds: int | None = None


def pause(text: str) -> Verdict:
    """A code after which the same message may go through later."""
    return Verdict(TransientFailure, text)


def slow_down(text: str, wait_seconds: int) -> Verdict:
    """A code after which no message may follow by the same robot for `wait_seconds`."""
    return Verdict(TooFast, text, wait_seconds)


def stop(text: str) -> Verdict:
    """A code after which somebody must mend something first."""
    return Verdict(PermanentFailure, text)


def find_robot_fault(channel: str, robots: Collection[str], address: str) -> str:
    """Why an address is no robot of the channel; empty if it is one."""
    if address in robots:
        return ""
    return f"address names no robot; notify.yaml, channels.{channel}.robots has {', '.join(robots)}"


class RobotChannel(ABC, Generic[RobotSettings]):
    """The group robots of one provider, by name; a contact's address is the name of a robot."""

    repeats_safely: ClassVar[bool] = False
    provider: ClassVar[str]
    limits: ClassVar[tuple[RateLimit, ...]]
    limit_bytes: ClassVar[int]
    dialect: ClassVar[Dialect]
    verdicts: ClassVar[Mapping[int, Verdict]]
    code_key: ClassVar[str] = "errcode"
    text_key: ClassVar[str] = "errmsg"

    def __init__(
        self,
        name: str,
        settings: RobotsSettings,
        robots: Mapping[str, RobotSettings],
        *,
        lookup: Lookup,
        clock: Clock,
    ) -> None:
        self._name = name
        self._robots = robots
        self._base_url = settings.base_url
        self._timeout_seconds = settings.timeout_seconds
        self._lookup = lookup
        self._clock = clock

    def check(self, message: Message) -> Receipt:
        """Each request as it would be posted, signed, with secrets masked."""
        credentials = self._open_robot(message)
        parts = self._split(message)
        payloads = tuple(self._show(part, credentials) for part in parts)
        return Receipt(self._describe(message, len(parts)), payloads)

    def send(self, message: Message, *, sent_count: int = 0, permit: Permit = permit_all) -> Receipt:
        """The message posted part by part; a failure says how many parts have arrived."""
        credentials = self._open_robot(message)
        parts = self._split(message)
        for number, part in enumerate(parts[sent_count:], start=sent_count):
            try:
                permit()
                self._post(part, credentials)
            except DeliveryFailure as failure:
                failure.sent_count = number
                raise
        return Receipt(self._describe(message, len(parts)))

    def find_quota(self, message: Message) -> Quota:
        """The provider's limits; robots of one key share them, whatever they are called."""
        secret = "\n".join(self._open_robot(message))
        digest = hashlib.sha256(f"{self.provider}\n{secret}".encode()).hexdigest()
        return Quota(f"{self.provider}:{digest[:KEY_DIGITS]}", self.limits)

    @abstractmethod
    def _read_credentials(self, robot: RobotSettings, place: str, lookup: Lookup) -> tuple[str, ...]:
        """The robot's secrets, looked up; `place` is where they stand in notify.yaml."""

    @abstractmethod
    def _build(self, part: Part, credentials: tuple[str, ...], now: datetime) -> Request:
        """The signed request that posts one part."""

    @abstractmethod
    def _measure(self, title: str, text: str) -> int:
        """The bytes of a part as the provider counts them."""

    def _find_verdict(self, code: int, text: str) -> Verdict | None:  # noqa: ARG002 -- some codes mean several things
        return self.verdicts.get(code)

    def _open_robot(self, message: Message) -> tuple[str, ...]:
        robot = self._robots.get(message.address)
        if robot is None:
            fault = find_robot_fault(self._name, self._robots, message.address)
            raise PermanentFailure(
                f"the contact's {fault}. Correct the contact and land it again, or add the robot; then resend."
            )
        place = f"channels.{self._name}.robots.{message.address}"
        return self._read_credentials(robot, place, self._lookup)

    def _split(self, message: Message) -> list[Part]:
        title = render_title(message.subject, self.dialect)
        return split_message(title, render_lines(message.body, self.dialect), self._measure, self.limit_bytes)

    def _show(self, part: Part, credentials: tuple[str, ...]) -> Payload:
        request = self._build(part, credentials, self._clock())
        return Payload(
            target=f"POST {request.shown_url}",
            content=request.shown_body,
            text=f"{part.title}\n\n{part.text}",
            size_bytes=self._measure(part.title, part.text),
            limit_bytes=self.limit_bytes,
        )

    def _describe(self, message: Message, count: int) -> str:
        return f"{self._name}, robot {message.address}" + (f", {count} parts" if count > 1 else "")

    def _post(self, part: Part, credentials: tuple[str, ...]) -> None:
        request = self._build(part, credentials, self._clock())
        answer = post_json(request, provider=self.provider, timeout_seconds=self._timeout_seconds, clock=self._clock)
        failure = self._judge(answer, credentials)
        if failure is not None:
            raise failure

    def _judge(self, answer: Answer, credentials: tuple[str, ...]) -> DeliveryFailure | None:
        """What is wrong by the code in the body; nothing if the message was taken."""
        code = _read_code(answer.content.get(self.code_key))
        is_fine = answer.status < HTTPStatus.MULTIPLE_CHOICES
        if code == 0 and is_fine:
            return None
        if code is None or code == 0:
            if not is_fine:
                return judge_status(self.provider, answer.status, answer.headers, self._clock())
            return OutcomeUnknown(
                f"{self.provider} answered JSON without {self.code_key}, so it isn't known what became of the "
                "message. Look in the group, and resend it only if it isn't there."
            )
        said = _shorten(str(answer.content.get(self.text_key, "")), credentials)
        verdict = self._find_verdict(code, said) or stop(
            f"it says “{said}”. Look the code up in {self.provider}'s documentation, mend what it names; then resend."
        )
        wait = read_wait(answer.headers, self._clock()) or verdict.wait_seconds
        return verdict.failure(
            f"{self.provider} refused it with code {code}: {verdict.text}", code=str(code), retry_after_seconds=wait
        )


def _read_code(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.removeprefix("-").isdecimal() else None


def _shorten(text: str, secrets: tuple[str, ...]) -> str:
    """A provider's words on one line, without secrets, should it repeat one."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return " ".join(text.split())[:DETAIL_CHARACTERS]
