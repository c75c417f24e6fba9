"""Temporary folders that tell whose they are, so that what a killed process leaves can be removed."""

import os
import shutil
import socket
import uuid
from pathlib import Path

STAGING = ".staging"


def name_leftover() -> str:
    """A name for a temporary folder that tells, if it is left behind, whose it was."""
    return f"{socket.gethostname()}~{os.getpid()}~{uuid.uuid4().hex}"


def remove_leftovers(folder: Path) -> None:
    """Remove what processes of this machine that are gone have left in `folder`."""
    for path in folder.glob(f"{socket.gethostname()}~*~*"):
        try:
            os.kill(int(path.name.split("~")[1]), 0)
        except ProcessLookupError:
            shutil.rmtree(path, ignore_errors=True)
        except PermissionError:
            continue  # another user's process lives
