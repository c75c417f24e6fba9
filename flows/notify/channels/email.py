"""The channel `email`: SMTP with STARTTLS or implicit TLS, never in the clear. Codes: docs/messages.md."""

import re
import smtplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.errors import HeaderParseError
from email.headerregistry import Address
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

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
    TransientFailure,
    permit_all,
)
from flows.notify.channels.letter import Attachment, write_email, write_text
from flows.notify.channels.robot import Clock
from flows.notify.channels.settings import MASK, ChannelSettings, Secret, resolve_secret
from flows.settings import Lookup

MINUTE_SECONDS = 60
ACCEPTED = 250
START_MAIL = 354
TRANSIENT_FROM, PERMANENT_FROM = 400, 500
REPLY_CHARACTERS = 200
_ADDRESS = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,}"
_PLACED_DOT = re.compile(rb"(?m)^\.")
_UNKNOWN_RECIPIENT = (550, 551, 553)
_TOO_LARGE = (523, 552)

Attach = Callable[[Message], Sequence[Attachment]]
"""The files that go with a message."""


def find_mailbox_fault(address: str) -> str:
    """Why an address is no mailbox; empty if it is one."""
    return "" if re.fullmatch(_ADDRESS, address) else "address is no e-mail address"


class EmailSettings(ChannelSettings):
    """The mail server, who logs in there, and whom the mail is from."""

    kind: Literal["email"]
    host: str = Field(pattern=r"^[A-Za-z0-9.:-]+$")
    port: int = Field(ge=1, le=65535)
    security: Literal["starttls", "tls"]
    username: str = Field(min_length=1)
    password: Secret
    sender: str = Field(pattern=f"^{_ADDRESS}$")
    sender_name: str = ""
    ca_file: str = ""
    timeout_seconds: int = Field(default=30, ge=1, le=120)
    limit_per_minute: int = Field(default=0, ge=0)
    limit_bytes: int = Field(default=20_000_000, ge=10_000)


class EmailChannel:
    """Messages by mail, one connection each; a contact's address is an e-mail address."""

    repeats_safely: ClassVar[bool] = True

    def __init__(
        self, name: str, settings: EmailSettings, *, lookup: Lookup, clock: Clock, attach: Attach | None = None
    ) -> None:
        self._name = name
        self._settings = settings
        self._lookup = lookup
        self._clock = clock
        self._attach = attach or (lambda _: ())
        self._server = f"{settings.host}:{settings.port}"

    def check(self, message: Message) -> Receipt:
        """The mail as it would be handed over; its password is looked up, and the server not asked."""
        self._find_password()
        data = self._write(message)
        payload = Payload(
            target=f"smtp://{self._server} ({self._settings.security})",
            content=data.decode("ascii"),
            text=write_text(message),
            size_bytes=len(data),
            limit_bytes=self._settings.limit_bytes,
        )
        return Receipt(self._name, (payload,))

    def send(self, message: Message, *, sent_count: int = 0, permit: Permit = permit_all) -> Receipt:
        """The mail handed over to the server, which then is answerable for it.

        The mail bears the same Message-ID each time, so that after `OutcomeUnknown` a second one can be known.
        """
        if sent_count:
            return Receipt(self._name)
        data = self._write(message)
        password = self._find_password()
        permit()
        with self._connect(password) as server:
            self._hand_over(server, message.address, data)
        return Receipt(self._name)

    def find_quota(self, message: Message) -> Quota | None:  # noqa: ARG002 -- all go by one server
        """The limit of notify.yaml, if it sets one, for all messages that this user sends by this server."""
        if not self._settings.limit_per_minute:
            return None
        limit = RateLimit(self._settings.limit_per_minute, MINUTE_SECONDS)
        return Quota(f"smtp:{self._settings.username}@{self._server}", (limit,), is_of_channel=True)

    def _find_username(self) -> str:
        return resolve_secret(f"channels.{self._name}.username", self._settings.username, self._lookup)

    def _find_password(self) -> str:
        return resolve_secret(f"channels.{self._name}.password", self._settings.password, self._lookup)

    def _write(self, message: Message) -> bytes:
        fault = find_mailbox_fault(message.address)
        if fault:
            raise PermanentFailure(f"the contact's {fault}. Correct the contact and land it again; then resend.")
        user, _, domain = self._settings.sender.partition("@")
        try:
            sender = Address(self._settings.sender_name, user, domain)
            email = write_email(message, sender=sender, attachments=self._attach(message), dated_at=self._clock())
        except (HeaderParseError, ValueError) as error:
            raise PermanentFailure(
                f"the mail cannot be written ({type(error).__name__}). Check the message's subject, and sender and "
                "sender_name in notify.yaml; then resend."
            ) from None
        data = email.as_bytes()
        if len(data) > self._settings.limit_bytes:
            raise PermanentFailure(
                f"too large: {len(data):,} bytes with attachments, and limit_bytes is "
                f"{self._settings.limit_bytes:,}. Make the attachments smaller, or raise the limit if the "
                "mail server takes more; then resend."
            )
        return data

    @contextmanager
    def _connect(self, password: str) -> Iterator[smtplib.SMTP]:
        """A connection that is encrypted and logged in."""
        with _explaining(self._server):
            server = self._open()
        try:
            with _explaining(self._server):
                if self._settings.security == "starttls":
                    server.starttls(context=self._make_context())
                server.ehlo_or_helo_if_needed()
                server.login(self._find_username(), password)
            yield server
        finally:
            _leave(server)

    def _open(self) -> smtplib.SMTP:
        host, port, timeout = self._settings.host, self._settings.port, self._settings.timeout_seconds
        if self._settings.security == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=timeout, context=self._make_context())
        return smtplib.SMTP(host, port, timeout=timeout)

    def _make_context(self) -> ssl.SSLContext:
        file = self._settings.ca_file
        if file and not Path(file).is_file():
            raise PermanentFailure(
                f"notify.yaml, channels.{self._name}.ca_file: {file} is not there. Put the certificate there; then "
                "resend."
            )
        return ssl.create_default_context(cafile=file or None)

    def _hand_over(self, server: smtplib.SMTP, address: str, data: bytes) -> None:
        """The mail handed over step by step, for only after its last byte it isn't known whether it was taken."""
        with _explaining(self._server):
            self._require(server.mail(self._settings.sender), "the sender")
            self._require(server.rcpt(address), "the recipient", address)
            code, reply = server.docmd("DATA")
            if code != START_MAIL:
                raise _refuse(self._server, code, reply, "the mail")
        try:
            server.send(_PLACED_DOT.sub(b"..", data) + (b"" if data.endswith(b"\r\n") else b"\r\n") + b".\r\n")
            answer = server.getreply()
        except (OSError, smtplib.SMTPException):
            raise OutcomeUnknown(
                f"the connection to {self._server} was lost after the mail was sent. It may have arrived: ask the "
                "recipient or look in the mail server's log, and resend it only if it isn't there. It would bear the "
                "same Message-ID."
            ) from None
        self._require(answer, "the mail", address)

    def _require(self, answer: tuple[int, bytes], what: str, address: str = "") -> None:
        code, reply = answer
        if not ACCEPTED <= code < ACCEPTED + 2:
            raise _refuse(self._server, code, reply, what, address)


