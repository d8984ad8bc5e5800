"""Several processes that share each batch learn what one process learns from the whole."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from snnlab.learning import parallel
from snnlab.learning.checkpoint import Checkpoint, load
from snnlab.learning.spec import Spec
from snnlab.learning.train import Training, train


ROOT = Path(__file__).parents[2]
SMALL = """
time_steps = 3
epochs = 2
batch_size = 50
[dataset]
kind = "mnist-5k"
train_size = 220
[encoder]
kind = "poisson"
[network]
kind = "mlp"
hidden = [24]
norm = "none"
[neuron]
kind = "lif"
[rule]
kind = "bptt"
"""
RANK = """
import sys, torch
from snnlab.learning import parallel
from snnlab.learning.checkpoint import Checkpoint, save
from snnlab.learning.machine import prepare
from snnlab.learning.spec import Spec
from snnlab.learning.train import train
prepare(1)
parallel.start("cpu")
for item in train(Spec.from_toml(sys.argv[1]), seed=3):
    last = item if isinstance(item, Checkpoint) else None
if parallel.rank() == 0:
    save(last, __import__("pathlib").Path(sys.argv[2]))
assert parallel.size() == 2
parallel.stop()
"""


def torchrun(tmp_path: Path, toml: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "rank.py"
    script.write_text(RANK)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    return subprocess.run(
        [*command, str(script), toml, str(tmp_path / "last.safetensors")],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )


def alone(toml: str) -> Checkpoint:
    *_, last = train(Spec.from_toml(toml), seed=3)
    assert isinstance(last, Checkpoint)
    return last


def test_two_processes_end_with_the_weights_of_one(tmp_path: Path) -> None:
    """Also with random spikes: each process takes its share of the same draws."""
    toml = SMALL
    done = torchrun(tmp_path, toml)
    assert done.returncode == 0, done.stderr[-3000:]
    both, one = load(tmp_path / "last.safetensors"), alone(toml)
    assert both.network.keys() == one.network.keys()
    for name, weights in one.network.items():
        torch.testing.assert_close(both.network[name], weights, rtol=1e-4, atol=1e-5)
    assert both.metrics["loss"] == pytest.approx(one.metrics["loss"], rel=1e-5)
    assert both.metrics["test_accuracy"] == pytest.approx(one.metrics["test_accuracy"], abs=0.5)
    assert both.environment["processes"] == 2
    assert torch.equal(both.generator, one.generator), "both have drawn what one has drawn"


def test_shares_add_up_to_the_gradient_of_the_whole_batch(monkeypatch) -> None:
    """The sum over processes, taken here one after the other, with unequal shares."""
    spec = Spec.from_toml(SMALL)
    training = Training(spec, "cpu", 3)
    for _ in training.prepare(resumed=False):
        pass
    images, labels = torch.rand(3, 5, 1, 28, 28), torch.tensor([0, 1, 2, 3, 4])

    def gradients(x: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
        training.network.zero_grad(set_to_none=True)
        list(spec.rule.updates(training.network, x, y))
        return [p.grad.clone() for p in training.network.parameters()]

    whole, summed = gradients(images, labels), None
    for rank in range(2):
        monkeypatch.setattr(parallel, "size", lambda: 2)
        monkeypatch.setattr(parallel, "rank", lambda rank=rank: rank)
        x, y = parallel.share(images, 1), parallel.share(labels)
        own = [g * len(y) / len(labels) for g in gradients(x, y)]
        summed = own if summed is None else [a + b for a, b in zip(summed, own, strict=True)]
    for a, b in zip(whole, summed, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7)


def test_a_single_process_changes_nothing() -> None:
    x = torch.arange(6.0)
    assert parallel.size() == 1
    assert parallel.share(x) is x
    assert parallel.agree(x) is x
    assert parallel.total(math.pi, 0.5) == math.pi
    assert parallel.decides(yes=True)
