"""The plug-in point for text messages: a provider by import path, told what it needs and no more."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest
from channel_kit import SETTINGS
from notify_city import make_message
from robot_clock import TestClock

from flows.notify.channels.channel import Channel, PermanentFailure, Quota, RateLimit, TransientFailure
from flows.notify.channels.kinds import open_channel
from flows.notify.channels.sms import SmsChannel, TextMessage

PHONE = "13800000000"


class Provider:
    """Keeps what it is given."""

    limits = (RateLimit(1, 1),)

    def __init__(self, options: Mapping[str, str]) -> None:
        self.options = options
        self.sent: list[TextMessage] = []

    def send(self, text_message: TextMessage) -> str:
        """The provider's number."""
        if text_message.phone.endswith("9"):
            raise TransientFailure("busy", code="isv.BUSINESS_LIMIT_CONTROL", retry_after_seconds=60)
        self.sent.append(text_message)
        return f"no. {len(self.sent)}"


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package of the city's own, with a provider in it."""
    module = ModuleType("city_sms")
    module.Provider = Provider
    module.nothing = 1
    monkeypatch.setitem(sys.modules, "city_sms", module)
    return


def open_sms(**changes: object) -> Channel:
    content = {
        "kind": "sms",
        "provider": "city_sms:Provider",
        "options": {"sign": "鼓楼区", "key": "${SMS_KEY}"},
        **changes,
    }
    known = {"SMS_KEY": "sms-key-demo"}
    return open_channel("sms", SETTINGS.validate_python(content), home=Path(), lookup=known.get, clock=TestClock())


@pytest.mark.usefixtures("plug_in")
def test_a_provider_gets_number_text_kind_and_key() -> None:
    channel = open_sms()
    assert isinstance(channel, SmsChannel)
    receipt = channel.send(make_message("**甲**\n\n- 乙", address="138 0000-0000"))
    assert receipt.detail == "sms, no. 1"
    provider = channel._provider
    assert isinstance(provider, Provider)
    assert provider.options == {"sign": "鼓楼区", "key": "sms-key-demo"}
    key = "star_card:410204001001:secretary:2024-03:r1"
    assert provider.sent == [TextMessage(PHONE, "2024 年 3 月星级卡\n甲\n· 乙", "star_card", key)]


@pytest.mark.usefixtures("plug_in")
def test_a_check_loads_the_provider_and_sends_nothing() -> None:
    channel = open_sms()
    payload = channel.check(make_message("甲", address=PHONE)).payloads[0]
    assert (payload.target, payload.text) == ("Provider, …0000", "2024 年 3 月星级卡\n甲")
    assert channel._provider.sent == []


@pytest.mark.usefixtures("plug_in")
def test_a_text_of_as_many_characters_as_are_allowed_is_sent() -> None:
    channel = open_sms(limit_characters=70)
    channel.send(make_message("字" * 56, address=PHONE))
    assert len(channel._provider.sent[0].text) == 70


@pytest.mark.usefixtures("plug_in")
def test_a_providers_limits_and_failures_are_the_channels() -> None:
    channel = open_sms()
    quota = Quota("sms:city_sms:Provider", (RateLimit(1, 1),), is_of_channel=True)
    assert channel.find_quota(make_message()) == quota
    with pytest.raises(TransientFailure, match="busy"):
        channel.send(make_message(address="13800000009"))


@pytest.mark.parametrize(
    ("changes", "message", "said"),
    [
        ({"provider": "no_such_module:x"}, {}, "no_such_module:x cannot be loaded (ModuleNotFoundError)"),
        ({"provider": "city_sms:x"}, {}, "city_sms:x cannot be loaded (AttributeError)"),
        ({"provider": "city_sms:nothing"}, {}, "city_sms:nothing is no class or function"),
        ({"options": {"key": "${NOT_SET}"}}, {}, "channels.sms.options.key: ${NOT_SET} is not set"),
        ({}, {"address": "gulou"}, "the contact's address is no phone number"),
        # The subject's 13, a line's end, and the body's.
        ({"limit_characters": 70}, {"body": "字" * 57}, "too long for a text message: 71 characters"),
    ],
)
@pytest.mark.usefixtures("plug_in")
def test_what_cannot_be_sent_is_final(changes: dict[str, object], message: dict[str, str], said: str) -> None:
    with pytest.raises(PermanentFailure) as refused:
        open_sms(**changes).send(make_message(**{"address": PHONE, **message}))
    assert said in str(refused.value)
    assert PHONE not in str(refused.value)
