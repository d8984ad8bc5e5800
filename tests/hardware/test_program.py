"""A program is data that survives a file, and runs on its own chip only."""

import pickletools
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.profile import load, names
from hardware.program import compile
from hardware.program import load as reload
from hardware.tensors import dumps, loads
from tests.hardware.networks import mlp, spikes


SMALL = mlp(16, 20, 8, alpha=1.0)


def fitting(name: str):
    first, last = SMALL.layers
    hard = replace(first, dynamics=replace(first.dynamics, reset="hard"))
    return replace(SMALL, layers=(hard, last)) if name == "loihi1" else SMALL


@pytest.mark.parametrize("name", names())
def test_a_program_survives_a_file(name: str) -> None:
    program = compile(load(name), fitting(name))
    again = reload(program.data, load(name))
    assert again.data == program.data
    assert again.digest == program.digest
    assert again.errors == program.errors
    x = spikes(12, 4, 16)
    assert torch.equal(again.network.run(x), program.network.run(x))
    for layer, codes in program.codes.items():
        assert torch.equal(again.codes[layer].weight, codes.weight)
        assert again.codes[layer].exponent == codes.exponent
    for layer, places in program.places.items():
        assert [c for c, _ in again.places[layer]] == [c for c, _ in places]


def test_an_ideal_program_runs_the_network_bit_for_bit() -> None:
    x = spikes(12, 4, 16)
    assert torch.equal(compile(load("ideal"), SMALL).network.run(x), SMALL.run(x))


def test_it_is_refused_on_another_chip_and_on_an_edited_profile() -> None:
    program = compile(load("loihi1"), fitting("loihi1"))
    with pytest.raises(ValueError, match=r"profile must be loihi1 .* got ideal .* Compile it for"):
        reload(program.data, load("ideal"))
    with pytest.raises(ValueError, match=r"profile must be loihi1"):
        reload(program.data, replace(load("loihi1"), digest="0" * 64))


def test_it_is_no_code_and_other_tools_can_read_it() -> None:
    program = compile(load("loihi1"), fitting("loihi1"))
    tensors = safetensors.torch.load(program.data)
    assert torch.equal(tensors["fc1/weight"], program.network.layers[0].weight)
    with pytest.raises((ValueError, IndexError)):
        list(pickletools.genops(program.data))


def test_every_weight_is_in_the_hash() -> None:
    changed = mlp(16, 20, 8, alpha=1.0)
    digest = compile(load("ideal"), changed).digest
    assert digest == compile(load("ideal"), SMALL).digest
    changed.layers[0].weight[3, 4] += 0.25
    assert compile(load("ideal"), changed).digest != digest


def test_a_network_that_does_not_fit_is_refused_with_all_reasons() -> None:
    with pytest.raises(ValueError, match=r"(?s)2 reasons against dynapse2.*got 784.*got 512"):
        compile(load("dynapse2"), mlp(784, 512, 10))


def test_the_report_tells_errors_and_places() -> None:
    report = compile(load("loihi1"), fitting("loihi1")).report()
    assert "layer fc1: 8 bits, weight error 0." in report
    assert "layer fc1: 20 neurons on core 0" in report


@given(cut=st.integers(0, 400), at=st.integers(0, 60), byte=st.integers(0, 255))
@settings(max_examples=150)
def test_broken_bytes_raise_nothing_but_a_value_error(cut: int, at: int, byte: int) -> None:
    data = bytearray(dumps({"a": torch.ones(3), "b": torch.zeros(2, 2).long()}, {"x": "y"}))
    data[at] = byte
    with suppress(ValueError):  # and no other
        loads(bytes(data[:cut]))


@pytest.mark.parametrize("cut", [0, 5, 20, -1])
def test_half_a_file_is_refused(cut: int) -> None:
    with pytest.raises(ValueError, match=r"must .* Copy"):
        loads(dumps({"a": torch.ones(3)}, {})[:cut])


def test_the_example_of_the_docs_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "hardware.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(example, {"network": fitting("loihi1"), "spikes": spikes(12, 4, 16)})
    assert float(capsys.readouterr().out.splitlines()[-1]) > 0  # joules
