"""A PostgreSQL of the tests' own: Debian's programs, a folder for temporary files, a free port of loopback."""

import os
import pwd
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

PROGRAMS = Path("/usr/lib/postgresql")
OWNER = ("curator", "cur@tor-s3cret")
READER = ("reader", "re@der/s3cret")
"""May read what the owner makes, and nothing more. Its password needs quoting in a URL."""


class PostgresqlServer:
    """A running server with the database `exchange`, in which each test makes what it needs."""

    def __init__(self, port: int, folder: "_Folder") -> None:
        self.port = port
        self._folder = folder

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The server is down inside the block, and up again after it, at the same port."""
        self._folder.run("pg_ctl", "stop", "--mode=fast", "--wait")
        try:
            yield
        finally:
            self._folder.start(self.port)

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of the owner; each statement is a transaction."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=OWNER[0], password=OWNER[1], dbname="exchange", autocommit=True
        )

    def run(self, *statements: str) -> None:
        """Let the owner run the statements."""
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    def empty(self) -> None:
        """Nothing in the database, but the reader may read what comes."""
        self.run(
            "DROP SCHEMA IF EXISTS public, exchange CASCADE",
            "CREATE SCHEMA public",
            "CREATE SCHEMA exchange",
            f"GRANT USAGE ON SCHEMA public, exchange TO {READER[0]}",
            f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {READER[0]}",
        )

    def write_url(self, *, password: str = READER[1], port: int | None = None, name: str = "exchange") -> str:
        """The reader's URL."""
        secret = quote(password, safe="")
        return f"postgresql+psycopg://{READER[0]}:{secret}@127.0.0.1:{port or self.port}/{name}"

    def write_owner_url(self) -> str:
        """The URL of the owner, who may make tables."""
        return f"postgresql+psycopg://{OWNER[0]}:{quote(OWNER[1], safe='')}@127.0.0.1:{self.port}/exchange"


@contextmanager
def start_postgresql() -> Iterator[PostgresqlServer]:
    """A server; it refuses to run as root, so root hands it to `postgres`."""
    programs = sorted(PROGRAMS.glob("*/bin"), key=lambda it: int(it.parent.name))
    if not programs:
        pytest.skip("PostgreSQL is not installed")
    # Not below pytest's own folder, which is closed to other users.
    folder = _Folder(Path(tempfile.mkdtemp(prefix="fivestar-postgresql-", dir="/tmp")), programs[-1])
    with folder.guard():
        port = folder.make()
        _prepare(port)
        yield PostgresqlServer(port, folder)


class _Folder:
    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder = folder
        self._programs = programs
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            self._user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(folder, account.pw_uid, account.pw_gid)

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Stop the server and remove the folder at the end, also of tests that are killed: it closes the pipe."""
        script = 'read -r _; "$0" stop --pgdata="$1/data" --mode=immediate --wait; rm -rf "$1"'
        guard = subprocess.Popen(
            ["/bin/sh", "-c", script, self._programs / "pg_ctl", self._folder],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._user,
        )
        try:
            yield
        finally:
            guard.communicate()

    def make(self) -> int:
        """Make a cluster and start it; answers its port."""
        secret = self._folder / "secret"
        secret.write_text(OWNER[1], encoding="utf-8")
        secret.chmod(0o644)
        options = ("--auth=scram-sha-256", f"--pwfile={secret}", f"--username={OWNER[0]}", "--encoding=UTF8")
        self.run("initdb", *options, "--locale=C", "--no-sync", "--no-instructions")
        # Looked for last: tests of another worker take ports too.
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port: int = listener.getsockname()[1]
        self.start(port)
        return port

    def start(self, port: int) -> None:
        """Start the server at the port."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": self._folder,
            "fsync": "off",
            "max_connections": 20,
            "shared_buffers": "16MB",
            "timezone": "Asia/Shanghai",
        }
        stated = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self.run("pg_ctl", "start", "--wait", f"--log={self._folder / 'log'}", f"--options={stated}")

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the programs on the cluster, without root's rights."""
        # The server outlives pg_ctl and would hold a pipe open, so what is said goes nowhere.
        subprocess.run(
            [self._programs / program, f"--pgdata={self._folder / 'data'}", *arguments],
            check=True,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._user,
        )


def _prepare(port: int) -> None:
    with psycopg.connect(
        host="127.0.0.1", port=port, user=OWNER[0], password=OWNER[1], dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(f"CREATE ROLE {READER[0]} LOGIN PASSWORD '{READER[1]}'")
        # Made for a language: what is ordered by the database's own order shows, for it isn't that of SQLite.
        connection.execute("CREATE DATABASE exchange TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'zh-Hans-CN'")
