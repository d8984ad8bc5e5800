"""A training step of ours against SpikingJelly and snnTorch: the same maths, in one run.

    python -m tests.bench.training [--threads 2] [--rounds 15]

Before anything is timed, all candidates must give the same scores and the same gradients. Peers are
shown twice: as they are usually written, and with the current of a constant input computed once, as
ours does by itself.
"""

import argparse
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from snnlab.learning.machine import prepare
from snnlab.learning.network import SpikingNetwork
from snnlab.learning.networks.convnet import ConvNet
from snnlab.learning.networks.mlp import MLP
from snnlab.learning.neurons.lif import LIF
from tests.bench.peers import SnnTorch, SpikingJelly, install
from tests.bench.timing import alternate, show


# hard reset, detached: the one mode that all three libraries have
NEURON = LIF(reset="hard", surrogate="arctan", surrogate_width=1 / torch.pi, surrogate_height=1.0)
CELLS = {
    "the demo's network: 16C3-P2-32C3-P2-10, T = 4, batch 128": (
        ConvNet(channels=(16, 32), kernel=3),
        4,
    ),
    "12C5-P2-64C5-P2-10, T = 10, batch 128": (ConvNet(), 10),
    "MLP 784-1000-10, T = 25, batch 128": (MLP(hidden=(1000,), norm="none"), 25),
}


def candidates(network: SpikingNetwork) -> dict[str, nn.Module]:
    return {
        "snnlab": network,
        "SpikingJelly 2.0.0": SpikingJelly(network, hoist=False),
        "SpikingJelly 2.0.0, first layer once": SpikingJelly(network, hoist=True),
        "snnTorch 1.0.0": SnnTorch(network, hoist=False),
        "snnTorch 1.0.0, first layer once": SnnTorch(network, hoist=True),
    }


def gradients(network: nn.Module, weights: list[Tensor], x: Tensor, labels: Tensor) -> list[Tensor]:
    scores = network(x).mean(0)
    return [scores.detach(), *torch.autograd.grad(cross_entropy(scores, labels), weights)]


def assert_equal(nets: dict[str, nn.Module], x: Tensor, labels: Tensor) -> None:
    """Scores and gradients in double precision, where no spike flips by rounding."""
    double = x[:1].double().expand_as(x)
    weights = list(nets["snnlab"].parameters())
    results = {n: gradients(net.double(), weights, double, labels) for n, net in nets.items()}
    for name, result in results.items():
        for mine, theirs in zip(results["snnlab"], result, strict=True):
            torch.testing.assert_close(
                theirs, mine, rtol=1e-6, atol=1e-9, msg=lambda m, n=name: f"{n}: {m}"
            )
    for net in nets.values():
        net.float()


def step(network: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, labels: Tensor) -> None:
    cross_entropy(network(x).mean(0), labels).backward()
    optimizer.step()
    optimizer.zero_grad()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--rounds", type=int, default=15)
    options = arguments.parse_args()
    prepare(options.threads)
    install()
    for title, (part, time_steps) in CELLS.items():
        torch.manual_seed(0)
        network = part.build((1, 28, 28), 10, NEURON)
        x = torch.randn(128, 1, 28, 28).expand(time_steps, 128, 1, 28, 28)
        labels = torch.randint(0, 10, (128,))
        nets = candidates(network)
        assert_equal(nets, x, labels)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
        steps = {name: partial(step, net, optimizer, x, labels) for name, net in nets.items()}
        show(title, alternate(steps, options.rounds), "snnlab")


if __name__ == "__main__":
    main()
