"""An S3 server of the tests' own, on loopback: moto's, which keeps objects in memory."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

BUCKET = "lakes"
SECONDS_MAX = 60
KEYS = {"AWS_ACCESS_KEY_ID": "s3-test-key", "AWS_SECRET_ACCESS_KEY": "s3-t3st-s3cret"}
NO_ROLE = {"AWS_EC2_METADATA_DISABLED": "true"}
"""So that nobody asks the network for a machine's role."""


class S3Server:
    """A running server with one bucket."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.root = f"http://127.0.0.1:{port}"

    def write_url(self, prefix: str, *, bucket: str = BUCKET, port: int | None = None) -> str:
        """What FIVESTAR_LAKE_URL says for a lake of its own in the bucket."""
        return f"s3://{bucket}/{prefix}?scheme=http&region=us-east-1&endpoint_override=127.0.0.1:{port or self.port}"

    @contextmanager
    def check_keys(self) -> Iterator[None]:
        """Inside the block the server knows no key, so that every request is refused."""
        self._count_free_requests("0")
        try:
            yield
        finally:
            self._count_free_requests("inf")

    def _count_free_requests(self, count: str) -> None:
        headers = {"Content-Type": "text/plain"}
        url = f"{self.root}/moto-api/reset-auth"
        requests.post(url, data=count, headers=headers, timeout=SECONDS_MAX).raise_for_status()


@contextmanager
def start_s3() -> Iterator[S3Server]:
    """A server that runs inside the block; the environment holds keys for it."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 -- seconds that only who needs it pays

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        requests.put(f"http://127.0.0.1:{port}/{BUCKET}", timeout=SECONDS_MAX).raise_for_status()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**KEYS, **NO_ROLE}.items():
                patch.setitem(os.environ, name, value)
            yield S3Server(port)
    finally:
        server.stop()
