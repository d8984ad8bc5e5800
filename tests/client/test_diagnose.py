import json
from pathlib import Path

import pytest

from snnlab.client.trouble import Code
from tests.client.typed import snnlab


TOML = """
time_steps = 2
batch_size = 20
dataset = { kind = "mnist-5k", train_size = 40 }
network = { kind = "mlp", hidden = [8] }
neuron = { kind = "lif" }
rule = { kind = "bptt" }
"""


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "spec.toml"
    path.write_text(TOML)
    return str(path)


def test_gradients_are_printed_as_a_table_for_each_depth(spec: str) -> None:
    result = snnlab("diagnose", "gradients", spec, "--depth", "1", "--depth", "3", "--threads", "1")
    assert "1 populations, 2 steps, height 1" in result.stdout
    assert "3 populations, 2 steps, height 1" in result.stdout
    assert result.stdout.count("fc1") == 2
    assert all(f"width {width}" in result.stdout for width in ("0.1", "0.3", "1", "3", "10"))


def test_gradients_as_json_have_a_row_for_each_point_of_the_grid(spec: str) -> None:
    grid = ("--width", "0.5", "--width", "2", "--height", "1", "--steps", "3", "--threads", "1")
    rows = json.loads(snnlab("diagnose", "gradients", spec, *grid, "--json").stdout)
    assert [(r["width"], r["layer"]) for r in rows] == [
        (0.5, "fc1"), (0.5, "output"), (2.0, "fc1"), (2.0, "output")
    ]  # fmt: skip
    assert all((r["time_steps"], r["height"], r["depth"]) == (3, 1.0, 1) for r in rows)
    assert rows[0]["log10_norm"] < rows[2]["log10_norm"] < 3


def test_a_width_that_is_no_width_is_refused(spec: str) -> None:
    assert snnlab("diagnose", "gradients", spec, "--width", "0").exit_code == Code.WRONG
