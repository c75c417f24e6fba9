"""Mail over a real server with TLS and login: what arrives, what is refused, and what isn't known."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from channel_kit import SETTINGS
from mail_server import HOST, PASSWORD, USER, Mailbox, MailServer, serve_mail
from notify_city import make_message
from robot_clock import TestClock

from flows.notify.channels.channel import (
    DeliveryFailure,
    OutcomeUnknown,
    PermanentFailure,
    Quota,
    RateLimit,
    TransientFailure,
)
from flows.notify.channels.email import EmailChannel
from flows.notify.channels.kinds import open_channel
from flows.notify.channels.letter import Attachment

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
"""Of TLS from the first byte the server's library knows nothing."""

READER = "reader@example.org"
SUBJECT = "2024 年 3 月星级卡：州桥社区——月度监测结果（暂定），请查收并核对"
BODY = """> 月度监测结果（暂定）。

**州桥社区**亮星 3 颗。

.一行以点开头

| 星 | 结果 |
| --- | --- |
| 平安 | 亮 |"""

OpenMail = Callable[..., EmailChannel]


@pytest.fixture(params=["starttls", "tls"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MailServer]:
    with serve_mail(tmp_path, request.param) as running:
        yield running


@pytest.fixture
def open_mail(clock: TestClock) -> OpenMail:
    def open_one(server: MailServer, *, password: str = PASSWORD, attach=None, **changes: object) -> EmailChannel:
        content = {
            "kind": "email",
            "host": HOST,
            "port": server.port,
            "security": server.security,
            "username": USER,
            "password": "${MAIL_PASSWORD}",
            "sender": USER,
            "sender_name": "五星支部评估",
            "ca_file": str(server.ca_file),
            "timeout_seconds": 3,
            **changes,
        }
        known = {"MAIL_PASSWORD": password}
        channel = open_channel(
            "email",
            SETTINGS.validate_python(content),
            home=Path(),
            lookup=known.get,
            clock=clock,
            attach=attach,
        )
        assert isinstance(channel, EmailChannel)
        return channel

    return open_one


def fail(channel: EmailChannel, address: str = READER) -> DeliveryFailure:
    with pytest.raises(DeliveryFailure) as failed:
        channel.send(make_message(BODY, subject=SUBJECT, address=address))
    return failed.value


# What arrives


def test_a_mail_arrives_as_text_and_html_under_a_chinese_subject(server: MailServer, open_mail: OpenMail) -> None:
    open_mail(server).send(make_message(BODY, subject=SUBJECT, address=READER))
    [mail] = server.box.mails
    assert mail["Subject"] == SUBJECT
    assert (mail["From"], mail["To"]) == (f"五星支部评估 <{USER}>", READER)
    assert mail["Date"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text.get_content().splitlines() == [
        SUBJECT,
        "",
        "月度监测结果（暂定）。",
        "",
        "州桥社区亮星 3 颗。",
        "",
        ".一行以点开头",
        "",
        "· 平安：亮",
    ]
    assert "<strong>州桥社区</strong>亮星 3 颗。" in page.get_content()
    assert "<td" in page.get_content()
    assert (server.box.senders, server.box.recipients) == ([USER], [READER])


def test_files_go_along_under_their_chinese_names(server: MailServer, open_mail: OpenMail) -> None:
    files = [Attachment("审定表 三月.xlsx", b"PK\x03\x04\r\n.\r\n\x00", "application/vnd.ms-excel")]
    open_mail(server, attach=lambda message: files if message.message == "star_card" else ()).send(
        make_message(BODY, subject=SUBJECT, address=READER)
    )
    [file] = server.box.mails[0].iter_attachments()
    assert file.get_filename() == "审定表 三月.xlsx"
    assert file.get_content_type() == "application/vnd.ms-excel"
    assert file.get_content() == b"PK\x03\x04\r\n.\r\n\x00"


def test_the_same_message_is_the_same_mail_to_the_byte(server: MailServer, open_mail: OpenMail) -> None:
    channel = open_mail(server)
    message = make_message(BODY, subject=SUBJECT, address=READER)
    channel.send(message)
    channel.send(message)
    first, second = server.box.taken
    assert first == second
    assert channel.check(message).payloads[0].content.encode().rstrip() == first.rstrip()
    assert server.box.mails[0]["Message-ID"].endswith("@example.org>")


def test_nothing_is_sent_that_is_not_plain_ascii(server: MailServer, open_mail: OpenMail) -> None:
    open_mail(server).send(make_message(BODY, subject=SUBJECT, address=READER))
    assert server.box.taken[0].isascii()
    assert max(map(len, server.box.taken[0].splitlines())) <= 998


def test_a_part_that_has_arrived_is_not_sent_again(server: MailServer, open_mail: OpenMail) -> None:
    open_mail(server).send(make_message(BODY, address=READER), sent_count=1)
    assert server.box.taken == []


# What is refused


def test_a_wrong_password_is_final(server: MailServer, open_mail: OpenMail) -> None:
    failure = fail(open_mail(server, password="wrong-password"))
    assert (type(failure), failure.code) == (PermanentFailure, "535")
    assert "refused the login with 535" in str(failure)
    assert "授权码" in str(failure)
    assert "wrong-password" not in str(failure)


def test_a_login_that_is_out_of_order_is_tried_again(server: MailServer, open_mail: OpenMail) -> None:
    server.box.login_reply = "454 4.7.0 Temporary authentication failure"
    failure = fail(open_mail(server))
    assert (type(failure), failure.code) == (TransientFailure, "454")


@pytest.mark.parametrize(
    ("step", "reply", "expected"),
    [
        ("RCPT", "550 5.1.1 <ADDRESS>: no such user", (PermanentFailure, "correct the contact")),
        ("RCPT", "553 5.1.3 bad address", (PermanentFailure, "correct the contact")),
        ("RCPT", "450 4.2.0 <ADDRESS>: greylisted", (TransientFailure, "tried again later")),
        ("RCPT", "452 4.2.2 mailbox full", (TransientFailure, "tried again later")),
        ("RCPT", "552 5.2.2 mailbox full", (PermanentFailure, "mailbox emptied")),
        ("MAIL", "553 5.7.1 not your address", (PermanentFailure, "Check sender in notify.yaml")),
        ("MAIL", "421 4.7.0 too many connections", (TransientFailure, "tried again later")),
        ("DATA", "554 5.7.1 spam", (PermanentFailure, "Ask who runs the mail server")),
        ("DATA", "552 5.3.4 too big", (PermanentFailure, "attachments smaller")),
        ("DATA", "451 4.3.0 try later", (TransientFailure, "tried again later")),
    ],
)
def test_a_reply_of_400_passes_and_one_of_500_stays(
    step: str, reply: str, expected: tuple[type[DeliveryFailure], str], tmp_path: Path, open_mail: OpenMail
) -> None:
    with serve_mail(tmp_path, "starttls") as server:
        server.box.replies[step] = reply
        failure = fail(open_mail(server))
    assert (type(failure), failure.code) == (expected[0], reply[:3])
    assert expected[1] in str(failure)
    assert READER not in str(failure)


@pytest.mark.parametrize(
    "address", ["no address", "a@b", "a@b@example.org", "王@example.org", "a@example.org\r\nX: y"]
)
def test_an_address_that_is_none_is_refused_before_anybody_is_asked(
    address: str, tmp_path: Path, open_mail: OpenMail
) -> None:
    with serve_mail(tmp_path, "starttls") as server:
        failure = fail(open_mail(server), address)
        assert server.box.logins == 0
    assert type(failure) is PermanentFailure
    assert "the contact's address is no e-mail address" in str(failure)
    assert address not in str(failure)


def test_a_mail_over_the_limit_is_refused_with_both_figures(tmp_path: Path, open_mail: OpenMail) -> None:
    files = [Attachment("a.bin", b"x" * 20_000)]
    with serve_mail(tmp_path, "starttls") as server:
        failure = fail(open_mail(server, attach=lambda _: files, limit_bytes=10_000))
    assert type(failure) is PermanentFailure
    assert "limit_bytes is 10,000" in str(failure)


def test_a_password_that_is_not_set_is_told_by_its_name(tmp_path: Path, open_mail: OpenMail) -> None:
    with serve_mail(tmp_path, "starttls") as server:
        failure = fail(open_mail(server, password=""))
    assert "notify.yaml, channels.email.password: ${MAIL_PASSWORD} is not set" in str(failure)


# Connections


def test_a_certificate_that_nobody_trusts_is_refused(server: MailServer, open_mail: OpenMail) -> None:
    failure = fail(open_mail(server, ca_file=""))
    assert type(failure) is PermanentFailure
    assert "its certificate is not trusted" in str(failure)
    assert server.box.logins == 0


def test_a_missing_ca_file_is_named(server: MailServer, open_mail: OpenMail, tmp_path: Path) -> None:
    failure = fail(open_mail(server, ca_file=str(tmp_path / "none.pem")))
    assert "channels.email.ca_file" in str(failure)


def test_nothing_goes_out_in_the_clear(tmp_path: Path, open_mail: OpenMail) -> None:
    with serve_mail(tmp_path, "none") as server:
        failure = fail(open_mail(server, security="starttls"))
        assert type(failure) is PermanentFailure
        assert "offers no STARTTLS" in str(failure)
        failure = fail(open_mail(server, security="tls"))
        assert type(failure) is PermanentFailure
        assert "no TLS there" in str(failure)
        assert server.box.taken == []


def test_a_server_that_is_not_there_is_tried_again(tmp_path: Path, open_mail: OpenMail) -> None:
    with serve_mail(tmp_path, "starttls") as server:
        pass
    failure = fail(open_mail(server))
    assert type(failure) is TransientFailure
    assert "cannot be reached" in str(failure)


@pytest.mark.parametrize("step", ["MAIL", "RCPT"])
def test_a_connection_lost_before_the_mail_is_tried_again(step: str, tmp_path: Path, open_mail: OpenMail) -> None:
    with serve_mail(tmp_path, "starttls") as server:
        server.box.replies[step] = "CUT"
        assert type(fail(open_mail(server))) is TransientFailure


@pytest.mark.parametrize("cut", ["CUT", "TAKE AND CUT"])
def test_a_connection_lost_after_the_mail_leaves_open_whether_it_arrived(
    cut: str, tmp_path: Path, open_mail: OpenMail
) -> None:
    with serve_mail(tmp_path, "starttls") as server:
        server.box.replies["DATA"] = cut
        failure = fail(open_mail(server))
        assert len(server.box.taken) == (cut == "TAKE AND CUT")
    assert type(failure) is OutcomeUnknown
    assert "It may have arrived" in str(failure)


def test_a_server_that_is_silent_is_tried_again(tmp_path: Path, open_mail: OpenMail) -> None:
    with socket.create_server((HOST, 0)) as silent:
        server = MailServer(silent.getsockname()[1], Mailbox(), tmp_path, "starttls")
        failure = fail(open_mail(server, ca_file="", timeout_seconds=1))
    assert type(failure) is TransientFailure


def test_a_limit_holds_for_all_mail_of_one_user(server: MailServer, open_mail: OpenMail) -> None:
    assert open_mail(server).find_quota(make_message()) is None
    quota = open_mail(server, limit_per_minute=30).find_quota(make_message())
    assert quota == Quota(f"smtp:{USER}@{HOST}:{server.port}", (RateLimit(30, 60),), is_of_channel=True)


def test_a_check_writes_the_mail_and_asks_nobody(server: MailServer, open_mail: OpenMail) -> None:
    payload = open_mail(server).check(make_message(BODY, subject=SUBJECT, address=READER)).payloads[0]
    assert payload.text.startswith(SUBJECT)
    assert payload.size_bytes == len(payload.content)
    assert PASSWORD not in str(payload)
    assert server.box.logins == 0
