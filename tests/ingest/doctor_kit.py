"""What tests of the doctor share: how its findings are read."""

from collections.abc import Callable

from flows.errors import ConfigurationError, ContractBroken, FivestarError, SourceUnavailable
from flows.ingest.doctor import Finding

Examine = Callable[..., list[Finding]]

PERSON = "欧阳建国"
AREA = "test_platform/incidents"


def list_told(findings: list[Finding], level: str, area: str = AREA) -> list[str]:
    return [it.text for it in findings if (it.level, it.area) == (level, area)]


def list_errors(findings: list[Finding]) -> list[type[FivestarError]]:
    known = (ConfigurationError, ContractBroken, SourceUnavailable)
    return [kind for it in findings for kind in known if isinstance(it.error, kind)]
