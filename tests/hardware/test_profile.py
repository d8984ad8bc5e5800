"""Each number of a chip has a source, and a number that nobody has published is not zero."""

import math
from importlib.resources import files
from operator import add, mul, sub, truediv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.profile import EVIDENCE, KEYS, load, names, parse
from hardware.unknown import Unknown, is_known


REQUIRED = {
    "ideal",
    "generic-mixed-signal",
    "loihi1",
    "truenorth",
    "dynapse2",
    "dynapcnn",
    "brainscales2",
    "xylo_a2",
}
CHIPS = pytest.mark.parametrize("name", names())


def test_the_chips_that_were_promised_are_there() -> None:
    assert set(names()) >= REQUIRED


@CHIPS
def test_every_fact_says_how_it_is_known(name: str) -> None:
    profile = load(name)
    assert profile.facts
    for fact in profile.facts.values():
        assert fact.evidence in EVIDENCE
        assert profile.source(fact)
        assert profile.number(fact.key) if KEYS[fact.key][0] == "number" else fact.value is not None


@CHIPS
def test_only_models_without_a_chip_rest_on_our_own_choice(name: str) -> None:
    invented = [f for f in load(name).facts.values() if f.evidence == "ours"]
    assert bool(invented) == (name in {"ideal", "generic-mixed-signal"})


def test_numbers_from_memory_are_marked() -> None:
    assert not load("truenorth").facts["limits.fan_out_cores"].verified
    assert "unverified" in str(load("truenorth").facts["limits.fan_out_cores"])
    assert load("truenorth").facts["limits.cores"].verified


def test_what_is_not_published_is_unknown_and_names_itself() -> None:
    cost = load("dynapse2").number("energy.synaptic_event")
    assert cost == Unknown("energy.synaptic_event of dynapse2 is not published")


@given(x=st.floats(allow_nan=False), op=st.sampled_from([add, sub, mul, truediv]))
def test_unknown_stays_unknown_in_arithmetic(x: float, op: object) -> None:
    unknown = Unknown("no figure")
    assert op(x, unknown) == op(unknown, x) == -unknown == unknown  # not even 0 x unknown is 0
    assert not is_known(sum([x, unknown, 1.0]))
    assert op(unknown, Unknown("none there")).reason == "no figure; none there"


def test_unknown_is_no_number_and_no_truth() -> None:
    for ask in (float, bool, lambda u: u < 3):
        with pytest.raises(TypeError):
            ask(Unknown("no figure"))


def test_the_hash_changes_with_every_word() -> None:
    text = (files("hardware") / "profiles" / "loihi1.toml").read_text()
    assert parse("loihi1", text).digest == load("loihi1").digest
    assert parse("loihi1", text + "\n# a comment\n").digest == load("loihi1").digest
    assert parse("loihi1", text.replace("1024", "1025")).digest != load("loihi1").digest
    assert len({load(name).digest for name in names()}) == len(names())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[limits]\ncoers = [3, 'web']", r"x: limits.coers must be a key that is known"),
        ("[limits]\ncores = 3", r"x: limits.cores must be \[value, evidence\]"),
        ("[limits]\ncores = [3, 'rumour']", r"with one of file, web, deriv, mem, ours"),
        ("[limits]\ncores = [nan, 'web']", r"must be of the kind number, got nan"),
        ("[neuron]\nleak = [1, 'web']", r"must be of the kind flag, got 1"),
    ],
)
def test_a_profile_that_says_too_little_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse("x", f"label = 'x'\nengine = 'digital'\n{text}")


def test_an_unknown_chip_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"chip must be one of brainscales2, .* got 'loihi9'"):
        load("loihi9")
    with pytest.raises(ValueError, match=r"x: engine must be one of ideal, analog, digital"):
        parse("x", "label = 'x'")


def test_the_ideal_chip_has_no_limit() -> None:
    profile = load("ideal")
    assert all(math.isinf(profile.number(f"limits.{k}")) for k in ("fan_in", "neurons_per_core"))
