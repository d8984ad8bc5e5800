import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import ValidationError

from snnlab.learning.spec import Spec, SpecError
from tests.learning.conftest import TINY
from tests.learning.parts import parts


# most random definitions do not fit together: a rule is picky, and so is a chip
MANY = [HealthCheck.filter_too_much]


def small(spec):
    return spec.network.kind != "convnet" or len(spec.network.channels) < 4


@settings(max_examples=150, suppress_health_check=MANY)
@given(spec=parts(Spec).filter(small))
def test_a_spec_read_back_equals_itself(spec):
    assert Spec.from_toml(spec.to_toml()) == spec
    assert Spec.from_json(spec.model_dump_json()) == spec
    assert Spec.parse(spec.model_dump(mode="json")) == spec


@settings(max_examples=50, suppress_health_check=MANY)
@given(one=parts(Spec).filter(small), other=parts(Spec).filter(small))
def test_equal_specs_and_only_they_have_equal_digests(one, other):
    assert (one.digest() == other.digest()) == (one == other)
    assert Spec.from_toml(one.to_toml()).digest() == one.digest()


def test_a_default_written_out_changes_no_digest():
    written = Spec.parse(TINY).model_dump(mode="json")
    assert len(str(written)) > 2 * len(str(TINY))
    assert Spec.parse(written).digest() == Spec.parse(TINY).digest()


def test_the_digest_of_a_definition_never_changes_by_itself():
    """A changed digest orphans every stored result: change this value only knowingly."""
    assert Spec.parse(TINY).digest() == "fac3b6b6e2f0"


def test_a_spec_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Spec.parse(TINY).epochs = 3


def refused(**changes):
    with pytest.raises(SpecError) as caught:
        Spec.parse({**TINY, **changes})
    return str(caught.value)


BAD = [
    ({"time_steps": 0}, "time_steps: must be at least 1, got 0"),
    ({"time_steps": 1.5}, "time_steps: must be a whole number, got 1.5"),
    ({"time_steps": 10**9}, "time_steps: must be at most 1000, got 1000000000"),
    ({"time_steps": "10"}, "time_steps: must be a whole number, got '10'"),
    ({"time_steps": None}, "time_steps: must be a whole number, got None"),
    ({"epochs": True}, "epochs: must be a whole number, got True"),
    ({"epochs": 0}, "epochs: must be at least 1, got 0"),
    ({"batch_size": 0}, "batch_size: must be at least 1, got 0"),
    ({"validation": 0}, "validation: must be greater than 0"),
    ({"optimizer": {"kind": "adam", "lr": -1}}, "optimizer.lr: must be greater than 0"),
    ({"optimizer": {"kind": "adam", "lr": math.nan}}, "optimizer.lr: must be finite, got nan"),
    ({"optimizer": {"kind": "adam", "lr": "1e-3"}}, "optimizer.lr: must be a number, got '1e-3'"),
    ({"neuron": {"kind": "lif", "tau": 0}}, "neuron.tau: must be greater than 0"),
    ({"neuron": {"kind": "lif", "v_threshold": 0}}, "neuron.v_threshold: must be greater than 0"),
    ({"neuron": {"kind": "lif", "surrogate_width": 0}}, "neuron.surrogate_width: must be greater"),
    ({"neuron": {"kind": "lif", "surrogate": "os.system"}}, "neuron.surrogate: must be one of"),
    ({"neuron": {"kind": "lfi"}}, "Did you mean 'lif'?"),
    ({"neuron": {}}, "neuron.kind: needs a kind"),
    ({"neuron": []}, "neuron: must be a table of fields, got []"),
    (
        {"neuron": {"kind": "lif", "tua": 2}},
        "neuron.tua: is not a known field, got 2. Did you mean 'tau'?",
    ),
    ({"learning_rate": 1}, "learning_rate: is not a known field"),
    ({"network": {"kind": "mlp", "hidden": [0]}}, "network.hidden.0: must be at least 1, got 0"),
    (
        {"network": {"kind": "mlp", "hidden": [100_000] * 3}},
        "at most 200,000,000 weights, got 20,0",
    ),
    ({"network": {"kind": "convnet", "channels": [8] * 8}}, "Give fewer entries"),
]


@pytest.mark.parametrize(("changes", "message"), BAD, ids=[message for _, message in BAD])
def test_a_bad_value_is_refused_with_place_rule_and_value(changes, message):
    assert message in refused(**changes)


def test_every_problem_is_reported_at_once():
    assert len(refused(time_steps=0, epochs=0, nonsense=1).splitlines()) == 3


def test_a_refusal_says_what_the_field_means_with_its_unit():
    text = refused(neuron={"kind": "lif", "tau": -1})
    assert text.endswith("Meaning: membrane time constant in ms; default 2.0.")


def test_a_missing_part_is_named():
    with pytest.raises(SpecError, match="neuron: is required"):
        Spec.parse({name: value for name, value in TINY.items() if name != "neuron"})


@pytest.mark.parametrize("data", [None, [], "spec", 1])
def test_what_is_no_table_is_refused(data):
    with pytest.raises(SpecError, match="definition: must be a table of fields"):
        Spec.parse(data)


DEEP = 10_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs = 2020-01-01", "2020-01-01 is a date or a time, which no field takes"),
        ("epochs = [12:00:00]", "12:00:00 is a date or a time"),
        (f"epochs = {'9' * 5000}", "no valid TOML"),
        (f"epochs = {'[' * DEEP}{']' * DEEP}", "nested too deeply"),
        (f"{'a.' * DEEP}a = 1", "nested too deeply"),
        (f"epochs = {'[' * 300}{']' * 300}", "definition: .*recursion"),
    ],
)
def test_toml_that_json_could_not_hold_is_refused(text, message):
    with pytest.raises(SpecError, match=message):
        Spec.from_toml(text)


def test_broken_toml_is_refused_with_line_and_column():
    with pytest.raises(SpecError, match=r"no valid TOML: .*line 2, column"):
        Spec.from_toml("time_steps = 4\nepochs = = 3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"epochs": NaN}', "NaN is no JSON number"),
        ('{"epochs": 1, "epochs": 2}', "epochs stands there twice"),
        ("{", "no valid JSON"),
        ("", "no valid JSON"),
        ("[" * 50_000, "nested too deeply"),
    ],
)
def test_broken_json_is_refused(text, message):
    with pytest.raises(SpecError, match=message):
        Spec.from_json(text)


def test_the_schema_tells_a_form_all_it_needs():
    schema = Spec.model_json_schema()
    tau = schema["$defs"]["LIF"]["properties"]["tau"]
    assert tau["unit"] == "ms"
    assert tau["exclusiveMinimum"] == 0
    assert tau["description"] == "membrane time constant"
    assert json.dumps(schema)


def test_every_field_of_every_part_says_what_it_is():
    for name, part in Spec.model_json_schema()["$defs"].items():
        for field, schema in part["properties"].items():
            assert field == "kind" or schema.get("description"), f"{name}.{field}"