@contextmanager
def _explaining(server: str) -> Iterator[None]:
    """Turns what can go wrong before the mail is sent into failures that say what to do."""
    failure: DeliveryFailure
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        failure = _refuse(server, error.smtp_code, error.smtp_error, "the login")
    except smtplib.SMTPResponseException as error:
        failure = _refuse(server, error.smtp_code, error.smtp_error, "the connection")
    except (OSError, smtplib.SMTPException) as error:
        failure = _judge_connection(server, error)
    else:
        return
    raise failure from None


def _judge_connection(server: str, error: OSError | smtplib.SMTPException) -> DeliveryFailure:
    if isinstance(error, smtplib.SMTPNotSupportedError) or type(error) is smtplib.SMTPException:
        # The bare class is what smtplib raises where no way to log in is common to both.
        return PermanentFailure(
            f"{server} offers no STARTTLS or no login. Nothing is sent in the clear: set security and port in "
            "notify.yaml as the mail server has them (starttls with 587, tls with 465); then resend."
        )
    if isinstance(error, ssl.SSLError):
        what = "its certificate is not trusted" if isinstance(error, ssl.SSLCertVerificationError) else "no TLS there"
        return PermanentFailure(
            f"{server}: {what}. Check host, port and security in notify.yaml, name the authority's certificate as "
            "ca_file if it is the house's own, and check this machine's clock; then resend."
        )
    return TransientFailure(f"{server} cannot be reached, or broke off. It is tried again later.")


def _refuse(server: str, code: int, reply: bytes | str, what: str, address: str = "") -> DeliveryFailure:
    """What a reply of 400 or more means: 4yz may pass later, 5yz won't."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    if address:
        text = text.replace(address, MASK)
    said = f"{server} refused {what} with {code}: “{' '.join(text.split())[:REPLY_CHARACTERS]}”."
    if code < PERMANENT_FROM:
        return TransientFailure(f"{said} It is tried again later.", code=str(code))
    if what == "the login":
        advice = "Check username and password (many mail houses want an authorisation code, 授权码, in its place)"
    elif what == "the recipient" and code in _UNKNOWN_RECIPIENT:
        advice = (
            "The server doesn't know the address, or may not pass mail to it: correct the contact and land it again"
        )
    elif code in _TOO_LARGE:
        advice = "Make the attachments smaller, or have the recipient's mailbox emptied"
    elif what == "the sender":
        advice = "Check sender in notify.yaml: most servers take only the user's own address"
    else:
        advice = "Ask who runs the mail server"
    return PermanentFailure(f"{said} {advice}; then resend.", code=str(code))


def _leave(server: smtplib.SMTP) -> None:
    """Goodbye, if there still is somebody to hear it."""
    try:
        server.quit()
    except (OSError, smtplib.SMTPException):
        server.close()
