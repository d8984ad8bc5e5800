"""A training step of ours against other libraries: the same maths, in one run.

    python -m tests.bench.training [--cells ascd] [--threads 2] [--rounds 15] [--clock wall]

Before anything is timed, all candidates must give the same scores and the same gradients in double
precision, where no spike flips by rounding; of Norse, which has other surrogate slopes, the scores.
Batch-norm then uses running statistics, because libraries that loop over time around all layers
would normalise each step by itself.
On a busy machine take one thread and the clock `cpu`: it stands while others compute.
"""

import argparse
from functools import partial
from statistics import median

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from snnlab.learning.machine import environment, has_bfloat16, prepare
from tests.bench import floor
from tests.bench.cells import CELLS, Cell
from tests.bench.peers import PEERS, install
from tests.bench.timing import CLOCKS, alternate, peak, ratio


OURS = "snnlab"
CLOSE = 1e-5  # some keep constants in single precision
FEW = 4  # samples whose gradients are compared


def candidates(cell: Cell, *, compiled: bool) -> dict[str, nn.Module]:
    nets: dict[str, nn.Module] = {OURS: cell.network(), **variants(cell)}
    for name, peer in PEERS.items():
        if name.endswith("compiled") and not compiled:
            continue
        try:
            nets[name] = peer(cell.network())
        except ImportError as error:
            print(f"{name} is left out: {error}")
    return nets


def variants(cell: Cell) -> dict[str, nn.Module]:
    """What a definition can choose: less memory, or coarser numbers (not in double precision)."""
    recompute, half = cell.network(), cell.network()
    recompute.recompute, half.precision = True, "bfloat16"
    nets = {f"{OURS}, memory recompute": recompute}
    return {**nets, f"{OURS}, bfloat16": half} if has_bfloat16("cpu") else nets


def gradients(network: nn.Module, x: Tensor, labels: Tensor) -> list[Tensor]:
    scores = network(x).mean(0)
    weights = [p for p in network.parameters() if p.requires_grad]
    return [scores.detach(), *torch.autograd.grad(cross_entropy(scores, labels), weights)]


def assert_equal(nets: dict[str, nn.Module], x: Tensor, labels: Tensor) -> None:
    results = {name: gradients(net.double().eval(), x, labels) for name, net in nets.items()}
    assert results[OURS][0].any(), "no neuron fires"
    for name, net in nets.items():
        mine, theirs = results[OURS], results[name]
        many = len(mine) if getattr(net, "gradients", True) else 1
        for a, b in zip(mine[:many], theirs[:many], strict=True):
            apart = float((a - b).abs().max() / a.abs().max())
            assert apart < CLOSE, f"{name} computes something else, by a share of {apart:.1e}"
        net.float().train()


def step(network: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, labels: Tensor) -> None:
    optimizer.zero_grad()
    cross_entropy(network(x).mean(0), labels).backward()
    optimizer.step()


def measure(cell: Cell, options: argparse.Namespace) -> Table:
    nets, (x, labels) = candidates(cell, compiled=options.compiled), cell.data()
    assert_equal(nets, x[:, :FEW].double(), labels[:FEW])
    least = floor.seconds(nets[OURS], x)
    steps = {}
    for name, net in nets.items():
        own = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=1e-4)
        steps[name] = partial(step, net, own, x, labels)
    times = alternate(steps, options.rounds, options.clock)
    peaks = {name: peak(one) for name, one in steps.items()}
    return report(cell, times, peaks, least)


def report(
    cell: Cell, times: dict[str, list[float]], peaks: dict[str, float], least: float
) -> Table:
    table = Table(title=f"{cell.title}; floor {1e3 * least:.1f} ms; aim {cell.aim:g}x")
    for column in ("", "median ms", "fastest ms", "times ours", "times floor", "MiB", "of theirs"):
        table.add_column(column, justify="right" if column else "left")
    for name, seconds in times.items():
        numbers = (
            f"{1e3 * median(seconds):.1f}",
            f"{1e3 * min(seconds):.1f}",
            f"{ratio(seconds, times[OURS]):.2f}",
            f"{min(seconds) / least:.2f}",
            f"{peaks[name]:.1f}",
            f"{peaks[OURS] / peaks[name]:.2f}",
        )
        table.add_row(name, *numbers)
    return table


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--cells", default="".join(CELLS), help="letters of cells")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--rounds", type=int, default=15)
    arguments.add_argument("--clock", choices=list(CLOCKS), default="wall")
    arguments.add_argument("--compiled", action="store_true", help="SpikingJelly compiled, too")
    options = arguments.parse_args()
    prepare(options.threads)
    install()
    console = Console(width=110)
    console.print(environment("cpu"), f"clock {options.clock}")
    for letter in options.cells:
        console.print(measure(CELLS[letter], options))


if __name__ == "__main__":
    main()
