"""Channels in notify.yaml: every kind with its own keys, secrets by name only, and servers that keep them secret."""

from pathlib import Path

import pytest
from channel_kit import SECRETS
from notify_faults import spoil

from flows.errors import ConfigurationError
from flows.notify.channels.kinds import SETTINGS, list_unset_names
from flows.notify.config import load_notify_config, require_secrets

CHANNELS = """  file: {kind: file, folder: outbox}
  wecom: {kind: wecom, robots: {gulou: {key: "${WECOM_KEY}"}}}
  dingtalk: {kind: dingtalk, robots: {gulou: {access_token: "${DINGTALK_TOKEN}", secret: "${DINGTALK_SECRET}"}}}
  feishu: {kind: feishu, robots: {gulou: {token: "${FEISHU_TOKEN}", secret: "${FEISHU_SECRET}"}}}
  email: {kind: email, host: smtp.example.org, port: 465, security: tls, username: "${MAIL_USER}",
    password: "${MAIL_PASSWORD}", sender: a@example.org}
  sms: {kind: sms, provider: "city:Sms", options: {key: "${SMS_KEY}"}}
"""


@pytest.fixture
def folder(config_folder: Path) -> Path:
    """Settings with a channel of every kind."""
    spoil(config_folder / "notify.yaml", "  file: {kind: file, folder: outbox}\n", CHANNELS)
    return config_folder


def test_every_kind_is_read(folder: Path) -> None:
    channels = load_notify_config(folder).channels
    assert {name: type(settings) for name, settings in channels.items()} == SETTINGS


def test_the_names_that_stand_for_nothing_are_found(folder: Path) -> None:
    unset = {
        name: list_unset_names(settings, SECRETS.get)
        for name, settings in load_notify_config(folder).channels.items()
    }
    assert unset == {
        "file": [],
        "wecom": [],
        "dingtalk": [],
        "feishu": [],
        "email": ["MAIL_USER", "MAIL_PASSWORD"],
        "sms": ["SMS_KEY"],
    }


def test_all_that_is_not_set_is_told_at_once(folder: Path) -> None:
    config = load_notify_config(folder)
    with pytest.raises(ConfigurationError) as refused:
        require_secrets(config, SECRETS.get)
    assert "channels.email needs ${MAIL_USER}, ${MAIL_PASSWORD}; channels.sms needs ${SMS_KEY}: not set" in str(
        refused.value
    )
    require_secrets(config, lambda name: name)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{kind: wecom,", "{kind: wecom, url: x,", "channels.wecom.url: not a known key. channels.wecom takes"),
        (
            "{key:",
            "{kee:",
            "robots.gulou.kee: not a known key. channels.wecom.robots.gulou takes key;",
        ),
        ("secret:", "secrets:", "robots.gulou.secrets: not a known key. channels.dingtalk.robots.gulou takes"),
        ('token: "${FEISHU_TOKEN}", ', "", "channels.feishu.robots.gulou.token: missing. Add it."),
        ('robots: {gulou: {key: "${WECOM_KEY}"}}', "robots: {}", "channels.wecom.robots: Dictionary should have"),
        (
            "kind: feishu",
            "kind: lark",
            "channels.feishu.kind: 'lark' is no kind of channel. Write one of file",
        ),
        ('"${MAIL_PASSWORD}"', "hunter2", "channels.email.password: a secret never stands in a file: write ${NAME}"),
        ('{key: "${WECOM_KEY}"}', "693a91f6", "channels.wecom.robots.gulou: "),
        ("security: tls", "security: none", "channels.email.security: Input should be 'starttls' or 'tls'"),
        ("port: 465", "port: 0", "channels.email.port: Input should be greater than or equal to 1"),
        ("port: 465", 'port: "465"', "channels.email.port: Input should be a valid integer"),
        ("a@example.org", "nobody", "channels.email.sender: String should match"),
        ('"city:Sms"', "city.Sms", "channels.sms.provider: String should match"),
        (
            "{kind: wecom,",
            '{kind: wecom, base_url: "http://relay.example.org",',
            "channels.wecom.base_url: http would send the robot's key in the clear",
        ),
        (
            "{kind: wecom,",
            '{kind: wecom, base_url: "ftp://x",',
            "channels.wecom.base_url: not the address",
        ),
        (
            "{kind: wecom,",
            '{kind: wecom, base_url: "https://x/send?key=1",',
            "channels.wecom.base_url: not the address",
        ),
        ("{kind: wecom,", '{kind: wecom, base_url: "https://x:y",', "channels.wecom.base_url: not the address"),
    ],
)
def test_a_wrong_channel_is_refused_with_what_is_valid(folder: Path, old: str, new: str, said: str) -> None:
    spoil(folder / "notify.yaml", old, new)
    with pytest.raises(ConfigurationError) as refused:
        load_notify_config(folder)
    assert said in str(refused.value)
    assert str(refused.value).startswith("notify.yaml, channels.")


@pytest.mark.parametrize(
    ("old", "new"),
    [('"${MAIL_PASSWORD}"', "hunter2"), ('{key: "${WECOM_KEY}"}', "hunter2"), ('"${WECOM_KEY}"', "[hunter2]")],
)
def test_a_secret_in_the_file_is_not_repeated(folder: Path, old: str, new: str) -> None:
    spoil(folder / "notify.yaml", old, new)
    with pytest.raises(ConfigurationError) as refused:
        load_notify_config(folder)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("url", ["https://relay.example.org:8443/wecom/", "http://127.0.0.1:8080"])
def test_a_relay_over_https_or_on_this_machine_will_do(folder: Path, url: str) -> None:
    spoil(folder / "notify.yaml", "{kind: wecom,", f'{{kind: wecom, base_url: "{url}",')
    assert load_notify_config(folder).channels["wecom"].base_url == url.rstrip("/")
