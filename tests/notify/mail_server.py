"""A mail server on loopback with TLS and login, which can be told to refuse or to break off."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
USER = "fivestar@example.org"
PASSWORD = "mail-password-demo"


@dataclass
class Mailbox:
    """What the server took, and what it is to do at each step instead: a reply, or `CUT` for the connection."""

    taken: list[bytes] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    replies: dict[str, str] = field(default_factory=dict)
    login_reply: str = ""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    taken_at: list[datetime] = field(default_factory=list)
    logins: int = 0

    @property
    def mails(self) -> list[EmailMessage]:
        """The mails taken, read."""
        return [message_from_bytes(data, policy=default) for data in self.taken]  # type: ignore[misc]

    def authenticate(self, _server: SMTP, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        """Whether the login is right."""
        self.logins += 1
        if self.login_reply:
            return AuthResult(success=False, handled=False, message=self.login_reply)
        is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (
            USER.encode(),
            PASSWORD.encode(),
        )
        return AuthResult(success=is_right, handled=False)

    async def handle_MAIL(self, server: SMTP, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        """The sender."""
        return self._reply("MAIL", server) or self._set_sender(envelope, address)

    async def handle_RCPT(self, server: SMTP, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        """The recipient."""
        reply = self._reply("RCPT", server)
        if reply:
            return reply.replace("ADDRESS", address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Any) -> str:  # noqa: N802
        """The mail itself."""
        if self.replies.get("DATA") == "TAKE AND CUT":
            self._take(envelope)
        reply = self._reply("DATA", server)
        if reply:
            return reply
        self._take(envelope)
        return "250 OK"

    def _set_sender(self, envelope: Any, address: str) -> str:
        envelope.mail_from = address
        return "250 OK"

    def _take(self, envelope: Any) -> None:
        self.taken.append(envelope.content)
        self.taken_at.append(self.clock())
        self.senders.append(envelope.mail_from)
        self.recipients.extend(envelope.rcpt_tos)

    def _reply(self, step: str, server: SMTP) -> str:
        reply = self.replies.get(step, "")
        if reply.endswith("CUT"):
            server.transport.abort()
            return "421 gone"
        return reply


@dataclass(frozen=True)
class MailServer:
    """A running server: its port, what it does, and the file that its certificate stands in."""

    port: int
    box: Mailbox
    ca_file: Path
    security: str


class _Controller(Controller):
    """Takes any free port; the base class would knock at port 0 to see whether it runs."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def serve_mail(folder: Path, security: str) -> Iterator[MailServer]:
    """A server with `starttls`, with `tls` from the first byte, or with `none`, until the block ends."""
    box = Mailbox()
    ca_file = folder / "ca.pem"
    context = make_context(folder, ca_file)
    auth = {"authenticator": box.authenticate, "auth_required": True}
    if security == "starttls":
        controller = _Controller(box, HOST, port=0, tls_context=context, require_starttls=True, **auth)
    elif security == "tls":
        controller = _Controller(box, HOST, port=0, ssl_context=context, auth_require_tls=False, **auth)
    else:
        controller = _Controller(box, HOST, port=0)
    controller.start()
    try:
        yield MailServer(controller.port, box, ca_file, security)
    finally:
        controller.stop()


def make_context(folder: Path, ca_file: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate that signs itself, written to `ca_file`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail of the tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file = folder / "key.pem"
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca_file, key_file)
    return context
