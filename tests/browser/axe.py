"""axe-core looks at a page that is open: what keeps somebody from using it, by WCAG 2.2 AA."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any


RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, {runOnly: arguments[0], resultTypes: ["violations"]})
   .then(({violations}) => done(violations), (error) => done([{id: String(error), nodes: []}]));
"""


def script() -> str:
    """The text of axe, from the package that carries it; the package itself is not imported."""
    found = find_spec("axe_playwright_python")
    assert found
    assert found.origin
    return (Path(found.origin).parent / "axe.min.js").read_text()


def violations(driver: Any) -> list[str]:
    """Each rule that the page breaks, and where."""
    driver.execute_script(script())
    found = driver.execute_async_script(RUN, RULES)
    return [
        f"{each['id']}: {node['target']} {why(node)}" for each in found for node in each["nodes"]
    ]


def why(node: dict[str, Any]) -> str:
    return " ".join(node["failureSummary"].split())[:300]
