"""The lock was made on one Python, and must hold on every Python that snnlab runs on."""

import re
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PINS = dict(re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.MULTILINE))
WITHOUT_DEPENDENCIES = {"axe-playwright-python", "mlxtend"}


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0", "3.14.0"])
def test_nothing_is_missing_on(python):
    machine = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
    missing = set()
    for name in PINS.keys() - WITHOUT_DEPENDENCIES:
        for text in distribution(name).requires or []:
            needed = Requirement(text)
            wanted = not needed.marker or needed.marker.evaluate({**machine, "extra": ""})
            if wanted and canonicalize_name(needed.name) not in PINS:
                missing.add(f"{name} needs {needed}")
    assert not missing


def test_what_is_locked_is_what_runs():
    different = {name for name, version in PINS.items() if distribution(name).version != version}
    assert not different


def test_every_package_is_locked_by_hash():
    blocks = re.split(r"\n(?=[\w.-]+==)", LOCK)[1:]
    assert len(blocks) == len(PINS)
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_packages_of_single_files_are_in_the_lock():
    assert LOCK.endswith((ROOT / "requirements-files.lock").read_text())
