"""Robots: what they take, what they refuse and why, and that no secret leaves by any other way."""

import logging

import pytest
from channel_kit import SECRETS, OpenChannel
from notify_city import make_message
from robot_clock import TestClock
from robot_server import DINGTALK_SECRET, FEISHU_SECRET, FEISHU_TOKEN, WECOM_KEY, RobotServer

from flows.notify.channels import dingtalk, feishu
from flows.notify.channels.channel import Channel, PermanentFailure, Quota, RateLimit, TransientFailure

KINDS = ("wecom", "dingtalk", "feishu")


# The signatures of docs/spec and of the providers' own pages


def test_dingtalk_signs_milliseconds_and_secret_by_the_secret() -> None:
    assert dingtalk.sign(1_700_000_000_000, DINGTALK_SECRET) == "TSZbRFUuvaSQaRKUpF970OPCb2/LcQAP3wOvwZIzBZk="


def test_feishu_signs_nothing_by_seconds_and_secret() -> None:
    assert feishu.sign(1_700_000_000, FEISHU_SECRET) == "SeW1RT6C9QWd+rjh1igsgQ/3LnmVtV/4tXgl9LyqEd8="


def test_the_query_encodes_dingtalks_signature_once(open_kind: OpenChannel, robots: RobotServer) -> None:
    open_kind("dingtalk").send(make_message())
    # The clock of the test stands at the vector's instant; a second encoding would arrive as %2F and %3D.
    assert robots.asked[0].query["timestamp"] == "1700000000000"
    assert robots.asked[0].query["sign"] == "TSZbRFUuvaSQaRKUpF970OPCb2/LcQAP3wOvwZIzBZk="


# What is taken


def test_wecom_takes_markdown_under_the_subject(open_kind: OpenChannel, robots: RobotServer) -> None:
    receipt = open_kind("wecom").send(make_message("第一段\n\n- 甲\n- 乙"))
    assert robots.taken == [
        {"msgtype": "markdown", "markdown": {"content": "## 2024 年 3 月星级卡\n第一段\n\n· 甲\n· 乙"}}
    ]
    assert receipt.detail == "wecom, robot gulou"


def test_dingtalk_takes_the_subject_as_title_too(open_kind: OpenChannel, robots: RobotServer) -> None:
    open_kind("dingtalk").send(make_message("第一段"))
    assert robots.taken == [
        {
            "msgtype": "markdown",
            "markdown": {"title": "2024 年 3 月星级卡", "text": "### 2024 年 3 月星级卡\n\n第一段"},
        }
    ]


def test_feishu_takes_a_card(open_kind: OpenChannel, robots: RobotServer) -> None:
    open_kind("feishu").send(make_message("第一段"))
    card = robots.taken[0]["card"]
    assert robots.taken[0]["msg_type"] == "interactive"
    assert card["header"]["title"] == {"tag": "plain_text", "content": "2024 年 3 月星级卡"}
    assert card["elements"] == [{"tag": "markdown", "content": "第一段"}]


@pytest.mark.parametrize("kind", KINDS)
def test_characters_are_sent_as_utf_8_and_not_escaped(kind: str, open_kind: OpenChannel, robots: RobotServer) -> None:
    open_kind(kind).send(make_message("鼓楼"))
    assert "鼓楼".encode() in robots.asked[0].body
    assert robots.asked[0].headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("kind", "name", "webhook"),
    [
        ("wecom", "WECOM_KEY", f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={WECOM_KEY}"),
        ("feishu", "FEISHU_TOKEN", f"https://open.feishu.cn/open-apis/bot/v2/hook/{FEISHU_TOKEN}"),
    ],
)
def test_a_whole_webhook_will_do_as_the_key(
    kind: str, name: str, webhook: str, open_kind: OpenChannel, robots: RobotServer
) -> None:
    open_kind(kind, secrets={**SECRETS, name: f" {webhook}\n"}).send(make_message())
    assert len(robots.taken) == 1


# What is refused


def refuse(channel: Channel, **changes: str) -> PermanentFailure:
    with pytest.raises(PermanentFailure) as refused:
        channel.send(make_message(**changes))
    return refused.value


