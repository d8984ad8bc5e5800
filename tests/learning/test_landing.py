"""Whether a definition's network fits onto a chip, before it is trained."""

import pytest

from hardware.profile import names
from hardware.unknown import Unknown
from snnlab.learning.errors import TrainingError
from snnlab.learning.landing import land
from snnlab.learning.presets import presets
from snnlab.learning.spec import Spec


def one(spec, profile="generic-mixed-signal"):
    (found,) = land(spec, [profile])
    return found


def test_what_fits_has_a_program_and_a_core_for_every_neuron(tiny):
    found = one(tiny(network={"kind": "mlp", "hidden": [300]}))
    assert found.fits
    assert [error.layer for error in found.program.errors] == ["fc1", "output"]
    held = [core.layers for core in found.cores]
    assert sum(layers.get("fc1", 0) for layers in held) == 300
    assert sum(layers.get("output", 0) for layers in held) == 10
    assert len(held) == 2  # of 256 neurons each
    assert max(core.fullest for core in found.cores) == 1.0


def test_all_that_keeps_it_from_a_chip_is_said_at_once(tiny):
    found = one(tiny(network={"kind": "mlp", "hidden": [100, 20]}), "dynapse2")
    assert not found.fits
    assert found.program is None
    said = [(v.layer, v.limit, v.got) for v in found.report.violations]
    assert said == [("fc1", "limits.fan_in_signed", "784"), ("fc2", "limits.fan_in_signed", "100")]


def test_learning_and_widths_are_those_of_the_definition(tiny):
    spec = tiny(chip={"kind": "emulated", "bits": 5}, deploy="calibrated")
    assert one(spec).program.errors[0].bits == 5
    limits = {v.limit for v in one(spec, "xylo_a2").report.violations}
    assert {"formats.weight_bits", "learning.on_chip"} <= limits
    assert "learning.on_chip" not in {v.limit for v in one(tiny(), "xylo_a2").report.violations}


def test_flaws_that_a_chip_cannot_have_are_objections_at_their_place(tiny):
    digital = one(tiny(chip={"kind": "emulated", "mismatch": 0.2}), "loihi1")
    assert "is digital" in str(digital.problems[0])
    assert digital.problems[0].place.startswith("chip")
    unpublished = one(tiny(chip={"kind": "emulated"}), "brainscales2")
    assert "not published" in str(unpublished.problems[0])


def test_a_price_that_nobody_published_is_none_and_no_zero(tiny):
    truenorth, loihi = one(tiny(), "truenorth"), one(tiny(), "loihi1")
    assert None not in truenorth.prices.values()
    assert loihi.prices["energy.static"] is None
    assert one(tiny(time_steps=5), "truenorth").seconds == pytest.approx(5e-3)
    assert isinstance(loihi.seconds, Unknown)


def test_a_layer_that_no_chip_has_is_refused(tiny):
    with pytest.raises(TrainingError, match="cannot be put onto a chip"):
        one(tiny(network={"kind": "resnet", "depth": 20, "width": 0.1}))


def test_every_chip_answers_for_the_presets_that_are_made_for_chips():
    for name in ("mnist-chip", "mnist-on-chip"):
        spec = Spec.from_toml(presets()[name].text)
        answers = {found.profile.name: found.fits for found in land(spec, names())}
        assert len(answers) == 8
        assert answers["generic-mixed-signal"]
        assert not answers["dynapse2"]
