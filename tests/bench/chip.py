"""Many chips at many levels, and learning on them, against the plain ways to do the same.

    python -m tests.bench.chip [--chips 32] [--rounds 5] [--skip sweep,learning,tiles,calibration]

784-512-10, LIF, T = 16, batch 64, a constant image, processor time of one thread. Mismatch: 8
levels x 32 chips, the numbers of every chip drawn beforehand in both. Plain: for each level and
chip, weights with that mismatch, the input's current once, then step after step in torch. "by
level" is the emulator without products that levels share. Learning: one batch of 32 with 4 steps
that learn, plain SGD, changes at each step or once; the other way is autograd through the steps,
chip by chip.

Tiles: chips of one level, 8 bits and a mismatch of 0.3, against aihwkit-lightning and IBM's tile in
torch (see tiles.py), which are given the very same weights, chip by chip: made once, then shown
batch after batch, and both together. The last table is that of learning.py.
"""

import argparse
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from rich.console import Console
from torch import Tensor

from hardware.chips import Draws
from hardware.circuits import Chips, Foundry
from hardware.frozen import Spread
from hardware.nonidealities import Nonidealities
from hardware.robustness import Samples, chunk_size, correct
from tests.bench.learning import report
from tests.bench.tiles import Synapse, Tile, install, plain, working
from tests.bench.timing import alternate, ratio
from tests.bench.updates import learners
from tests.bench.workload import BATCH, STEPS, chunks, data, network, step_by_step


LEVELS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)


def flaws() -> list[Nonidealities]:
    return [Nonidealities(spread=Spread(weight=x, reference=max(LEVELS))) for x in LEVELS]


def sweeps(chips: int, chunk: int) -> dict[str, Callable[[], Tensor]]:
    """Right answers (levels, chips) in three ways; all random numbers are drawn beforehand."""
    net, (x, labels) = network(), data(BATCH)
    samples = Samples(x, labels, STEPS, BATCH)
    draws = [Draws(0, numbers) for numbers in chunks(chips, chunk)]
    epsilon = {
        layer.name: torch.cat([d.normal(f"{layer.name}.weight", layer.weight.shape) for d in draws])
        for layer in net.layers
    }

    def ours() -> Tensor:
        parts = []
        for numbers in draws:
            foundry = Foundry(net, numbers)
            parts.append(correct([foundry.make(wrong) for wrong in flaws()], samples))
        return torch.cat(parts, 1)

    def by_level() -> Tensor:
        rows = [
            torch.cat([correct([Foundry(net, d).make(wrong)], samples) for d in draws], 1)
            for wrong in flaws()
        ]
        return torch.cat(rows)

    def one_by_one() -> Tensor:
        rows = []
        with torch.inference_mode():
            for wrong in flaws():
                level, spread = wrong.spread.weight, wrong.spread
                for chip in range(chips):
                    first, last = (
                        layer.weight * (1 + level * spread.z(epsilon[layer.name][chip], level))
                        for layer in net.layers
                    )
                    scores = step_by_step(net, x[0], plain(first), plain(last))
                    rows.append((scores.argmax(1) == labels).sum())
        return torch.stack(rows).view(len(LEVELS), chips)

    return {"ours": ours, "by level": by_level, "plain": one_by_one}


