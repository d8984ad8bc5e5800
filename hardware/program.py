"""What is loaded into a chip: the quantised network and where it lies, as data with a hash.

A program runs on the profile that it was made for and on no other, not even on an edited one.
"""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from torch import Tensor

from hardware.check import demand
from hardware.mapper import Mapping
from hardware.network import Dynamics, Layer, Network
from hardware.profile import Profile
from hardware.quantise import Codes, Errors, Quantised, quantise
from hardware.rounding import Method
from hardware.tensors import dumps, loads


FORMAT = "snnlab chip program 1"
HELD = ("weight", "step", "bias", "threshold", "decay")


@dataclass(frozen=True, eq=False)
class Program:
    """A network as a chip holds it."""

    profile: Profile
    network: Network  # what the codes mean
    codes: dict[str, Codes]
    errors: tuple[Errors, ...]
    places: dict[str, tuple[tuple[int, Tensor], ...]]  # of each layer: (core, neurons)

    @cached_property
    def data(self) -> bytes:
        """The artefact, in the safetensors format."""
        tensors: dict[str, Tensor | None] = {}
        for layer in self.network.layers:
            tensors[f"{layer.name}/weight"] = layer.weight
            tensors[f"{layer.name}/bias"] = layer.bias
            for name in ("alpha", "v_threshold"):
                value = getattr(layer.dynamics, name, None)
                tensors[f"{layer.name}/{name}"] = value if isinstance(value, Tensor) else None
            for core, neurons in self.places.get(layer.name, ()):
                tensors[f"{layer.name}/core/{core}"] = neurons
        for name, codes in self.codes.items():
            tensors |= {f"{name}/code/{one}": getattr(codes, one) for one in HELD}
        there = {name: tensor for name, tensor in tensors.items() if tensor is not None}
        return dumps(there, {"format": FORMAT, "program": json.dumps(self.about(), sort_keys=True)})

    @cached_property
    def digest(self) -> str:
        return sha256(self.data).hexdigest()

    def about(self) -> dict[str, Any]:
        """All that is no tensor."""
        return {
            "profile": self.profile.name,
            "profile_digest": self.profile.digest,
            "dt": self.network.dt,
            "layers": [described(layer) for layer in self.network.layers],
            "codes": {
                n: {"exponent": c.exponent, "kind": c.kind, "spikes": c.spikes}
                for n, c in self.codes.items()
            },
            "errors": [asdict(error) for error in self.errors],
        }

    def report(self) -> str:
        """What quantisation did, and what lies on each core."""
        lines = [f"program {self.digest[:12]} for {self.profile.name}", *map(str, self.errors)]
        for layer, places in self.places.items():
            said = ", ".join(f"{len(neurons)} neurons on core {core}" for core, neurons in places)
            lines.append(f"layer {layer}: {said}")
        return "\n".join(lines)


def compile(
    profile: Profile,
    network: Network,
    *,
    bits: int | None = None,
    method: Method = "absmax",
    mapping: Mapping | None = None,
) -> Program:
    """A program for the chip, by the mapping if there is one already.

    Raises ValueError with all reasons if the network does not fit.
    """
    mapping = mapping or demand(profile, network, bits=bits)
    held = quantise(network, profile, bits=bits, method=method, mapping=mapping)
    return Program(profile, held.network, held.codes, held.errors, places(held, mapping))


def places(held: Quantised, mapping: Mapping) -> dict[str, tuple[tuple[int, Tensor], ...]]:
    return {
        layer.name: tuple((piece.core, piece.neurons) for piece in mapping.of(layer.name))
        for layer in held.network.layers
    }


def load(data: bytes, profile: Profile) -> Program:
    """The program in an artefact. Raises ValueError if it was made for another profile."""
    tensors, metadata = loads(data)
    if metadata.get("format") != FORMAT:
        raise ValueError(
            f"format must be {FORMAT!r}, got {metadata.get('format')!r}. Compile the network again"
        )
    about = json.loads(metadata["program"])
    if about["profile_digest"] != profile.digest:
        raise ValueError(
            f"profile must be {about['profile']} ({about['profile_digest'][:12]}), for which the "
            f"program was made, got {profile.name} ({profile.digest[:12]}). Compile it for that"
        )
    layers = tuple(restored(said, tensors) for said in about["layers"])
    codes = {
        name: Codes(**{one: tensors.get(f"{name}/code/{one}") for one in HELD}, **said)  # type: ignore[arg-type]
        for name, said in about["codes"].items()
    }
    errors = tuple(Errors(**said) for said in about["errors"])
    where = {layer.name: located(layer.name, tensors) for layer in layers}
    return Program(profile, Network(layers, about["dt"]), codes, errors, where)


def located(layer: str, tensors: dict[str, Tensor]) -> tuple[tuple[int, Tensor], ...]:
    start = f"{layer}/core/"
    found = {int(n.removeprefix(start)): t for n, t in tensors.items() if n.startswith(start)}
    return tuple(sorted(found.items(), key=lambda place: place[0]))


def described(layer: Layer) -> dict[str, Any]:
    """A layer without its tensors."""
    fields = ("name", "shape_in", "stride", "padding", "pool")
    said: dict[str, Any] = {name: getattr(layer, name) for name in fields}
    said["dynamics"] = None
    if layer.dynamics is not None:
        plain = vars(layer.dynamics)
        said["dynamics"] = {k: None if isinstance(v, Tensor) else v for k, v in plain.items()}
    return said


def restored(said: dict[str, Any], tensors: dict[str, Tensor]) -> Layer:
    name, dynamics = said["name"], said["dynamics"]
    if dynamics is not None:
        values = {k: tensors.get(f"{name}/{k}") if v is None else v for k, v in dynamics.items()}
        dynamics = Dynamics(**values)  # type: ignore[arg-type]
    plain = said | {"shape_in": tuple(said["shape_in"]), "dynamics": dynamics}
    return Layer(weight=tensors[f"{name}/weight"], bias=tensors.get(f"{name}/bias"), **plain)
