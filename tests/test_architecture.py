import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[1]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


def test_no_package_knows_more_than_it_may():
    result = subprocess.run([LINT_IMPORTS, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_no_file_is_too_long_to_read():
    files = [
        path
        for package in ("snnlab", "workers", "hardware", "tools")
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts
    ]
    assert not [str(path) for path in files if len(path.read_text().splitlines()) > 300]


@pytest.mark.parametrize(
    "module",
    [
        "snnlab.experiments.actions",
        "snnlab.experiments.queries",
        "workers.tasks",
        "snnlab.client.up",
    ],
)
def test_torch_stays_out_of(module):
    code = (
        "import sys, importlib, django; django.setup(); importlib.import_module(sys.argv[1]);"
        "sys.exit('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, module]
    assert subprocess.run(command, cwd=ROOT).returncode == 0


def test_the_embedded_servers_know_no_django():
    code = "import sys, snnlab.embedded.postgres, snnlab.embedded.valkey, snnlab.embedded.lock;"
    code += "sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