def against_tiles(chips: int, chunk: int) -> tuple[dict[str, Callable[[], object]], ...]:
    """To make chips and show them a batch, and to show it to chips made before: ours and others'.

    All random numbers are drawn beforehand. Raises AssertionError where answers are not alike.
    """
    net, (x, labels) = network(), data(BATCH)
    samples = Samples(x, labels, STEPS, BATCH)
    draws = [Draws(0, numbers) for numbers in chunks(chips, chunk)]
    wrong = Nonidealities(bits=8, spread=Spread(weight=0.3))
    names = [(layer, f"{layer.name}.weight") for layer in net.layers]
    epsilon = [torch.cat([d.normal(n, y.weight.shape) for d in draws]) for y, n in names]

    def fleet() -> list[Chips]:
        return [Foundry(net, numbers).make(wrong) for numbers in draws]

    def ours(made: Callable[[], list[Chips]]) -> Tensor:
        return torch.cat([correct([part], samples) for part in made()], 1)[0]

    def build(tile: Tile) -> list[list[Synapse]]:
        stored = [wrong.stored(layer.weight) for layer in net.layers]
        z = [wrong.spread.z(numbers, 0.3) for numbers in epsilon]
        return [
            [tile(w * (1 + 0.3 * numbers[chip])) for w, numbers in zip(stored, z, strict=True)]
            for chip in range(chips)
        ]

    def show(built: Callable[[], list[list[Synapse]]]) -> Tensor:
        with torch.inference_mode():
            scores = [step_by_step(net, x[0], *pair) for pair in built()]
        return torch.stack([(s.argmax(1) == labels).sum() for s in scores])

    before = fleet()
    made: dict[str, Callable[[], object]] = {"ours": partial(ours, fleet)}
    shown: dict[str, Callable[[], object]] = {"ours": partial(ours, lambda: before)}
    for name, tile in working().items():
        built = build(tile)
        made[name] = partial(show, partial(build, tile))
        shown[name] = partial(show, lambda built=built: built)  # type: ignore[misc]
        apart = (ours(fleet) - show(lambda built=built: built)).abs().float().mean() / BATCH  # type: ignore[misc]
        assert apart < 0.002, f"{name} answers otherwise: {apart:.2%}"
    return made, shown


def show(title: str, steps: dict[str, Callable[[], object]], rounds: int, unit: float) -> None:
    times = alternate(steps, rounds, clock="cpu")
    print(title)
    for name, seconds in times.items():
        times_ours = ratio(seconds, times["ours"])
        each = 1e3 * median(seconds) / unit
        print(f"  {name:10} {1e3 * median(seconds):9.1f} ms {each:8.3f} each {times_ours:6.2f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chips", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--chunk", type=int)
    parser.add_argument("--skip", default="", help="parts to leave out, by commas")
    options = parser.parse_args()
    torch.set_num_threads(1)
    samples = Samples(*data(BATCH), STEPS, BATCH)
    chunk = options.chunk or chunk_size(network(), samples)
    skipped = options.skip.split(",")
    install()
    for name, part in PARTS.items():
        if name not in skipped:
            part(options, chunk)


def sweep(options: argparse.Namespace, chunk: int) -> None:
    ways = sweeps(options.chips, chunk)
    agreed = (ways["ours"]() - ways["plain"]()).abs().float().mean() / BATCH
    title = f"{len(LEVELS)} levels x {options.chips} chips, chunks of {chunk}"
    show(title, ways, options.rounds, len(LEVELS) * options.chips)
    print(f"  answers that differ from the plain way: {agreed:.4%}")


def learning(options: argparse.Namespace, chunk: int) -> None:
    for batch, at in ((1, "step"), (32, "step"), (32, "batch")):
        title = f"a batch of {batch} learned by {options.chips} chips, changes at each {at}"
        show(title, learners(options.chips, chunk, batch, at), options.rounds, options.chips)


def tiles(options: argparse.Namespace, chunk: int) -> None:
    made, shown = against_tiles(options.chips, chunk)
    title = f"{options.chips} chips of 8 bits made, and shown {BATCH} images"
    show(title, made, options.rounds, options.chips)
    show("the same, made before", shown, options.rounds, options.chips)


def calibration(options: argparse.Namespace, _: int) -> None:
    Console(width=200).print(report(options.chips, seeds=1))


PARTS: dict[str, Callable[[argparse.Namespace, int], None]] = {
    "sweep": sweep,
    "learning": learning,
    "tiles": tiles,
    "calibration": calibration,
}


if __name__ == "__main__":
    main()
