"""What the files for containers say, read as an engine reads them."""

import re
import shlex
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]


def read_compose() -> dict[str, Any]:
    """compose.yaml with its merges done and its variables replaced, none of which is set."""
    return dict(_interpolate(YAML(typ="safe").load((ROOT / "compose.yaml").read_text(encoding="utf-8"))))


def list_instructions() -> list[tuple[str, list[str]]]:
    """The Dockerfile's instructions in their order, each with its words."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.partition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, shlex.split(words)) for name, _, words in lines]


def read_image_environment() -> dict[str, str]:
    """What the Dockerfile sets for whatever runs in the image; `PATH` has `${PATH}` in it."""
    return dict(word.split("=", 1) for name, words in list_instructions() if name == "ENV" for word in words)


def _interpolate(value: Any) -> Any:
    """As Compose reads it: `${NAME:-default}` is the default, `$$` a dollar sign."""
    if isinstance(value, dict):
        return {key: _interpolate(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_interpolate(each) for each in value]
    if not isinstance(value, str):
        return value
    return re.sub(r"\$(\$)|\$\{\w+:-([^}]*)\}", lambda match: match[1] or match[2], value)
