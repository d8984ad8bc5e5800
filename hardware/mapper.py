"""Puts the neurons of a network on the cores of a chip.

Greedy: layers in order, and of each as many neurons as the core that is open still has room for;
then the next core. Room is counted in neurons, different inputs (axons), synapses and their bits.
A limit that nobody has published does not bind; the check names it. Chips whose cores hold a whole
layer and share its kernel (DYNAP-CNN) get one core for each layer instead: see kernels.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor

from hardware.kernels import assign
from hardware.network import Layer, Network
from hardware.profile import Profile
from hardware.unknown import Unknown
from hardware.violation import Violation
from hardware.wiring import Wiring


ROOM = {
    "neurons": "limits.neurons_per_core",
    "axons": "limits.input_axons_per_core",
    "synapses": "limits.synapses_per_core",
    "bits": "limits.synapse_bits_per_core",
}


@dataclass(frozen=True, eq=False)
class Piece:
    """The neurons of one layer that lie on one core."""

    layer: str
    core: int
    neurons: Tensor
    axons: Tensor
    synapses: int


@dataclass(frozen=True, eq=False)
class Mapping:
    """Where each neuron lies; `violations` says what has found no place."""

    profile: Profile
    network: Network
    pieces: tuple[Piece, ...]
    violations: tuple[Violation, ...]
    bits: int  # of a weight
    words: dict[int, dict[str, float]] = field(default_factory=dict)  # used shares, where known

    @property
    def cores(self) -> int:
        return len({piece.core for piece in self.pieces})

    def of(self, layer: str) -> tuple[Piece, ...]:
        return tuple(piece for piece in self.pieces if piece.layer == layer)

    def utilisation(self) -> dict[int, dict[str, float]]:
        """For each core the share of each limit that is used; unknown limits are left out."""
        if self.words:
            return self.words
        used: dict[int, dict[str, float]] = {}
        for piece in self.pieces:
            load = used.setdefault(piece.core, {})
            for name, limit in rooms(self.profile).items():
                load[name] = load.get(name, 0.0) + size(piece, name, self.bits) / limit
        return used

    def groups(self, layer: Layer) -> list[Tensor]:
        """The neurons of each core that holds some of the layer."""
        return [piece.neurons for piece in self.of(layer.name)]


@dataclass(eq=False)
class Placing:
    """The state of the greedy placement."""

    room: dict[str, float]
    bits: int
    core: int = 0
    used: dict[str, float] = field(default_factory=dict)

    def fits(self, piece: Piece) -> bool:
        return all(
            self.used.get(name, 0) + size(piece, name, self.bits) <= limit
            for name, limit in self.room.items()
        )

    def next_core(self) -> None:
        self.core += 1
        self.used = {}

    def take(self, piece: Piece) -> Piece:
        for name in self.room:
            self.used[name] = self.used.get(name, 0) + size(piece, name, self.bits)
        return piece

    def place(self, wiring: Wiring) -> Iterator[Piece | Violation]:
        """Pieces of a layer, or what keeps a single neuron from any core."""
        left = wiring.order
        while len(left):
            count = self.largest(wiring, left)
            if not count and self.used:
                self.next_core()
                continue
            if not count:
                yield self.refusal(wiring, left[:1])
                return
            yield self.take(self.piece(wiring, left[:count]))
            left = left[count:]

    def piece(self, wiring: Wiring, neurons: Tensor) -> Piece:
        axons = wiring.axons(neurons)
        return Piece(wiring.layer.name, self.core, neurons, axons, wiring.count(neurons))

    def largest(self, wiring: Wiring, left: Tensor) -> int:
        """How many of the neurons still fit: by doubling, then by bisection."""
        low, high = 0, 1
        while high <= len(left) and self.fits(self.piece(wiring, left[:high])):
            low, high = high, 2 * high
        high = min(high, len(left) + 1)
        while high - low > 1:
            middle = (low + high) // 2
            if self.fits(self.piece(wiring, left[:middle])):
                low = middle
            else:
                high = middle
        return low

    def refusal(self, wiring: Wiring, neuron: Tensor) -> Violation:
        piece = self.piece(wiring, neuron)
        name = next(n for n, limit in self.room.items() if size(piece, n, self.bits) > limit)
        allowed = f"at most {self.room[name]:g}"
        got = f"{size(piece, name, self.bits):g} for one neuron"
        way_out = "Give its neurons fewer inputs"
        return Violation(wiring.layer.name, ROOM[name], allowed, got, way_out, self.core)


def size(piece: Piece, name: str, bits: int) -> float:
    sizes = {"neurons": len(piece.neurons), "axons": len(piece.axons), "synapses": piece.synapses}
    return sizes[name] if name in sizes else piece.synapses * bits


def rooms(profile: Profile) -> dict[str, float]:
    """The known limits of a core."""
    known = {name: profile.number(key) for name, key in ROOM.items()}
    return {name: limit for name, limit in known.items() if not isinstance(limit, Unknown)}


def place(profile: Profile, network: Network, bits: int | None = None) -> Mapping:
    """Neurons to cores, with weights of so many bits; the widest if none are given."""
    bits = bits or int(max(profile.numbers("formats.weight_bits"), default=8))
    if "limits.kernel_words" in profile.facts:
        return by_layer(profile, network, bits)
    placing = Placing(rooms(profile), bits)
    placed = [one for layer in network.layers for one in placing.place(Wiring(layer))]
    pieces = tuple(one for one in placed if isinstance(one, Piece))
    wrong = [one for one in placed if isinstance(one, Violation)]
    cores = profile.number("limits.cores")
    if not isinstance(cores, Unknown) and placing.core >= cores:
        first = next(piece.layer for piece in pieces if piece.core >= cores)
        way_out = "Make layers smaller, or choose a larger chip"
        allowed, got = f"at most {cores:g}", placing.core + 1
        wrong.append(Violation(first, "limits.cores", allowed, got, way_out, int(cores)))
    wrong += list(Routes(profile, network, pieces).violations())
    return Mapping(profile, network, pieces, tuple(wrong), bits)


def by_layer(profile: Profile, network: Network, bits: int) -> Mapping:
    chosen, words, violations = assign(profile, network)
    pieces = []
    for layer, core in chosen.items():
        wiring = Wiring(next(one for one in network.layers if one.name == layer))
        neurons = wiring.order
        pieces.append(Piece(layer, core, neurons, wiring.axons(neurons), wiring.count(neurons)))
    return Mapping(profile, network, tuple(pieces), tuple(violations), bits, words)


@dataclass(frozen=True, eq=False)
class Routes:
    """Which cores the spikes of each neuron must reach."""

    profile: Profile
    network: Network
    pieces: tuple[Piece, ...]

    @cached_property
    def reached(self) -> dict[str, Tensor]:
        """For each layer but the last, the number of cores that each neuron reaches."""
        layers = self.network.layers
        return {
            before.name: sum(
                (
                    listened(before, piece.axons)
                    for piece in self.pieces
                    if piece.layer == after.name
                ),
                torch.zeros(before.neurons, dtype=torch.long),
            )
            for before, after in pairwise(layers)
        }

    def violations(self) -> Iterator[Violation]:
        cores = self.profile.number("limits.fan_out_cores")
        axons = self.profile.number("limits.output_axons_per_core")
        for piece in self.pieces:
            if piece.layer not in self.reached:
                continue
            reach = self.reached[piece.layer][piece.neurons]
            for limit, allowed, got in (
                ("limits.fan_out_cores", cores, int(reach.max())),
                ("limits.output_axons_per_core", axons, int(reach.sum())),
            ):
                if not isinstance(allowed, Unknown) and got > allowed:
                    way_out = "Make the next layer so small that fewer cores hold it"
                    text = f"at most {allowed:g}"
                    yield Violation(piece.layer, limit, text, got, way_out, piece.core)


def listened(layer: Layer, axons: Tensor) -> Tensor:
    """1 for each neuron of a layer that some of the next layer's inputs come from."""
    heard = torch.zeros(torch.Size(layer.shape_pooled).numel(), dtype=torch.long)
    heard[axons] = 1
    if layer.pool == "none":
        return heard
    spread = heard.view(layer.shape_pooled).repeat_interleave(2, 1).repeat_interleave(2, 2)
    neurons = torch.zeros(layer.shape_out, dtype=torch.long)
    neurons[:, : spread.shape[1], : spread.shape[2]] = spread
    return neurons.flatten()


def reassembled(mapping: Mapping, layer: Layer) -> Tensor:
    """The layer's weights, put together again from what lies on the cores; NaN if one is lost."""
    weight = torch.full_like(layer.weight, torch.nan).flatten()
    wiring = Wiring(layer)
    for piece in mapping.of(layer.name):
        places = wiring.synapses(piece.neurons)[2]
        weight[places] = layer.weight.flatten()[places]
    return weight.view_as(layer.weight)
