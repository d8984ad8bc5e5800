"""What it costs to calibrate a chip: by itself, or in the loop of a host.

    python -m tests.bench.learning [--chips 16] [--seeds 1]

Frozen flaws (mismatch 0.5; 60 % of neurons silent) and one that is not (thermal noise 0.8). Every
way begins with the same network and meets the same chips. Accuracy in percent on 360 images that
no one has learned from, mean and standard deviation over chips and the worst chip, before, after
one and after five epochs. Errors: how often a neuron told its synapses to change, for a sample.
Traffic: bits between host and chip for a sample. Memory: kibibits on the chip and on the host.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from hardware import memory, traffic
from hardware.adc import Adc
from hardware.chips import Draws
from hardware.circuits import Chips, Foundry
from hardware.loop import InTheLoop
from hardware.network import Network
from hardware.nonidealities import nonideality
from hardware.onchip import OnChip
from hardware.stores import Adam, Shadow, Stochastic
from hardware.surrogate import Surrogate
from hardware.traffic import sent
from tests.bench import digits
from tests.bench.digits import BATCH, RULE, SCHEDULE, STEPS, Digits, Teacher
from tests.bench.tiles import install


FLAWS = (("mismatch", 0.5), ("silencing", 0.6), ("thermal", 0.8))
TARGET_BITS = READ_BITS = 8
SHOWN = (1, 5)  # epochs
Host = Callable[[Tensor, Tensor], object]  # shows a batch


@dataclass(frozen=True)
class Way:
    """A way to calibrate chips, and what it costs."""

    name: str
    start: Callable[[Chips, Teacher], tuple[OnChip | InTheLoop, Host]]
    traffic: Callable[[Network], traffic.Traffic]
    memory: Callable[[Network], memory.Memory]


def by_itself(name: str, rule: object = RULE, store: Shadow | Stochastic = digits.STORE) -> Way:
    def start(chips: Chips, teacher: Teacher) -> tuple[OnChip, Host]:
        chip = OnChip(chips, rule, store, SCHEDULE)  # type: ignore[arg-type]

        def show(x: Tensor, labels: Tensor) -> object:
            targets: Mapping[str, Tensor] = sent(teacher.targets(x), TARGET_BITS)
            return chip.learn(x[None], targets, labels, STEPS)

        return chip, show

    return Way(
        name,
        start,
        lambda network: traffic.local_tandem(network, TARGET_BITS),
        lambda network: memory.local_tandem(
            network, store, steps=STEPS, batch=BATCH, target_bits=TARGET_BITS
        ),
    )


def in_the_loop(name: str, read_bits: int) -> Way:
    store, bits = Shadow(adam=Adam()), 32

    def start(chips: Chips, _: Teacher) -> tuple[InTheLoop, Host]:
        slope = Surrogate("triangle", width=0.6, height=1.0)
        host = InTheLoop(chips, 1e-3, store, slope, Adc(read_bits))
        return host, lambda x, labels: host.learn(x[None], labels, STEPS)

    return Way(
        name,
        start,
        lambda network: traffic.in_the_loop(network, STEPS, BATCH, read_bits, bits),
        lambda network: memory.in_the_loop(
            network, store, steps=STEPS, batch=BATCH, read_bits=read_bits
        ),
    )


WAYS = (
    by_itself("LTL, Adam"),
    by_itself("LTL, plain steps", replace(RULE, lr=1e-2), Shadow()),
    by_itself("LTL, 8 bits, rounded by chance", replace(RULE, lr=1e-1), Stochastic(8)),
    by_itself("LTL, Adam, error-triggered", replace(RULE, gate="error-triggered")),
    in_the_loop("in the loop, Adam, 8-bit ADC", 8),
    in_the_loop("in the loop, Adam, 4-bit ADC", 4),
)


def calibrated(
    way: Way, chips: Chips, data: Digits, teacher: Teacher, seed: int
) -> tuple[list[Tensor], float, float]:
    """Accuracies, errors of a sample, and seconds of processor time for a chip and epoch."""
    learner, show = way.start(chips, teacher)
    generator = torch.Generator().manual_seed(seed)
    found, began = [], time.process_time()
    for epoch in range(1, max(SHOWN) + 1):
        for x, labels in data.batches(generator):
            show(x, labels)
        if epoch in SHOWN:
            found.append(data.accuracy(learner.trained()))
    seconds = (time.process_time() - began) / max(SHOWN) / len(chips)
    return found, learner.updates.double().mean().item() / learner.samples, seconds


def spread(accuracy: Tensor) -> str:
    return f"{accuracy.mean():.1f} ± {accuracy.std():.1f}, {accuracy.min():.1f}"


def report(chips: int, seeds: int) -> Table:
    table = Table(title=f"64-128-64-10, T = {STEPS}, {chips} chips x {seeds} networks")
    titles = ("flaw", "way", "before", "1 epoch", "5 epochs", "errors", "bits up", "bits down")
    for title in (*titles, "chip Kib", "host Kib", "s per chip, epoch"):
        table.add_column(title, justify="right")
    tasks = []
    for seed in range(seeds):
        data = digits.load(seed)
        teacher = Teacher(data, seed)
        tasks.append((data, teacher, digits.student(data, teacher, seed)))
    for flaw, level in FLAWS:
        for way in WAYS:
            rows, network = [], tasks[0][2]
            for seed, (data, teacher, net) in enumerate(tasks):
                made = Foundry(net, Draws(11 + seed, range(chips))).make(nonideality(flaw, level))
                rows.append((data.accuracy(made), *calibrated(way, made, data, teacher, seed)))
            before = torch.cat([row[0] for row in rows])
            after = [torch.cat([row[1][n] for row in rows]) for n in range(len(SHOWN))]
            bits, kept = way.traffic(network), way.memory(network)
            mean = [sum(row[n] for row in rows) / len(rows) for n in (2, 3)]
            table.add_row(
                f"{flaw} {level}", way.name, spread(before), *map(spread, after),
                f"{mean[0]:.0f}", f"{bits.from_chip:.0f}", f"{bits.to_chip:.0f}",
                f"{kept.chip / 1024:.0f}", f"{kept.host / 1024:.0f}", f"{mean[1]:.2f}",
            )  # fmt: skip
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chips", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    install()
    Console(width=200).print(report(options.chips, options.seeds))


if __name__ == "__main__":
    main()
