"""Neurons on cores: within every limit, and with every synapse."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.kernels import maps_in, words
from hardware.mapper import Mapping, place, reassembled
from hardware.network import Dynamics, Layer, Network
from hardware.profile import Profile, load, parse
from hardware.unknown import Unknown
from hardware.wiring import Wiring
from tests.hardware.networks import convnet, mlp


MNIST = mlp(784, 512, 10)
FITS = Dynamics(1.0, 0.5, "soft")


def chip(**limits: object) -> Profile:
    lines = "\n".join(f'{key} = [{value}, "ours"]' for key, value in limits.items())
    return parse("small", f"label = 'small'\nengine = 'digital'\n[limits]\n{lines}")


def matrix(mapping: Mapping, layer: Layer) -> torch.Tensor:
    """The layer as a matrix (neurons, inputs), made from what lies on the cores alone."""
    dense = torch.zeros(layer.neurons, math.prod(layer.shape_in), dtype=layer.weight.dtype)
    for piece in mapping.of(layer.name):
        neuron, axon, weight = Wiring(layer).synapses(piece.neurons)
        assert torch.isin(axon, piece.axons).all()
        assert len(neuron) == piece.synapses
        dense.index_put_((neuron, axon), layer.weight.flatten()[weight], accumulate=True)
    return dense


@given(
    neurons=st.integers(1, 70),
    axons=st.integers(40, 300),
    bits=st.integers(400, 40_000),
    size=st.integers(4, 7),
    stride=st.integers(1, 2),
    padding=st.integers(0, 2),
)
@settings(max_examples=40)
def test_no_synapse_is_lost_and_no_limit_broken(neurons, axons, bits, size, stride, padding):
    kernel = torch.randn(3, 2, 3, 3, dtype=torch.float64)
    side = (size + 2 * padding - 3) // stride + 1
    first = Layer("conv", kernel, None, (2, size, size), stride, padding, "none", FITS)
    last = Layer("out", torch.randn(4, 3 * side**2).double(), None, (3 * side**2,))
    profile = chip(neurons_per_core=neurons, input_axons_per_core=axons, synapse_bits_per_core=bits)
    mapping = place(profile, Network((first, last), 1e-3), bits=8)
    loads = mapping.utilisation().values()
    assert all(share <= 1 for load in loads for share in load.values())
    for layer in (first, last):
        refused = any(v.layer == layer.name for v in mapping.violations)
        placed = [n for piece in mapping.of(layer.name) for n in piece.neurons.tolist()]
        assert len(placed) == len(set(placed))
        assert refused or sorted(placed) == list(range(layer.neurons))
        if not refused:
            x = torch.randn(2, *layer.shape_in, dtype=torch.float64)
            current = x.flatten(1) @ matrix(mapping, layer).t()
            assert torch.allclose(current, layer.synapses(x).flatten(1))


@pytest.mark.parametrize("network", [MNIST, convnet(maps=20)], ids=["mlp", "convnet"])
@pytest.mark.parametrize("name", ["loihi1", "generic-mixed-signal", "ideal"])
def test_reassembled_weights_equal_the_originals(name: str, network: Network) -> None:
    mapping = place(load(name), network)
    assert not mapping.violations
    for layer in network.layers:
        assert torch.equal(reassembled(mapping, layer), layer.weight)


def test_a_lost_neuron_would_be_seen() -> None:
    mapping = place(load("loihi1"), MNIST)
    lost = Mapping(mapping.profile, MNIST, mapping.pieces[1:], (), 8)
    assert reassembled(lost, MNIST.layers[0]).isnan().any()


def test_a_large_layer_is_split_by_its_synapses() -> None:
    # 1048576 bits / (784 inputs x 8 bits) = 167 neurons; 512 of them need 4 cores, where the
    # last has room for the 10 of the readout: 11 x 6272 + 10 x 4096 bits
    mapping = place(load("loihi1"), MNIST)
    assert [len(piece.neurons) for piece in mapping.of("fc1")] == [167, 167, 167, 11]
    assert mapping.of("output")[0].core == 3
    assert mapping.cores == 4
    assert mapping.utilisation()[0]["bits"] == 167 * 784 * 8 / 1048576
    assert mapping.utilisation()[3]["neurons"] == 21 / 1024


def test_fewer_bits_need_fewer_cores() -> None:
    assert place(load("loihi1"), MNIST, bits=4).cores == 2


def test_too_many_cores_name_the_layer_where_they_end() -> None:
    mapping = place(chip(cores=2, neurons_per_core=10), mlp(6, 25, 10))
    (violation,) = mapping.violations
    assert str(violation) == (
        "layer fc1, core 2: limits.cores must be at most 2, got 4. "
        "Make layers smaller, or choose a larger chip"
    )


def test_spikes_to_too_many_cores_are_refused() -> None:
    # 10 neurons of fc1, and 3 cores for the 25 of fc2
    mapping = place(chip(neurons_per_core=10, fan_out_cores=2), mlp(6, 10, 25, 1))
    assert {(v.layer, v.core, v.got) for v in mapping.violations} == {("fc1", 0, 3)}
    mapping = place(chip(neurons_per_core=10, output_axons_per_core=29), mlp(6, 10, 25, 1))
    assert {(v.limit, v.got) for v in mapping.violations} == {("limits.output_axons_per_core", 30)}


def test_pooled_neurons_reach_what_their_pool_reaches() -> None:
    network = convnet(size=5, maps=1)  # 5 x 5 is pooled to 2 x 2: the last row and column are lost
    mapping = place(chip(neurons_per_core=25, fan_out_cores=0), network)
    assert [v.got for v in mapping.violations] == [1]


@pytest.mark.parametrize(("n", "memory"), [(3, 4), (4, 4), (5, 8)])
def test_memory_is_taken_in_powers_of_two(n: int, memory: int) -> None:
    weight = torch.zeros(n, 2, 3, 3)
    layer = Layer("conv", weight, None, (2, n + 2, 9), dynamics=FITS)
    size = words(layer, layer.shape_in)
    assert size.kernel == 2 * 16 * memory  # c x 2^ceil(log2 9) x 2^ceil(log2 f)
    assert size.neuron == n * memory * 8  # f x 2^ceil(log2 fy) x 2^ceil(log2 fx)


def test_layers_move_so_that_all_find_an_unequal_core() -> None:
    profile = parse(
        "two",
        "label = 'two'\nengine = 'digital'\n[limits]\n"
        "kernel_words = [[64, 16], 'ours']\nneuron_words = [[64, 64], 'ours']",
    )
    network = mlp(4, 4, 16)  # 16 words, which would take core 0; then 64, which only core 0 has
    mapping = place(profile, network)
    assert not mapping.violations
    assert {p.layer: p.core for p in mapping.pieces} == {"fc1": 1, "output": 0}
    assert mapping.utilisation()[0]["kernel"] == 1
    crowded = place(profile, mlp(4, 4, 4, 4))
    assert "one free core" in str(crowded.violations[0])


def test_a_dense_layer_reads_the_map_before_it() -> None:
    network = convnet(size=8, maps=4)
    assert maps_in(network) == [(1, 8, 8), (4, 4, 4)]
    assert words(network.layers[1], (4, 4, 4)).kernel == 4 * 16 * 16
    assert not place(load("dynapcnn"), network).violations


def test_an_unknown_limit_does_not_bind() -> None:
    assert isinstance(load("dynapse2").number("limits.synapses_per_core"), Unknown)
    assert set(place(load("dynapse2"), mlp(64, 10)).utilisation()[0]) == {"neurons"}
