"""What is known of a chip: its limits, number formats, costs and spreads, each with its source.

A profile is a TOML file in hardware/profiles. A fact is `[value, evidence]` or `[value, evidence,
note]`; `sources` says what each evidence mark stands for. What is not there is unknown, never 0.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from hardware.unknown import Quantity, Unknown


EVIDENCE = {
    "file": "read in a repository file",
    "web": "read on a page",
    "deriv": "arithmetic on such numbers",
    "mem": "from memory, unverified",
    "ours": "our own choice: no chip is behind it",
}
ENGINES = ("ideal", "analog", "digital")

# what a profile can say: (kind, unit, meaning); kinds: number, numbers, word, words, flag
KEYS: dict[str, tuple[str, str, str]] = {
    "limits.cores": ("number", "", "cores"),
    "limits.neurons_per_core": ("number", "", "neurons of a core"),
    "limits.fan_in": ("number", "", "inputs of a neuron"),
    "limits.fan_in_signed": ("number", "", "inputs of a neuron whose weights have both signs"),
    "limits.input_axons_per_core": ("number", "", "different inputs of a core"),
    "limits.output_axons_per_core": ("number", "", "pairs of neuron and core that it reaches"),
    "limits.synapse_bits_per_core": ("number", "bit", "memory of a core for weights"),
    "limits.synapses_per_core": ("number", "", "synapses of a core"),
    "limits.fan_out": ("number", "", "synapses that one source reaches"),
    "limits.fan_out_cores": ("number", "", "cores that one neuron reaches"),
    "limits.inputs": ("number", "", "inputs of the chip"),
    "limits.outputs": ("number", "", "neurons or sums that can be read as output"),
    "limits.kernel_words": ("numbers", "word", "memory of each core for kernels"),
    "limits.neuron_words": ("numbers", "word", "memory of each core for neurons"),
    "limits.bias_words": ("number", "word", "memory of a core for biases"),
    "limits.kernel": ("number", "", "side of a kernel"),
    "limits.strides": ("numbers", "", "strides of a convolution"),
    "limits.padding": ("number", "", "padding of a convolution"),
    "limits.channels": ("number", "", "maps of a layer"),
    "limits.side_in": ("number", "", "side of a layer's input"),
    "limits.side_out": ("number", "", "side of a layer's output"),
    "neuron.resets": ("words", "", "what a spike does: soft subtracts the threshold, hard sets"),
    "neuron.fires": ("word", "", "reached: a spike at v >= threshold; above: at v > threshold"),
    "neuron.leak": ("flag", "", "whether neurons leak"),
    "neuron.bias": ("flag", "", "whether neurons take a constant current"),
    "neuron.refractory": ("numbers", "step", "least and longest refractory period"),
    "neuron.competition": ("flag", "", "whether a spike can reset the other neurons of a layer"),
    "neuron.pools": ("words", "", "what 2 x 2 pooling the routing does"),
    "formats.weight_bits": ("numbers", "bit", "widths that a weight can have"),
    "formats.weight_range": ("numbers", "", "least and largest mantissa"),
    "formats.weight_exponent": ("numbers", "", "least and largest exponent of a weight"),
    "formats.scale_per": ("word", "", "what shares a scale: tensor, layer (with thresholds), core"),
    "formats.threshold_bits": ("number", "bit", "width of a threshold"),
    "formats.potential_bits": ("number", "bit", "width of a potential, with its sign"),
    "formats.current_bits": ("number", "bit", "width of a current, with its sign"),
    "formats.decay": ("word", "", "exact; twelve_bit: a factor k/4096; shift: v -= v >> k; none"),
    "formats.current_overflow": ("word", "", "of the current: saturate or wrap"),
    "formats.overflow": ("word", "", "of the potential: saturate or wrap"),
    "learning.on_chip": ("flag", "", "whether weights can change on the chip"),
    "learning.kind": ("word", "", "how"),
    "spread.weight": ("number", "", "coefficient of variation of weights between devices"),
    "spread.threshold": ("number", "", "the same of thresholds"),
    "spread.tau": ("number", "", "the same of time constants"),
    "spread.law": ("word", "", "lognormal or gaussian"),
    "energy.static": ("number", "W", "power of the whole chip that does nothing"),
    "energy.priced": ("words", "", "which events cost energy beyond the static power"),
    "energy.synaptic_event": ("number", "J", "a spike at a synapse"),
    "energy.neuron_access": ("number", "J", "reading a neuron's state in a step"),
    "energy.neuron_update": ("number", "J", "updating a neuron in a step"),
    "energy.spike": ("number", "J", "a spike that a neuron sends"),
    "energy.message": ("number", "J", "a spike sent to one core"),
    "energy.hop": ("number", "J", "a message from one router to the next"),
    "energy.learning_update": ("number", "J", "one change of a weight on the chip"),
    "energy.average_power": ("number", "W", "power of a running chip as published; no load given"),
    "energy.headline": ("number", "J", "published energy of a synaptic operation, as advertised"),
    "time.mode": ("word", "", "fixed: steps of time.step; network: those of the network; busiest"),
    "time.step": ("number", "s", "length of a step"),
    "time.speedup": ("number", "", "how much faster than the network's own time"),
    "time.synaptic_event": ("number", "s", "a core's time for a spike at a synapse"),
    "time.neuron_update": ("number", "s", "a core's time for a neuron"),
    "time.barrier": ("number", "s", "the time in which all cores agree that a step is over"),
}


@dataclass(frozen=True)
class Fact:
    """One thing known of a chip, and how it is known."""

    key: str
    value: Any
    evidence: str
    note: str = ""

    @property
    def verified(self) -> bool:
        return self.evidence != "mem"

    def __str__(self) -> str:
        unit = KEYS[self.key][1]
        return f"{self.key} = {self.value} {unit}".rstrip() + f" ({EVIDENCE[self.evidence]})"


@dataclass(frozen=True)
class Profile:
    """A kind of chip."""

    name: str
    label: str
    engine: str  # ideal, analog or digital
    sources: Mapping[str, str]  # of each evidence mark
    facts: Mapping[str, Fact]
    caveat: str = ""
    digest: str = field(default="", compare=False)  # of all that the file says

    def number(self, key: str) -> Quantity:
        """The fact's number, or Unknown."""
        return float(self.facts[key].value) if key in self.facts else self.unknown(key)

    def numbers(self, key: str) -> tuple[float, ...]:
        """The fact's numbers; none if unknown."""
        return tuple(self.facts[key].value) if key in self.facts else ()

    def word(self, key: str) -> str:
        return str(self.facts[key].value) if key in self.facts else ""

    def words(self, key: str) -> tuple[str, ...]:
        return tuple(self.facts[key].value) if key in self.facts else ()

    def flag(self, key: str) -> bool | None:
        """Yes, no or unknown."""
        return bool(self.facts[key].value) if key in self.facts else None

    def unknown(self, key: str) -> Unknown:
        return Unknown(f"{key} of {self.name} is not published")

    def source(self, fact: Fact) -> str:
        return fact.note or self.sources.get(fact.evidence, EVIDENCE[fact.evidence])


