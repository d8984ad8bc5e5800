import re

import pytest

from snnlab.experiments import queries
from snnlab.learning.presets import presets
from snnlab.teams.models import Membership, Team
from snnlab.web import definition
from tests.web import lab


TOML = presets()["mnist-sample"].text
KEY = "5c0c9a4e-0c5f-4f7b-9a44-0d1d3f6b7a10"


def fields(**changes: str) -> dict[str, str]:
    """What the browser sends for the sample preset, with changed fields of the definition."""
    flat = definition.from_toml(TOML).flat | changes
    said = {"name": "First look", "seeds": "1-3", "notes": "", "team": "lab", "key": KEY}
    return said | {f"spec.{place}": text for place, text in flat.items()}


def text(toml: str) -> dict[str, str]:
    return fields() | {"source": "toml", "toml": toml}


def test_the_form_queues_one_run_for_each_seed(member, ada):
    answer = member.post("/experiments/new/", fields(epochs="2"))
    experiment = queries.experiments(ada).get()
    assert answer.headers["Location"] == f"/experiments/{experiment.pk}/"
    runs = queries.runs(ada, experiment)
    assert sorted(run.seed for run in runs) == [1, 2, 3]
    assert runs[0].definition == lab.spec(epochs=2).model_dump(mode="json")


def test_toml_that_decides_is_what_is_queued(member, ada):
    member.post("/experiments/new/", text(TOML.replace("epochs = 12", "epochs = 5")))
    assert queries.runs(ada)[0].definition["epochs"] == 5


def test_sent_twice_queues_once(member, ada):
    first = member.post("/experiments/new/", fields())
    second = member.post("/experiments/new/", fields())
    assert first.headers["Location"] == second.headers["Location"]
    assert queries.experiments(ada).count() == 1


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"time_steps": "0"}, "time_steps", "at least 1"),
        ({"time_steps": "many"}, "time_steps", "whole number"),
        ({"optimizer.lr": "-1"}, "optimizer.lr", "greater than 0"),
        ({"epochs": "9" * 20}, "epochs", "at most 1000"),
        ({"epochs": "9" * 5000}, "epochs", "whole number"),
        ({"network.channels": "12, x"}, "network.channels", "whole number"),
        ({"neuron.kind": "lief"}, "neuron.kind", "Did you mean"),
    ],
)
def test_an_error_stands_beside_its_field(member, ada, changes, place, words):
    answer = member.post("/experiments/new/", fields(**changes))
    assert answer.status_code == 422
    page = answer.content.decode()
    message = page.split(f'data-place="{place}">')[1].split("</p>")[0]
    assert words in message
    assert 'aria-invalid="true"' in page
    assert not queries.experiments(ada).exists()


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("epochs = ", "no valid TOML"),
        ("", "required"),
        ("colour = 3\n" + TOML, "not a known field"),
        (TOML.replace('"lif"', '"lief"'), "Did you mean"),
        ("x" * 200_000, "at most"),
        ("[" * 50_000, "no valid TOML"),
        ("epochs = 2020-01-01", "is a date"),
        ("a." * 10_000 + "a = 1", "nested too deeply"),
    ],
)
def test_toml_that_is_wrong_is_answered_in_words(member, ada, toml, words):
    answer = member.post("/experiments/new/", text(toml))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not queries.experiments(ada).exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "required"),
        ("name", "x" * 201, "at most 200"),
        ("name", "a\x00b", "Null characters"),
        ("seeds", "all", "whole numbers"),
        ("seeds", "1-1001", "at most 1000"),
        ("team", "others", "valid choice"),
    ],
)
def test_what_is_wrong_with_the_experiment_itself_is_said(member, ada, field, value, words):
    answer = member.post("/experiments/new/", fields() | {field: value})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not queries.experiments(ada).exists()


def test_the_form_costs_the_same_for_any_number_of_teams(
    member, ada, django_assert_max_num_queries
):
    for number in range(10):
        Membership.objects.create(
            user=ada, team=Team.objects.create(slug=f"t{number}", name=f"T{number}")
        )
    with django_assert_max_num_queries(5):
        page = member.get("/experiments/new/").content.decode()
    assert "T9" in page


def test_a_viewer_queues_nothing(viewer):
    assert viewer.post("/experiments/new/", fields()).status_code == 422


def test_the_key_of_another_definition_is_refused(member, ada):
    member.post("/experiments/new/", fields())
    answer = member.post("/experiments/new/", fields(epochs="3"))
    assert answer.status_code == 422
    assert queries.experiments(ada).count() == 1


@pytest.mark.parametrize("name", presets())
def test_a_preset_fills_the_form(member, name):
    page = member.get(f"/experiments/new/?preset={name}").content.decode()
    assert "Complete. Digest" in page


def test_an_unknown_preset_is_no_error(member):
    assert member.get("/experiments/new/?preset=../../etc/passwd").status_code == 200


def test_an_experiment_is_a_start_for_another(member, ada):
    experiment = lab.experiment(ada, epochs=7)
    page = member.get(f"/experiments/new/?experiment={experiment.pk}").content.decode()
    assert "epochs = 7" in page


@pytest.mark.parametrize("named", ["999", "x", "", "²", "-1"])
def test_an_experiment_that_is_not_mine_is_no_start(member, named):
    assert member.get(f"/experiments/new/?experiment={named}").status_code == 404


def test_the_preview_says_what_the_fields_define(member):
    answer = member.post("/experiments/new/preview", fields(epochs="4")).json()
    assert "epochs = 4" in answer["toml"]
    assert answer["problems"] == {}
    assert answer["verdict"].startswith("Complete.")


def test_the_preview_of_toml_fills_the_fields(member):
    toml = TOML.replace("epochs = 12", "epochs = 33")
    answer = member.post("/experiments/new/preview", text(toml)).json()
    assert 'value="33"' in answer["fields"]


def test_the_preview_names_what_is_wrong_and_stores_nothing(member, ada):
    answer = member.post("/experiments/new/preview", fields(time_steps="0")).json()
    assert "at least 1" in answer["problems"]["time_steps"]
    assert "time_steps = 0" in answer["toml"]
    assert not queries.experiments(ada).exists()


def test_every_field_has_an_id_of_its_own_and_a_label(member):
    page = member.get("/experiments/new/").content.decode()
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    labels = set(re.findall(r' for="([^"]*)"', page))
    assert labels <= set(ids)
    shown = re.findall(r'<(?:input|select)[^>]* id="(spec-[^"]*)"', page)
    assert set(shown) <= labels
    told = {i for names in re.findall(r'aria-describedby="([^"]*)"', page) for i in names.split()}
    assert told <= set(ids)


def test_a_run_may_ask_for_a_pool_and_a_priority_and_bad_ones_are_refused(member, ada):
    member.post("/experiments/new/", fields() | {"pool": "gpu", "priority": "7"})
    run = queries.runs(ada)[0]
    assert (run.pool, run.priority, run.same_as_id) == ("gpu", 7, None)
    answer = member.post("/experiments/new/", fields() | {"priority": "5000"})
    assert answer.status_code == 422
    assert "priority must be in -1000..1000, got 5000" in answer.content.decode()
