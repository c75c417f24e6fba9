"""The channel `sms`: a plug-in point. This project ships no provider; docs/messages.md says what one must do."""

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from pydantic import Field

from flows.errors import ConfigurationError
from flows.ledger.outbox import Message
from flows.notify.channels.channel import (
    Payload,
    PermanentFailure,
    Permit,
    Quota,
    RateLimit,
    Receipt,
    permit_all,
)
from flows.notify.channels.dialects import PLAIN, render_lines
from flows.notify.channels.settings import ChannelSettings, resolve_secret
from flows.settings import Lookup

_PHONE = re.compile(r"\+?[0-9]{5,15}")


@dataclass(frozen=True)
class TextMessage:
    """One text message: `message` is its kind, as star_card, for providers that want a registered template.

    `key` is the same each time the message is sent: a provider that takes an idempotency key gets this one.
    """

    phone: str
    text: str
    message: str
    key: str


class SmsProvider(Protocol):
    """What a provider's class must have."""

    limits: Sequence[RateLimit]
    """How fast it may be asked, over all messages."""

    def send(self, text_message: TextMessage) -> str:
        """The provider's number for the message it took.

        Raises `TransientFailure`, `PermanentFailure` or `OutcomeUnknown` of `flows.notify.channels.channel`, with the
        provider's code and what to do, and neither the phone number nor a secret in the text.
        """
        ...


SmsFactory = Callable[[Mapping[str, str]], SmsProvider]
"""Makes a provider of `options`, whose placeholders are looked up by then."""


class SmsSettings(ChannelSettings):
    """Which provider, by import path, and what it is told."""

    kind: Literal["sms"]
    provider: str = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    options: dict[str, str] = Field(default_factory=dict)
    limit_characters: int = Field(default=500, ge=70)


class SmsChannel:
    """Messages as plain text to a phone number, by the provider that notify.yaml names."""

    repeats_safely: ClassVar[bool] = False

    def __init__(self, name: str, settings: SmsSettings, *, lookup: Lookup) -> None:
        self._name = name
        self._settings = settings
        self._lookup = lookup
        self._provider: SmsProvider | None = None

    def check(self, message: Message) -> Receipt:
        """The text as the provider would get it, and the provider loaded; the number is masked in `target`."""
        provider = self._load()
        text_message = self._write(message)
        payload = Payload(
            target=f"{type(provider).__name__}, …{text_message.phone[-4:]}",
            content=text_message.text,
            text=text_message.text,
            size_bytes=len(text_message.text.encode()),
            limit_bytes=None,
        )
        return Receipt(self._name, (payload,))

    def send(self, message: Message, *, sent_count: int = 0, permit: Permit = permit_all) -> Receipt:
        """The text handed to the provider."""
        if sent_count:
            return Receipt(self._name)
        provider = self._load()
        text_message = self._write(message)
        permit()
        return Receipt(f"{self._name}, {provider.send(text_message)}")

    def find_quota(self, message: Message) -> Quota | None:  # noqa: ARG002 -- all go by one provider
        """The provider's limits, if it has any."""
        limits = tuple(self._load().limits)
        return Quota(f"sms:{self._settings.provider}", limits, is_of_channel=True) if limits else None

    def _load(self) -> SmsProvider:
        if self._provider is None:
            place = f"channels.{self._name}.options"
            options = {
                key: resolve_secret(f"{place}.{key}", value, self._lookup)
                for key, value in self._settings.options.items()
            }
            try:
                self._provider = load_factory(self._settings.provider, f"channels.{self._name}.provider")(options)
            except ConfigurationError as error:
                raise PermanentFailure(f"{error} Then resend.") from None
        return self._provider

    def _write(self, message: Message) -> TextMessage:
        phone = _strip_phone(message.address)
        fault = find_phone_fault(message.address)
        if fault:
            raise PermanentFailure(f"the contact's {fault}. Correct the contact and land it again; then resend.")
        lines = [line.text for line in render_lines(message.body, PLAIN) if line.text]
        text = "\n".join([message.subject, *lines])
        if len(text) > self._settings.limit_characters:
            raise PermanentFailure(
                f"too long for a text message: {len(text)} characters, and limit_characters is "
                f"{self._settings.limit_characters}. Give this contact another channel, or shorten the template; "
                "then resend."
            )
        return TextMessage(phone, text, message.message, message.key)


def find_phone_fault(address: str) -> str:
    """Why an address is no phone number; empty if it is one."""
    return "" if _PHONE.fullmatch(_strip_phone(address)) else "address is no phone number"


def _strip_phone(address: str) -> str:
    return re.sub(r"[ -]", "", address)


def load_factory(path: str, place: str) -> SmsFactory:
    """The provider's factory at the import path `module:name`. Raises `ConfigurationError` if there is none."""
    module, _, name = path.partition(":")
    try:
        factory = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"notify.yaml, {place}: {path} cannot be loaded ({type(error).__name__}). Install the provider's "
            "package, or correct the path: module:name."
        ) from None
    if not callable(factory):
        raise ConfigurationError(
            f"notify.yaml, {place}: {path} is no class or function. Name what makes the provider of its options."
        )
    made: SmsFactory = factory
    return made