def parse(name: str, text: str) -> Profile:
    """A profile from TOML. Raises ValueError for what it may not say."""
    said = tomllib.loads(text)
    sections = {k: v for k, v in said.items() if isinstance(v, dict) and k != "sources"}
    facts = {
        f"{section}.{key}": fact(f"{name}: {section}.{key}", f"{section}.{key}", value)
        for section, values in sections.items()
        for key, value in values.items()
    }
    if said.get("engine") not in ENGINES:
        raise ValueError(
            f"{name}: engine must be one of {', '.join(ENGINES)}, got {said.get('engine')!r}. "
            "Choose one of them"
        )
    digest = sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    return Profile(
        name,
        said["label"],
        said["engine"],
        MappingProxyType(said.get("sources", {})),
        MappingProxyType(facts),
        said.get("caveat", ""),
        digest,
    )


def fact(place: str, key: str, said: object) -> Fact:
    if key not in KEYS:
        raise ValueError(f"{place} must be a key that is known, got {key!r}. See KEYS")
    if not isinstance(said, list) or len(said) not in (2, 3) or said[1] not in EVIDENCE:
        raise ValueError(
            f"{place} must be [value, evidence] with one of {', '.join(EVIDENCE)}, got {said!r}. "
            "Say how it is known"
        )
    if not fits(KEYS[key][0], said[0]):
        raise ValueError(f"{place} must be of the kind {KEYS[key][0]}, got {said[0]!r}. Change it")
    return Fact(key, tuple(said[0]) if isinstance(said[0], list) else said[0], *said[1:])


def fits(kind: str, value: object) -> bool:
    if kind.endswith("s"):
        return isinstance(value, list) and all(fits(kind[:-1], one) for one in value)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool) and value == value
    return isinstance(value, bool if kind == "flag" else str)


def names() -> tuple[str, ...]:
    """All chips there are."""
    found = (files("hardware") / "profiles").iterdir()
    return tuple(sorted(path.name[:-5] for path in found if path.name.endswith(".toml")))


@cache
def load(name: str) -> Profile:
    """A chip by name. Raises ValueError if there is none."""
    if name not in names():
        raise ValueError(
            f"chip must be one of {', '.join(names())}, got {name!r}. Choose one of them"
        )
    return parse(name, (files("hardware") / "profiles" / f"{name}.toml").read_text())
