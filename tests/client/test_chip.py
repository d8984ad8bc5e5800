"""`snnlab chip`: what is known of chips, and what fits onto them."""

import json

import pytest

from hardware.profile import KEYS, names
from snnlab.client.trouble import Code
from tests.client.typed import snnlab


def answer(*words: str, code: Code = Code.OK):
    result = snnlab("chip", *words, "--json")
    assert result.exit_code == code
    return json.loads(result.stdout)


def test_every_chip_is_listed_and_a_number_from_memory_is_marked() -> None:
    text = snnlab("chip", "list").stdout
    rows = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert set(names()) <= rows.keys()
    assert "128 *" in rows["truenorth"]
    assert "?" in rows["loihi1"]
    assert [chip["name"] for chip in answer("list")] == list(names())


@pytest.mark.parametrize("name", names())
def test_of_a_chip_each_fact_is_said_with_its_source_or_said_to_be_unknown(name: str) -> None:
    said = answer("show", name)
    known = {fact["key"] for fact in said["facts"]}
    assert known | set(said["unknown"]) == set(KEYS)
    assert not known & set(said["unknown"])
    assert all(fact["source"] and fact["text"] for fact in said["facts"])
    text = snnlab("chip", "show", name).stdout
    assert all(key in text for key in KEYS)
    assert text.count(" unknown ") == len(said["unknown"])


def test_what_is_from_memory_is_called_unverified() -> None:
    facts = {fact["key"]: fact for fact in answer("show", "truenorth")["facts"]}
    assert not facts["limits.fan_in_signed"]["verified"]
    assert facts["limits.cores"]["verified"]
    assert "from memory" in snnlab("chip", "show", "truenorth").stdout


def test_a_chip_that_is_not_there_is_not_found() -> None:
    result = snnlab("chip", "show", "loihi9")
    assert result.exit_code == Code.NOT_FOUND
    assert "Did you mean loihi1?" in result.stderr


def test_a_network_that_fits_is_shown_on_its_cores() -> None:
    text = snnlab("chip", "check", "mnist-chip").stdout
    assert "fc1 (128), fc2 (64), output (10)" in text
    assert "79%" in text  # 202 of 256 neurons
    assert "Energy of an image: unknown" in text
    said = answer("check", "mnist-chip")
    assert said["fits"]
    assert said["cores"][0]["shares"]["neurons"] == pytest.approx(202 / 256)
    assert [error["bits"] for error in said["errors"]] == [8, 8, 8]
    assert said["prices"]["energy.static"] is None


def test_one_that_does_not_is_refused_with_every_reason() -> None:
    said = answer("check", "mnist-chip", "--profile", "dynapse2", code=Code.FAILED)
    assert [(v["layer"], v["limit"], v["got"]) for v in said["violations"]] == [
        ("fc1", "learning.on_chip", "on-chip learning"),
        ("fc1", "limits.fan_in_signed", "784"),
        ("fc2", "limits.fan_in_signed", "128"),
    ]
    assert all(v["way_out"] for v in said["violations"])
    assert "limits.inputs" in said["unchecked"]
    assert said["cores"] == said["errors"] == []


def test_all_chips_answer_at_once_and_refusals_are_no_failure() -> None:
    said = {chip["chip"]: chip["fits"] for chip in answer("check", "mnist-bptt", "--all")}
    assert said.keys() == set(names())
    assert said["generic-mixed-signal"]
    assert not said["dynapse2"]
    text = snnlab("chip", "check", "mnist-bptt", "--all").stdout
    assert "limits.fan_in_signed must be at most 64" in text


def test_a_definition_without_a_chip_has_to_be_told_which() -> None:
    result = snnlab("chip", "check", "mnist-bptt")
    assert result.exit_code == Code.WRONG
    assert "--profile" in result.stderr


def test_a_layer_that_no_chip_has_is_a_refusal() -> None:
    changes = ("--set", "network.kind=resnet", "--set", "network.depth=20")
    result = snnlab("chip", "check", "cifar10-bptt", *changes, "--profile", "ideal")
    assert result.exit_code != Code.OK
