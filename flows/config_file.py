"""A YAML file of the configuration: what it says, or one message on what to mend that repeats none of its values."""

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import Node

from flows.errors import ConfigurationError

_REPEATED = re.compile(
    r"\n.*| with value .*|(?<=alias) .*|(?<=handle) .*|(?<=the tag) .*|(?<=timestamp) from .*", re.DOTALL
)
"""Where the reader's own messages go on with what stands in the file, which may be a secret."""

Kind = Literal["safe", "base"]
"""Whether dates, numbers and truths are told from text, or all is text."""


def read_config(file: Path, absent: str | None = None, *, typ: Kind = "safe") -> Any:
    """What the file says, as plain values.

    Raises `ConfigurationError`, which goes on with `absent` where no such file is; without that, `FileNotFoundError`.
    """
    try:
        return parse_yaml(file.read_text(encoding="utf-8-sig"), typ)
    except FileNotFoundError:
        if absent is None:
            raise
        raise ConfigurationError(f"{file}: not there{absent}") from None
    except OSError as error:
        raise ConfigurationError(
            f"{file}: cannot be read ({error.strerror}). Put a file there that this user may read."
        ) from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file.name}: not YAML in UTF-8: {_describe_fault(error)}. Mend it.") from None


def parse_yaml(text: str, typ: Kind = "safe") -> Any:
    """What the text says, as plain values. Raises `YAMLError`, also for a date or number that there is not."""
    yaml = YAML(typ=typ, pure=True)
    if typ == "safe":
        yaml.Constructor = _Constructor
    try:
        return yaml.load(text)
    except (ValueError, OverflowError):
        raise YAMLError("an escape that stands for no character") from None


def find_fault(error: MarkedYAMLError) -> tuple[int, str]:
    """The line that is not YAML, and why, without what stands there."""
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    return line, _REPEATED.sub("", error.problem or "")


def pick_problem(error: ValidationError) -> ErrorDetails:
    """The one problem to tell: an unknown key first, for what is missing is often only misspelt."""
    problems = error.errors(include_url=False)
    return next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])


class _Constructor(SafeConstructor):
    """Tells the line of a value such as 2027-13-45, at which the class above fails without one."""

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, LookupError):
            problem = "it looks like a date or number, but there is no such one"
            raise ConstructorError(None, None, problem, node.start_mark) from None


def _describe_fault(error: YAMLError | UnicodeDecodeError) -> str:
    if isinstance(error, MarkedYAMLError):
        return "line {}, {}".format(*find_fault(error))
    return "it holds a character that YAML forbids" if isinstance(error, YAMLError) else "it is in another encoding"
