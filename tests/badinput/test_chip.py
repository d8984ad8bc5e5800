"""Bad input about chips: refused with place, rule, value and way out, wherever it can occur."""

import json
import math
from dataclasses import replace
from html import unescape
from typing import Any, NamedTuple

import pytest
import torch

from hardware import integer
from hardware import program as programs
from hardware.check import check, demand
from hardware.network import Dynamics, Layer, Network
from hardware.profile import load
from snnlab.client.trouble import Code
from snnlab.experiments import queries
from snnlab.learning.landing import land
from snnlab.learning.networks.mlp import MLP
from snnlab.learning.neurons.lif import LIF
from snnlab.learning.plain import plain
from snnlab.learning.presets import presets
from snnlab.learning.problems import SpecError
from snnlab.learning.spec import Spec
from snnlab.web import definition
from tests.api.conftest import program
from tests.client.typed import snnlab
from tests.web.conftest import ada, home, member
from tests.web.test_new import KEY


__all__ = ["ada", "home", "member", "program"]

CHIP = {"kind": "emulated"}
START = presets()["mnist-chip"].definition | {"dataset": {"kind": "mnist-5k"}}
ROBUST = {"task": {"kind": "robustness"}, "chip": {"kind": "none"}, "deploy": "off-chip"}


class Bad(NamedTuple):
    """A definition that is wrong, where it is, and the rule, the value and the way out."""

    name: str
    changes: dict[str, Any]
    place: str
    rule: str
    value: str
    way_out: str


def robust(**task: Any) -> dict[str, Any]:
    return ROBUST | {"task": {"kind": "robustness", **task}}


TABLE = [
    Bad("bits that the profile lacks", {"chip": CHIP | {"bits": 9}},
        "chip.bits", "one of 2, 3, 4", "got 9", "Choose one"),
    Bad("bits that no level can have", robust(bits=[1.0]),
        "task.bits", "in 2..16", "got 1", "Leave it out"),
    Bad("half a bit", robust(bits=[2.5]), "task.bits", "whole number", "got 2.5", "Round it"),
    Bad("more than all neurons silent", {"chip": CHIP | {"silencing": 1.5}},
        "chip.silencing", "at most 1", "got 1.5", "share of neurons"),
    Bad("fewer than none", {"chip": CHIP | {"silencing": -0.1}},
        "chip.silencing", "at least 0", "got -0.1", "share of neurons"),
    Bad("a level of more than all", robust(silencing=[0.5, 1.2]),
        "task.silencing", "0..1", "got 1.2", "share of all"),
    Bad("a gaussian spread that makes time constants negative",
        {"chip": CHIP | {"mismatch": 0.5, "law": "gaussian"}},
        "chip.mismatch", "positive but for 1 draw in 1000", "got 0.5", "lognormal"),
    Bad("stationary noise on neurons that never leak",
        {"chip": CHIP | {"thermal": 0.2}, "neuron": {"kind": "if"}},
        "chip.thermal", "never leaks", "0.2", "Give chip.thermal_time"),
    Bad("the same in a robustness run", robust(thermal=[0.4]) | {"neuron": {"kind": "if"}},
        "task.thermal", "never leaks", "0.4", "Give task.thermal_time"),
    Bad("a norm that cannot be folded", {"network": {"kind": "mlp", "norm": "bntt"}},
        "network.norm", "cannot be folded", "BNTT", "none, batch or tdbn"),
    Bad("the same in a robustness run", robust() | {"network": {"kind": "mlp", "norm": "tebn"}},
        "network.norm", "cannot be folded", "TEBN", "none, batch or tdbn"),
    Bad("a layer that no chip has", {"network": {"kind": "resnet", "depth": 20, "width": 0.1}},
        "network", "cannot be put onto a chip", "stem", "Choose an mlp"),
    Bad("a neuron that no chip has", {"neuron": {"kind": "alif"}},
        "neuron", "no chip of ours has", "ALIF", "Choose if, lif or plif"),
    Bad("learning on a chip that cannot", {"chip": CHIP | {"profile": "truenorth"}},
        "deploy", "needs a chip that learns", "got chip.profile 'truenorth'", "deploy off-chip"),
    Bad("a rule that is not local", {"deploy": "on-chip"},
        "deploy", "what it sees itself", "got rule.kind 'bptt'", "Choose ltl-online"),
    Bad("flaws of a chip that computes exactly",
        {"chip": CHIP | {"profile": "loihi1", "mismatch": 0.2}},
        "chip.mismatch", "is digital", "got 0.2", "Leave it out"),
    Bad("spreads that nobody has published", {"chip": CHIP | {"profile": "brainscales2"}},
        "chip.mismatch", "must be given", "not published", "Give one of your own"),
    Bad("no chip at all", {"chip": {"kind": "none"}},
        "deploy", "without a chip", "got chip.kind 'none'", "Set chip.kind"),
    Bad("a chip that is not there", {"chip": CHIP | {"profile": "loihi9"}},
        "chip.profile", "one of", "got 'loihi9'", "Choose one"),
]  # fmt: skip
EACH = pytest.mark.parametrize("bad", TABLE, ids=lambda bad: bad.name)


def said(bad: Bad, text: str) -> None:
    """The message has a rule, a value and a way out."""
    for part in (bad.rule, bad.value, bad.way_out):
        assert part in text, (part, text)


@EACH
def test_the_library_names_place_rule_value_and_way_out(bad):
    with pytest.raises(SpecError) as caught:
        Spec.parse(START | bad.changes)
    assert [problem.place for problem in caught.value.problems] == [bad.place]
    said(bad, str(caught.value))


