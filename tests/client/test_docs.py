"""The docs say what the code does."""

import ast
import re
import runpy
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from pydantic import BaseModel

from snnlab.client.cli import COMMANDS
from snnlab.client.trouble import Code
from snnlab.experiments.queries import State
from snnlab.experiments.queue import REASONS
from snnlab.experiments.search.conditions import condition
from snnlab.experiments.search.fields import FIELDS
from snnlab.experiments.search.grammar import SIGNS
from snnlab.learning.metrics import METRICS
from snnlab.learning.presets import presets
from snnlab.learning.problems import kind_of, parts_of
from snnlab.learning.spec import Spec
from snnlab.teams.models import User


ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), *(ROOT / n for n in ("README.md", "CONTRIBUTING.md"))]
IN_CODE = re.compile(r"`([^`\n]+)`")


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text()


@cache
def texts() -> tuple[str, ...]:
    """Every text in the code of ours."""
    files = [
        path for folder in ("snnlab", "tools", "workers") for path in ROOT.glob(f"{folder}/**/*.py")
    ]
    trees = (ast.parse(path.read_text()) for path in files)
    nodes = (node for tree in trees for node in ast.walk(tree))
    return tuple(n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.stem)
def test_what_is_made_from_the_code_is_up_to_date(path: Path) -> None:
    filled = runpy.run_path(str(DOCS / "tables.py"))["filled"]
    assert filled(path.read_text()) == path.read_text(), "run: python docs/tables.py"


def places(part: type[BaseModel]) -> Iterator[str]:
    """The fields of a part, and those of parts inside it by their path."""
    for name, field in part.model_fields.items():
        inner = [place for one in parts_of(field) for place in places(one)]
        if name != "kind":
            yield from (f"{name}.{place}" for place in inner) if inner else [name]


def test_every_kind_and_field_is_documented() -> None:
    text = page("definition")
    for name, field in Spec.model_fields.items():
        assert f"`{name}`" in text or f"`[{name}]`" in text
        for part in parts_of(field):
            assert f'`kind = "{kind_of(part)}"`' in text
            assert all(f"| `{place}` |" in text for place in places(part))
    assert all(f"`{preset}`" in text for preset in presets())


def test_every_metric_is_documented() -> None:
    assert all(f"| `{name}` | {m.unit} |" in page("boards") for name, m in METRICS.items())


def test_every_command_and_exit_code_is_documented() -> None:
    text = page("command-line")
    assert all(f"## snnlab {name}\n" in text for name in COMMANDS)
    assert all(f"| {int(code)} | " in text for code in Code)


def test_every_state_and_reason_is_explained() -> None:
    text = page("concepts")
    assert all(f"`{word}`" in text for word in (*State.values, *REASONS))


def test_no_setting_is_documented_that_does_not_exist() -> None:
    first = re.findall(r"^\| `([A-Z_]+)` \|", page("settings"), re.MULTILINE)
    assert len(first) == len(set(first))
    assert set(first) <= set(texts())


def test_every_message_in_troubleshooting_can_be_met() -> None:
    cells = re.findall(r"^\| (`.*?) \|", page("troubleshooting"), re.MULTILINE)
    messages = [message for cell in cells for message in IN_CODE.findall(cell)]
    assert len(messages) > 30
    assert [m for m in messages if not any(m in text for text in texts())] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_link_leads_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text())
    pages = [target for target in targets if "docs/images/" not in target]
    assert [target for target in pages if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_file_that_is_named_exists(path: Path) -> None:
    named = [
        n for n in IN_CODE.findall(path.read_text()) if re.match(r"(tests|docker|docs)/\S+\.", n)
    ]
    assert [name for name in named if not (ROOT / name.partition("::")[0]).exists()] == []


def test_every_promise_names_tests_that_exist() -> None:
    table = page("guarantees").partition("| promise |")[2].partition("\n\n")[0]
    promises = [line.split(" | ") for line in table.splitlines()[2:]]
    assert len(promises) > 30
    for promise, _, shown in promises:
        named = [name.partition("::") for name in IN_CODE.findall(shown)]
        assert named, promise
        for file, _, test in named:
            assert f"\ndef {test}(" in (ROOT / file).read_text(), f"{promise}: {file} has no {test}"


def test_every_example_of_a_search_can_be_read() -> None:
    blocks = re.findall(r"```search\n(.*?)```", page("search"), re.DOTALL)
    examples = [line for block in blocks for line in block.splitlines()]
    assert len(examples) > 10
    for example in (*examples, *(f"{name} = missing" for name in FIELDS if name != "starred")):
        assert condition(example, User(pk=1, username="ada")).sql


def test_every_field_and_sign_of_a_search_is_documented() -> None:
    assert all(f"| `{name}` |" in page("search") for name in FIELDS)
    assert all(f"`{sign}`" in page("search") for sign in SIGNS)


def test_the_example_of_the_readme_is_a_valid_definition() -> None:
    readme = (ROOT / "README.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    assert Spec.from_toml(example).dataset.found()
    assert len(readme.splitlines()) < 200
