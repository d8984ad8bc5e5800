"""The pages of chips, and the check of a definition's network on the form."""

import re

import pytest

from hardware.profile import KEYS, load, names
from hardware.words import unknown
from snnlab.experiments import queries
from snnlab.learning.landing import Core
from snnlab.learning.presets import presets
from snnlab.web import chips, cores, definition
from tests.web.test_new import KEY


def fields(preset: str = "mnist-chip", **changes: str) -> dict[str, str]:
    """What the browser sends for a preset, with changed fields of the definition."""
    flat = definition.from_toml(presets()[preset].text).flat | changes
    said = {"name": "On chips", "seeds": "1", "notes": "", "team": "lab", "key": KEY}
    return said | {f"spec.{place}": text for place, text in flat.items()}


def asked(member, data: dict[str, str], on: str = ""):
    answer = member.post("/experiments/new/chip", data | {"check_on": on})
    assert answer.status_code == 200
    return answer.json()


def test_every_chip_is_listed_with_a_link(member, django_assert_max_num_queries):
    with django_assert_max_num_queries(2):
        page = member.get("/chips/").content.decode()
    assert all(f'href="/chips/{name}/"' in page for name in names())
    assert "128 *" in page  # from memory
    assert 'href="/chips/" aria-current="page"' in page


@pytest.mark.parametrize("name", names())
def test_a_chip_shows_every_fact_with_its_evidence_or_as_unknown(member, name):
    page = member.get(f"/chips/{name}/").content.decode()
    profile = load(name)
    assert all(f"<code>{key.partition('.')[2]}</code>" in page for key in KEYS)
    assert page.count('class="unknown"') == len(unknown(profile))
    assert f"{len(profile.facts)} facts known" in page
    assert ("unverified" in page) == any(not fact.verified for fact in profile.facts.values())


def test_a_caveat_and_the_sources_are_shown(member):
    page = member.get("/chips/truenorth/").content.decode()
    assert load("truenorth").caveat.split(":")[0] in page
    assert "open-neuromorphic.org" in page


@pytest.mark.parametrize("name", ["loihi9", "ideal.toml", "-"])
def test_a_chip_that_is_not_there_is_not_found(member, name):
    assert member.get(f"/chips/{name}/").status_code == 404


def test_chips_are_for_those_who_sign_in(client, db):
    for path in ("/chips/", "/chips/ideal/"):
        assert client.get(path).headers["Location"].startswith("/sign-in/")
    assert client.post("/experiments/new/chip", fields()).status_code == 302


def test_a_network_that_fits_is_a_picture_of_its_cores(member):
    answer = asked(member, fields())
    assert answer["problems"] == {}
    assert "<strong>Fits</strong>" in answer["html"]
    assert answer["html"].count('class="core"') == 1
    assert "fc1 (128), fc2 (64), output (10)" in answer["html"]
    wider = asked(member, fields(**{"network.hidden": "600"}))
    assert wider["html"].count('class="core"') == 3  # of 256 neurons each


def test_one_that_does_not_is_told_at_the_fields_that_have_to_change(member):
    answer = asked(member, fields(), on="dynapse2")
    assert answer["problems"].keys() == {"deploy", "network.kind"}
    assert "limits.fan_in_signed must be at most 64, got 784" in answer["problems"]["network.kind"]
    assert answer["html"].count("<li>") == 3
    xylo = asked(member, fields(deploy="off-chip"), on="xylo_a2")["problems"]
    assert xylo.keys() == {"network.kind", "neuron.tau", "dataset.kind"}


def test_without_a_chip_or_a_definition_nothing_is_checked(member):
    assert "choose one" in asked(member, fields("mnist-sample"))["html"]
    assert "not complete" in asked(member, fields(time_steps="0"))["html"]
    assert "Fits" in asked(member, fields("mnist-sample"), on="ideal")["html"]
    assert "choose one" in asked(member, fields("mnist-sample"), on="loihi9")["html"]


def test_what_is_too_large_to_try_while_somebody_waits_is_not_tried(member):
    answer = asked(member, fields(**{"network.hidden": "100000"}))
    assert "too large" in answer["html"]


def test_a_layer_that_no_chip_has_is_told_at_the_network(member):
    changes = {"network.kind": "resnet", "network.depth": "20", "network.width": "0.1"}
    answer = asked(member, fields("mnist-sample", **changes), on="ideal")
    assert "cannot be put onto a chip" in answer["problems"]["network.kind"]


def test_what_does_not_fit_is_not_queued_and_what_was_typed_is_kept(member, ada):
    data = fields(**{"chip.profile": "dynapse2", "deploy": "off-chip"}) | {"notes": "mine"}
    answer = member.post("/experiments/new/", data)
    assert answer.status_code == 422
    page = answer.content.decode()
    message = page.split('data-place="network.kind">')[1].split("</p>")[0]
    assert "limits.fan_in_signed must be at most 64, got 784" in message
    assert "mine</textarea>" in page
    assert re.search(r"<option selected>dynapse2</option>", page)
    assert not queries.experiments(ada).exists()


def test_every_theme_of_facts_has_a_title():
    assert {key.partition(".")[0] for key in KEYS} == set(chips.SECTIONS)


def test_a_core_is_filled_as_far_as_its_fullest_limit():
    half = Core(3, {"fc1": 10}, {"neurons": 0.25, "axons": 0.5})
    drawn = cores.picture([half] * 300)
    assert drawn.squares[0].level == cores.SIDE / 2
    assert drawn.squares[17].x == drawn.squares[1].x
    assert (len(drawn.squares), drawn.more) == (256, 44)
    assert drawn.rows[0] == (3, "fc1 (10)", ["25%", "50%"])
