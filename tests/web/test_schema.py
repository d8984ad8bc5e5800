"""The form generator knows no part by name: these parts exist only here."""

from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from snnlab.learning.presets import presets
from snnlab.learning.spec import Spec
from snnlab.web.definition import form
from snnlab.web.schema import Choice, Group, Input, form_of, inputs
from snnlab.web.values import define, flatten


class Apple(BaseModel):
    """A fruit. More words."""

    kind: Literal["apple"] = "apple"
    weight: float = Field(100.0, gt=0, le=1000, json_schema_extra={"unit": "g"})
    ripe: bool = True


class Nut(BaseModel):
    kind: Literal["nut"] = "nut"
    count: int = Field(3, gt=0, lt=10, description="how many")
    shell: Literal["hard", "soft", 3] = "hard"


class Lid(BaseModel):
    tight: bool = False


class Basket(BaseModel):
    filling: Annotated[Apple | Nut, Field(discriminator="kind")] = Field(description="inside")
    second: Annotated[Apple | Nut, Field(discriminator="kind")] | None = Nut(count=2)
    lid: Lid | None = None
    handle: Lid = Lid()
    only: Nut = Nut()
    sizes: tuple[int, ...] = (1, 2)
    shares: tuple[float, ...] | None = None
    note: str = "plain"
    limit: float | None = None
    table: dict[str, int] = {"a": 1}


FORM = form_of(Basket.model_json_schema())

apples = st.builds(Apple, weight=st.floats(1e-9, 1000), ripe=st.booleans())
nuts = st.builds(Nut, count=st.integers(1, 9), shell=st.sampled_from(["hard", "soft", 3]))
baskets = st.builds(
    Basket,
    filling=apples | nuts,
    second=st.none() | apples | nuts,
    lid=st.none() | st.builds(Lid, tight=st.booleans()),
    handle=st.builds(Lid, tight=st.booleans()),
    only=nuts,
    sizes=st.lists(st.integers()).map(tuple),
    shares=st.none() | st.lists(st.floats(allow_nan=False), min_size=1).map(tuple),
    note=st.text("abc äß", min_size=1).map(str.strip).filter(bool),
    limit=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    table=st.dictionaries(st.text("ab"), st.integers()),
)


def member(name: str):
    return next(node for node in FORM.members if node.place == name)


def by_place(node) -> dict[str, Input]:
    return {field.place: field for field in inputs(node)}


@given(basket=baskets)
def test_a_part_survives_the_way_through_a_form(basket):
    sent = flatten(FORM, basket.model_dump(mode="json"))
    assert Basket.model_validate(define(FORM, sent)) == basket


@pytest.mark.parametrize("name", presets())
def test_a_preset_survives_the_way_through_the_form(name):
    spec = Spec.parse(presets()[name].definition)
    sent = flatten(form(), spec.model_dump(mode="json"))
    assert Spec.parse(define(form(), sent)) == spec


def suited(place: str, kind: str) -> dict:
    """A definition where that part may be of that kind: that of a preset, if one has it."""
    known = [preset.definition for preset in presets().values()]
    having = [d for d in known if d.get(place, {}).get("kind") == kind]
    sample = presets()["mnist-sample"].definition
    if kind == "ottt":
        return sample | {"network": {"kind": "mlp", "norm": "none"}}
    return [*having, sample | {"dataset": {"kind": "cifar10"}}][0]  # images large enough for VGG


def test_every_kind_of_every_part_survives_the_way_through_the_form():
    for choice in (node for node in form().members if isinstance(node, Choice)):
        for kind in choice.options:
            spec = Spec.parse(suited(choice.place, kind) | {choice.place: {"kind": kind}})
            sent = flatten(form(), spec.model_dump(mode="json"))
            assert Spec.parse(define(form(), sent)) == spec


def test_a_union_is_a_choice_between_its_kinds():
    filling = member("filling")
    assert isinstance(filling, Choice)
    assert list(filling.options) == ["apple", "nut"]
    assert filling.options["apple"].help == "A fruit. More words."


def test_a_part_that_may_be_absent_offers_none():
    assert list(member("second").options) == ["", "apple", "nut"]
    assert list(member("lid").options) == ["", "on"]


def test_a_part_without_kinds_is_a_group_and_one_with_a_single_kind_shows_it():
    assert isinstance(member("handle"), Group)
    assert list(member("only").options) == ["nut"]


def test_fields_carry_unit_help_and_bounds():
    weight = by_place(member("filling").options["apple"])["filling.weight"]
    count = by_place(member("filling").options["nut"])["filling.count"]
    assert (weight.unit, weight.attributes) == ("g", {"max": 1000, "step": "any"})
    assert (count.help, count.attributes) == ("how many", {"min": 1, "max": 9, "step": 1})


def test_a_list_is_written_with_commas_and_anything_else_as_json():
    fields = by_place(FORM)
    assert (fields["sizes"].type, fields["table"].type) == ("list", "json")


def test_what_cannot_be_read_stays_text_for_validation_to_refuse():
    raw = define(FORM, {"filling.kind": "apple", "filling.weight": "heavy", "sizes": "1, two"})
    assert raw["filling"]["weight"] == "heavy"
    assert raw["sizes"] == [1, "two"]


def test_a_kind_that_does_not_exist_stays_to_be_refused_by_name():
    assert define(FORM, {"filling.kind": "pear"})["filling"] == {"kind": "pear"}


def test_an_emptied_field_is_left_to_its_default():
    assert "count" not in define(FORM, {"filling.kind": "nut", "filling.count": " "})["filling"]
