"""Whether a definition's network fits onto chips, before anything of it is trained."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from hardware.check import Report, check
from hardware.energy import latency, prices
from hardware.network import Network
from hardware.profile import Fact, Profile, load
from hardware.program import Program, compile
from hardware.unknown import Quantity, Unknown
from hardware.violation import Violation
from snnlab.learning.chip import Emulated
from snnlab.learning.errors import TrainingError
from snnlab.learning.plain import plain
from snnlab.learning.problems import MISSING, Problem, SpecError
from snnlab.learning.spec import Spec


MOST_WEIGHTS = 3_000_000  # of a network that is tried while somebody waits
# what a limit is about: the field of a definition that has to change; else it is the network
PLACES = {
    "formats.weight_bits": "chip.bits",
    "formats.decay": "neuron.tau",
    "learning.on_chip": "deploy",
    "limits.inputs": "dataset",
    "limits.outputs": "dataset",
    "neuron.refractory": "neuron.refractory",
    "neuron.resets": "neuron.reset",
    "neuron.bias": "network.bias",
    "neuron.pools": "network.pool",
    "neuron.leak": "neuron",
}


class Core(NamedTuple):
    """A core: how many neurons of each layer it holds, and the share of each limit in use."""

    number: int
    layers: dict[str, int]
    shares: dict[str, float]

    @property
    def fullest(self) -> float:
        return max(self.shares.values(), default=0.0)


@dataclass(frozen=True, eq=False)
class Landing:
    """What one kind of chip says to a network."""

    spec: Spec
    report: Report
    problems: tuple[Problem, ...]  # what it has against other fields of `chip`
    program: Program | None  # of the untrained weights; none if they do not fit
    seconds: Quantity  # of one image

    @property
    def profile(self) -> Profile:
        return self.report.profile

    @property
    def fits(self) -> bool:
        return self.report.fits and not self.problems

    @property
    def refusals(self) -> list[Problem]:
        """All that keeps it from there, each at the field that has to change."""
        found = self.report.violations
        return [*self.problems, *(Problem(self.place(v), str(v), MISSING, "") for v in found)]

    def place(self, violation: Violation) -> str:
        part, _, field = PLACES.get(violation.limit, "network").partition(".")
        if not field:
            return part if part == "deploy" else f"{part}.kind"
        return f"{part}.{field}" if field in type(getattr(self.spec, part)).model_fields else part

    @property
    def cores(self) -> list[Core]:
        """All that hold something, also where it is too much."""
        mapping = self.report.mapping
        if mapping is None:
            return []
        shares, held = mapping.utilisation(), dict[int, dict[str, int]]()
        for piece in mapping.pieces:
            layers = held.setdefault(piece.core, {})
            layers[piece.layer] = layers.get(piece.layer, 0) + len(piece.neurons)
        return [Core(core, held[core], shares.get(core, {})) for core in sorted(held)]

    @property
    def prices(self) -> dict[str, Fact | None]:
        """What the energy of an inference is made of; none where nobody has published it."""
        return prices(self.profile)


def untrained(spec: Spec, seed: int) -> Network:
    """The network before it has learned, as its rule shapes it, for a chip.

    Raises TrainingError for layers and neurons that no chip of ours has.
    """
    data = spec.dataset
    network = spec.network.build(
        data.shape, data.classes, spec.neuron, time_steps=spec.time_steps, seed=seed
    )
    spec.rule.prepare(network)
    return plain(network.eval(), data.shape)


def land(spec: Spec, profiles: Iterable[str]) -> Iterator[Landing]:
    """Try the definition's network on each of these kinds of chip. Raises TrainingError."""
    network = untrained(spec, seed=0)
    for name in profiles:
        yield landed(spec, network, load(name))


def landed(spec: Spec, network: Network, profile: Profile) -> Landing:
    bits = spec.chip.bits if isinstance(spec.chip, Emulated) else None
    learning = spec.deploy != "off-chip" and spec.task.kind == "train"
    report = check(profile, network, bits=bits, learning=learning)
    fits = report.fits and report.mapping is not None
    program = compile(profile, network, bits=bits, mapping=report.mapping) if fits else None
    seconds = latency(profile, {}, spec.time_steps, network.dt, report.mapping)
    if profile.word("time.mode") == "busiest":
        seconds = Unknown("it depends on the spikes of the busiest core, which a run counts")
    return Landing(spec, report, tuple(objections(spec, profile)), program, seconds)


def demand(spec: Spec) -> None:
    """Refuse a definition whose network its own chip cannot take, where that is soon known.

    Raises SpecError with all reasons.
    """
    if not isinstance(spec.chip, Emulated) or spec.task.kind != "train" or too_large(spec):
        return
    try:
        (landing,) = land(spec, [spec.chip.profile])
    except TrainingError as error:
        raise SpecError([Problem("network.kind", str(error), MISSING, "")]) from error
    if landing.refusals:
        raise SpecError(landing.refusals)


def too_large(spec: Spec) -> bool:
    data = spec.dataset
    size = spec.network.parameters(data.shape, data.classes, spec.neuron, spec.time_steps)
    return size > MOST_WEIGHTS


def objections(spec: Spec, profile: Profile) -> list[Problem]:
    """What such a chip has against the definition's flaws; widths are checked with the network."""
    if not isinstance(spec.chip, Emulated):
        return []
    there = spec.chip.model_dump(mode="json") | {"profile": profile.name, "bits": None}
    try:
        Emulated.parse(there)
    except SpecError as error:
        places = (f"chip.{problem.place}".rstrip(".") for problem in error.problems)
        return [p._replace(place=place) for p, place in zip(error.problems, places, strict=True)]
    return []