@pytest.mark.parametrize(
    ("kind", "name", "code", "said"),
    [
        ("wecom", "WECOM_KEY", "93000", "the key is unknown or revoked"),
        ("dingtalk", "DINGTALK_TOKEN", "300001", "the access token is unknown or revoked"),
        ("feishu", "FEISHU_TOKEN", "19001", "the token is unknown or revoked"),
        ("dingtalk", "DINGTALK_SECRET", "310000", "bad signature. Copy the robot's secret"),
        ("feishu", "FEISHU_SECRET", "19021", "Check the clock of this machine; if it is right, copy"),
    ],
)
def test_a_wrong_key_or_secret_is_final_and_told_with_its_code(
    kind: str, name: str, code: str, said: str, open_kind: OpenChannel
) -> None:
    failure = refuse(open_kind(kind, secrets={**SECRETS, name: "wrong-one"}))
    assert failure.code == code
    assert f"refused it with code {code}: " in str(failure)
    assert said in str(failure)
    assert "wrong-one" not in str(failure)


@pytest.mark.parametrize(("kind", "code"), [("dingtalk", "310000"), ("feishu", "19021")])
def test_a_clock_an_hour_off_is_told_as_such(
    kind: str, code: str, open_kind: OpenChannel, clock: TestClock, robots: RobotServer
) -> None:
    ours = TestClock()
    channel = open_kind(kind)
    channel._clock = ours
    clock.move(3600)
    channel.send(make_message())
    clock.move(1)
    failure = refuse(channel)
    assert failure.code == code
    assert "Check the clock of this machine" in str(failure)


@pytest.mark.parametrize(("kind", "code"), [("dingtalk", "310000"), ("feishu", "19024")])
def test_a_robot_that_wants_a_keyword_is_told_as_such(
    kind: str, code: str, open_kind: OpenChannel, robots: RobotServer
) -> None:
    robots.keyword = "告警"
    failure = refuse(open_kind(kind))
    assert failure.code == code
    assert "asks for a keyword" in str(failure)


def test_an_address_that_names_no_robot_is_told_with_those_that_there_are(open_kind: OpenChannel) -> None:
    failure = refuse(open_kind("wecom"), address="longting")
    assert "channels.wecom.robots has gulou" in str(failure)
    assert "Correct the contact" in str(failure)


def test_a_secret_that_is_not_set_is_told_by_its_name(open_kind: OpenChannel, robots: RobotServer) -> None:
    failure = refuse(open_kind("feishu", secrets={"FEISHU_TOKEN": "x"}))
    assert "notify.yaml, channels.feishu.robots.gulou.secret: ${FEISHU_SECRET} is not set" in str(failure)
    assert robots.asked == []


# Too fast


@pytest.mark.parametrize(
    ("kind", "allowed", "said"),
    [("wecom", 20, ("45009", 60)), ("dingtalk", 20, ("130101", 600)), ("feishu", 5, ("11232", 60))],
)
def test_the_message_after_the_last_that_is_allowed_is_told_to_wait(
    kind: str, allowed: int, said: tuple[str, int], open_kind: OpenChannel, robots: RobotServer
) -> None:
    channel = open_kind(kind)
    for _ in range(allowed):
        channel.send(make_message())
    with pytest.raises(TransientFailure) as refused:
        channel.send(make_message())
    assert (refused.value.code, refused.value.retry_after_seconds) == said
    assert len(robots.taken) == allowed


def test_dingtalk_blocks_a_robot_for_ten_minutes(
    open_kind: OpenChannel, robots: RobotServer, clock: TestClock
) -> None:
    channel = open_kind("dingtalk")
    for _ in range(20):
        channel.send(make_message())
    for wait_seconds in (0, 599):
        clock.move(wait_seconds)
        with pytest.raises(TransientFailure):
            channel.send(make_message())
    clock.move(1)
    channel.send(make_message())
    assert len(robots.taken) == 21


@pytest.mark.parametrize(
    ("kind", "limits"),
    [
        ("wecom", (RateLimit(20, 60),)),
        ("dingtalk", (RateLimit(20, 60),)),
        ("feishu", (RateLimit(100, 60), RateLimit(5, 1))),
    ],
)
def test_a_channel_states_its_limits_under_a_key_that_holds_no_secret(
    kind: str, limits: tuple[RateLimit, ...], open_kind: OpenChannel
) -> None:
    quota = open_kind(kind).find_quota(make_message())
    assert isinstance(quota, Quota)
    assert quota.limits == limits
    assert not any(secret in quota.key for secret in SECRETS.values())


