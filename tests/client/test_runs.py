"""`snnlab runs`."""

import json

import pytest

from snnlab.client.trouble import Code
from tests.client.typed import snnlab
from tests.experiments.toys import Toy, submit


@pytest.mark.django_db
def test_a_search_lists_what_it_finds() -> None:
    first, second = submit(Toy(), seeds=2, name="toys")
    found = json.loads(snnlab("runs", "seed = 1", "--json").stdout)
    assert [(one["run"], one["tags"]) for one in found] == [(second.pk, [])]
    both = json.loads(snnlab("runs", "toys", "--sort", "seed", "--json").stdout)
    assert [one["run"] for one in both] == [first.pk, second.pk]
    assert "toys" in snnlab("runs").stdout
    assert snnlab("runs", "state = failed").stderr == "no run is so\n"


@pytest.mark.django_db
def test_a_search_that_cannot_be_read_is_pointed_at() -> None:
    submit()
    answer = snnlab("runs", "seed = one")
    assert answer.exit_code == Code.WRONG
    assert "column 8: seed takes whole numbers" in answer.stderr
    assert "seed = one\n       ^" in answer.stderr
