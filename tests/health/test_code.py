"""The repository's own rules that no linter knows (style.md, architecture.md)."""

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
# A migration's functions have the form that Alembic calls.
CODE = sorted(path for path in (ROOT / "flows").rglob("*.py") if "migrations" not in path.parts)
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LINES_MAX = 320
# The flows', the command line's, and that of the sandbox's platform, which refuses old signatures as real ones do.
MAY_READ_THE_CLOCK = {"flows/ingest/flow.py", "flows/cli/options.py", "flows/sandbox/dialects.py"}
MAY_SKIP = {
    "tests/postgresql_server.py", "tests/review/test_workbook_libreoffice.py", "tests/examples/test_real_data.py",
    "tests/test_disk.py",
}  # fmt: skip
"""Where PostgreSQL's or LibreOffice's package, real data that stays outside, or the right to mount may be missing."""
EXACT = {"exact.py", "month.py", "results.py", "decisions.py", "policy.py"}

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def list_calls(tree: ast.AST) -> list[tuple[str, int]]:
    """What is called, by its dotted name, and on which line."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [(ast.unparse(call.func), call.lineno) for call in calls]


def list_attributes(tree: ast.AST) -> set[str]:
    """The dotted names used."""
    return {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_everything_public_says_what_it_is() -> None:
    found = set()
    for path in CODE:
        tree = parse(path)
        if not ast.get_docstring(tree) and tree.body:
            found.add(name(path))
        public = [node for node in tree.body if isinstance(node, Definition) and not node.name.startswith("_")]
        found |= {f"{name(path)}: {node.name}" for node in public if not ast.get_docstring(node)}
    assert found == set()


def test_a_file_can_be_read_in_one_go() -> None:
    counts = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in CODE}
    assert {path: count for path, count in counts.items() if count > LINES_MAX} == {}


def test_the_environment_is_read_in_settings_only() -> None:
    readers = {"os.environ", "os.getenv", "os.environb"}
    assert {name(path) for path in CODE if list_attributes(parse(path)) & readers} == {"flows/settings.py"}


def test_the_clock_is_read_in_flows_and_the_command_line_only() -> None:
    clocks = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}
    reading = {name(path) for path in CODE if clocks & {called for called, _ in list_calls(parse(path))}}
    assert reading == MAY_READ_THE_CLOCK


def test_nothing_is_printed_but_on_lines_that_are_marked() -> None:
    found = set()
    for path in CODE:
        lines = path.read_text(encoding="utf-8").splitlines()
        printing = {line_no for called, line_no in list_calls(parse(path)) if called == "print"}
        found |= {f"{name(path)}:{number}" for number in printing if "# noqa: T201" not in lines[number - 1]}
    assert found == set()


def test_no_figure_of_money_or_score_is_a_float() -> None:
    exact = [path for path in CODE if path.parent.name in {"evaluate", "ledger"} or path.name in EXACT]
    found = {
        f"{name(path)}:{node.lineno}"
        for path in exact
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, float)
    }
    assert found == set()


def test_no_test_hides_another_of_its_name() -> None:
    found = set()
    for path in TESTS:
        names = Counter(node.name for node in parse(path).body if isinstance(node, Definition))
        found |= {f"{name(path)}: {each}" for each, count in names.items() if count > 1}
    assert found == set()


def test_no_test_is_skipped_excused_or_asleep() -> None:
    excuses = {f"pytest.{word}" for word in ("skip", "xfail", "mark.skip", "mark.skipif", "mark.xfail")}
    excuses.add("time.sleep")
    assert {name(path) for path in TESTS if list_attributes(parse(path)) & excuses} <= MAY_SKIP


def test_test_files_have_names_of_their_own() -> None:
    counts = Counter(path.name for path in TESTS if path.name != "conftest.py")
    assert {found for found, count in counts.items() if count > 1} == set()