def test_robots_of_one_key_share_their_limits_and_others_do_not(open_kind: OpenChannel) -> None:
    one = open_kind("wecom").find_quota(make_message())
    same = open_kind("wecom", secrets={"WECOM_KEY": f"https://qyapi.weixin.qq.com/x?key={WECOM_KEY}"})
    other = open_kind("wecom", secrets={"WECOM_KEY": "another"})
    assert one == same.find_quota(make_message())
    assert one != other.find_quota(make_message())


# Looking without sending


@pytest.mark.parametrize("kind", KINDS)
def test_a_check_shows_what_would_be_sent_and_asks_nobody(
    kind: str, open_kind: OpenChannel, robots: RobotServer
) -> None:
    channel = open_kind(kind)
    payload = channel.check(make_message("第一段")).payloads[0]
    assert robots.asked == []
    channel.send(make_message("第一段"))
    sent = robots.asked[0]
    assert payload.target.startswith(f"POST {robots.url}{sent.path.replace(FEISHU_TOKEN, '***')}")
    # The same but for the signature in Feishu's body, which is masked.
    sign = robots.taken[0].get("sign", "")
    assert payload.content == sent.body.decode().replace(sign or "\0", "***")
    assert payload.text == "2024 年 3 月星级卡\n\n第一段"
    limit = {"wecom": 4096, "dingtalk": 20_000, "feishu": 20_000}[kind]
    assert payload.limit_bytes == limit
    counted = len(robots.taken[0]["markdown"]["content"].encode()) if kind == "wecom" else len(sent.body)
    assert payload.size_bytes == counted


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_and_no_signature_is_shown_or_logged(
    kind: str, open_kind: OpenChannel, robots: RobotServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = open_kind(kind)
    message = make_message()
    shown = [str(channel.check(message)), str(channel.send(message)), str(channel.find_quota(message))]
    robots.revoked |= set(SECRETS.values())
    shown.append(repr(refuse(channel)))
    signs = [asked.query.get("sign", "") for asked in robots.asked] + [body.get("sign", "") for body in robots.taken]
    secrets = [*SECRETS.values(), *filter(None, signs)]
    told = "\n".join([*shown, caplog.text])
    assert [secret for secret in secrets if secret in told] == []


# Parts


@pytest.mark.parametrize(("kind", "limit"), [("wecom", 4096), ("dingtalk", 20_000), ("feishu", 20_000)])
def test_a_message_over_the_limit_goes_out_in_numbered_parts_that_the_robot_takes(
    kind: str, limit: int, open_kind: OpenChannel, robots: RobotServer
) -> None:
    # Lines of 31 characters and a line's end, 3 bytes each: 2.2 times the limit, so three parts and no more.
    body = "\n\n".join([f"{number:04}" + "鼓楼区社区排名" * 4 for number in range(limit * 22 // 10 // 88)])
    receipt = open_kind(kind).send(make_message(body))
    assert receipt.detail == f"{kind}, robot gulou, 3 parts"
    sent = [asked.body.decode() for asked in robots.asked]
    assert [f"（{number}/3）" in text for number, text in enumerate(sent, start=1)] == [True] * 3
    lines = body.split("\n\n")
    assert [line for text in sent for line in lines if line in text] == lines


def test_after_a_failure_the_parts_that_arrived_are_not_sent_again(
    open_kind: OpenChannel, robots: RobotServer, clock: TestClock
) -> None:
    channel = open_kind("wecom")
    message = make_message("\n\n".join(["鼓楼区社区排名" * 20] * 20))  # 420 bytes a line: 3 parts
    for _ in range(18):
        channel.send(make_message())
    with pytest.raises(TransientFailure) as refused:
        channel.send(message)
    assert refused.value.sent_count == 2
    clock.move(60)
    channel.send(message, sent_count=refused.value.sent_count)
    titles = [body["markdown"]["content"].splitlines()[0] for body in robots.taken[18:]]
    assert titles == [f"## 2024 年 3 月星级卡（{number}/3）" for number in (1, 2, 3)]


def test_a_permit_is_asked_for_before_each_part_and_may_hold_it_back(
    open_kind: OpenChannel, robots: RobotServer
) -> None:
    permits = iter([True, False])

    def permit() -> None:
        if not next(permits):
            raise TransientFailure("the limit is used up", retry_after_seconds=7)

    message = make_message("\n\n".join(["鼓楼区社区排名" * 20] * 20))
    with pytest.raises(TransientFailure) as held:
        open_kind("wecom").send(message, permit=permit)
    assert (held.value.sent_count, held.value.retry_after_seconds, len(robots.taken)) == (1, 7, 1)
