r"""Chips whose cores are unequal, and each hold one layer and its kernel once: DYNAP-CNN.

Memory is taken in powers of two. With c maps in, f maps out of :math:`f_x \times f_y` neurons and
a kernel of :math:`k_x \times k_y`:

.. math::
    M_k = c\, 2^{\lceil \log_2 k_x k_y \rceil + \lceil \log_2 f \rceil}, \qquad
    M_n = f\, 2^{\lceil \log_2 f_y \rceil + \lceil \log_2 f_x \rceil}

Source: sinabs-dynapcnn 3.1 (github.com/synsense/sinabs). A dense layer is a kernel as large as the
map that it reads. Layers find cores by augmenting paths, so that a match is found if there is one.
"""

from dataclasses import dataclass

from hardware.network import Layer, Network
from hardware.profile import Profile
from hardware.violation import Violation


@dataclass(frozen=True)
class Words:
    """Memory that a layer takes."""

    kernel: int
    neuron: int
    bias: int


def words(layer: Layer, maps_in: tuple[int, ...]) -> Words:
    """What a layer that reads `maps_in` takes."""
    out = len(layer.weight)
    kernel = layer.weight[0, 0].numel() if layer.convolves else area(maps_in)
    inputs = layer.weight.shape[1] if layer.convolves else maps_in[0]
    height, width = layer.shape_out[1:] if layer.convolves else (1, 1)
    return Words(
        inputs * power(kernel) * power(out),
        out * power(height) * power(width),
        0 if layer.bias is None else out,
    )


def area(maps: tuple[int, ...]) -> int:
    return maps[1] * maps[2] if len(maps) == 3 else 1


def power(n: int) -> int:
    """The least power of two that is not less."""
    return 1 << (n - 1).bit_length()


def maps_in(network: Network) -> list[tuple[int, ...]]:
    """What each layer reads, before it is flattened."""
    before = [network.layers[0].shape_in, *(one.shape_pooled for one in network.layers[:-1])]
    return list(before)


def assign(
    profile: Profile, network: Network
) -> tuple[dict[str, int], dict[int, dict[str, float]], list[Violation]]:
    """A core for each layer, the share of its memory that is used, and what found none."""
    kernels = profile.numbers("limits.kernel_words")
    neurons = profile.numbers("limits.neuron_words")
    sizes = {
        layer.name: words(layer, shape)
        for layer, shape in zip(network.layers, maps_in(network), strict=True)
    }
    able = {
        name: [
            core
            for core in range(len(kernels))
            if size.kernel <= kernels[core] and size.neuron <= neurons[core]
        ]
        for name, size in sizes.items()
    }
    chosen: dict[int, str] = {}
    lost = [name for name in sizes if not settle(name, able, chosen, set())]
    used = {
        core: {
            "kernel": sizes[name].kernel / kernels[core],
            "neurons": sizes[name].neuron / neurons[core],
        }
        for core, name in chosen.items()
    }
    homes = {name: core for core, name in chosen.items()}
    return homes, used, [refusal(name, sizes[name], kernels, neurons) for name in lost]


def settle(name: str, able: dict[str, list[int]], chosen: dict[int, str], tried: set[int]) -> bool:
    """Give a layer a core, moving others if need be."""
    for core in able[name]:
        if core in tried:
            continue
        tried.add(core)
        if core not in chosen or settle(chosen[core], able, chosen, tried):
            chosen[core] = name
            return True
    return False


def refusal(
    name: str, size: Words, kernels: tuple[float, ...], neurons: tuple[float, ...]
) -> Violation:
    if size.kernel > max(kernels):
        limit, allowed, got = "limits.kernel_words", max(kernels), size.kernel
    elif size.neuron > max(neurons):
        limit, allowed, got = "limits.neuron_words", max(neurons), size.neuron
    else:
        text = f"one free core for {size.kernel} kernel and {size.neuron} neuron words"
        return Violation(name, "limits.cores", text, "none", "Use fewer or smaller layers")
    way_out = "Give the layer fewer maps or a smaller kernel"
    return Violation(name, limit, f"at most {allowed:g}", got, way_out)