@EACH
def test_the_terminal_says_so_too_and_ends_with_the_code_of_a_bad_definition(bad, tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(START | bad.changes))
    result = snnlab("spec", "check", str(path), "--json")
    assert result.exit_code == Code.WRONG
    (problem,) = json.loads(result.stdout)["error"]["problems"]
    assert problem["place"] == bad.place
    said(bad, result.stderr)


def typed(bad: Bad) -> dict[str, str]:
    """What a browser sends for such a definition."""
    from snnlab.web.values import flatten

    flat = flatten(definition.form(), START | bad.changes)
    about = {"name": "Mine", "seeds": "1-2", "notes": "as I typed it", "team": "lab", "key": KEY}
    return about | {f"spec.{place}": text for place, text in flat.items()}


@EACH
def test_on_the_form_the_message_stands_at_its_field_and_what_was_typed_is_kept(member, ada, bad):
    data = typed(bad)
    answer = member.post("/experiments/new/", data)
    assert answer.status_code == 422
    page = unescape(answer.content.decode())
    shown = bad.place if f'data-place="{bad.place}"' in page else f"{bad.place}.kind"
    messages = [part.split("</p>")[0] for part in page.split(f'data-place="{shown}">')[1:]]
    said(bad, next(filter(None, messages)))  # of the chosen kind; the others have no problem
    assert "as I typed it</textarea>" in page
    if bad.place in {name.removeprefix("spec.") for name in data}:
        assert f'value="{data[f"spec.{bad.place}"]}"' in page or "selected" in page
    assert not queries.experiments(ada).exists()


@EACH
def test_toml_that_decides_is_refused_with_the_same_words(member, ada, bad):
    toml = definition.written(START | bad.changes)
    answer = member.post("/experiments/new/", typed(bad) | {"source": "toml", "toml": toml})
    assert answer.status_code == 422
    page = unescape(answer.content.decode())
    said(bad, page)
    assert toml.splitlines()[0] in page
    assert not queries.experiments(ada).exists()


@EACH
def test_the_api_names_the_field_too(program, ada, bad):
    asked = {"name": "Mine", "spec": START | bad.changes}
    answer = program.post("experiments", asked)
    assert answer.status_code == 422
    (problem,) = answer.json()["problems"]
    assert problem["place"] == f"spec.{bad.place}"
    said(bad, answer.json()["detail"])
    assert not queries.experiments(ada).exists()


def test_what_does_not_fit_is_refused_by_the_api_at_the_field_that_has_to_change(program, ada):
    chip = CHIP | {"profile": "dynapse2"}
    asked = {"name": "Mine", "spec": START | {"chip": chip, "deploy": "off-chip"}}
    answer = program.post("experiments", asked)
    assert answer.status_code == 422
    assert {p["place"] for p in answer.json()["problems"]} == {"spec.network.kind"}
    assert "limits.fan_in_signed must be at most 64, got 784" in answer.json()["detail"]
    assert not queries.experiments(ada).exists()


# what no definition can say: weights and programs


def network(*, weight: float = 0.5) -> Network:
    neuron = Dynamics(1.0, 1.0, "hard")
    first, last = torch.full((3, 4), weight), torch.full((2, 3), 0.5)
    layers = (Layer("fc1", first, None, (4,), dynamics=neuron), Layer("output", last, None, (3,)))
    return Network(layers, 1e-3)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("chip", ["generic-mixed-signal", "loihi1", "ideal"])
def test_weights_that_are_no_numbers_are_refused(wrong, chip):
    with pytest.raises(ValueError, match=r"fc1: weight must be finite, got 12 .* Train again"):
        demand(load(chip), network(weight=wrong))


def test_a_program_runs_on_no_other_profile_not_even_an_edited_one():
    made = programs.compile(load("loihi1"), network())
    assert integer.run(programs.load(made.data, load("loihi1")), torch.ones(1, 1, 4), 2)
    for other in (load("truenorth"), replace(load("loihi1"), digest="edited")):
        with pytest.raises(ValueError, match=r"profile must be loihi1 .* Compile it for that"):
            programs.load(made.data, other)


def test_the_emulator_refuses_learning_and_widths_in_the_same_words():
    found = check(load("dynapse2"), network(), bits=9, learning=True).violations
    text = "\n".join(map(str, found))
    assert "formats.weight_bits must be one of 4, got 9. Choose one of them" in text
    assert "learning.on_chip must be left out, got on-chip learning. Calibrate" in text


def test_a_norm_that_is_not_folded_never_reaches_a_chip():
    built = MLP(hidden=(4,)).build((1, 2, 2), 2, LIF(), seed=1).eval()
    norm = built.layers.fc1.norm
    norm.running_mean.fill_(0.5)
    norm.running_var.fill_(4.0)
    folded = plain(built, (1, 2, 2)).layers[0]
    x = torch.rand(5, 4)
    asked = norm(built.layers.fc1.synapse(x))
    assert torch.allclose(x @ folded.weight.T + folded.bias, asked, atol=1e-6)


def test_another_chip_than_the_definitions_is_refused_at_the_same_places():
    spec = Spec.parse(START | {"chip": CHIP | {"mismatch": 0.2, "bits": 5}})
    (xylo,) = land(spec, ["xylo_a2"])
    places = {problem.place for problem in xylo.refusals}
    assert {"chip.bits", "chip.mismatch", "deploy", "network.kind"} <= places
