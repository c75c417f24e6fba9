"""The only policy value that the sandbox sets: the base pay, which ships as null."""

from pathlib import Path

from ruamel.yaml import YAML

from flows.errors import ConfigurationError

BASE_FEN = 340_000
TAG = "assumed"
REFERENCE = "他市数字，仅供演示城市使用（another city's figure; sandbox only）"


def set_base_pay(file: Path) -> None:
    """Put 3,400.00 yuan into every unset entry of `base_fen`, tagged as assumed; the rest of the file stays.

    Raises `ConfigurationError` if the file has no such value.
    """
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 200
    content = yaml.load(file)
    if "base_fen" not in content:
        raise ConfigurationError(
            f"{file.name}: base_fen is missing, so the sandbox cannot set its base pay. Take the shipped file."
        )
    for entry in content["base_fen"]["values"]:
        if entry["value"] is None:
            entry.update(value=BASE_FEN, tag=TAG, reference=REFERENCE)
    yaml.dump(content, file)
