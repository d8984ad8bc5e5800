"""A newcomer's boards are filled with real results, and say that they are."""

import pytest

from snnlab.client.demo_data import outcomes
from snnlab.experiments import queries
from snnlab.teams.actions import ensure_first_team
from tests.client.typed import snnlab


@pytest.mark.django_db
def test_demo_data_is_real_marked_and_taken_in_once() -> None:
    user, _ = ensure_first_team()
    assert f"{len(outcomes())} results taken in" in snnlab("demo", "data").stdout
    assert "0 results taken in" in snnlab("demo", "data").stdout
    measured = [row for row in queries.leaderboard(user, "mnist") if row.kind == "measured"]
    assert {"mnist-bptt (demo data)", "mnist-rstdp (demo data)"} <= {row.title for row in measured}
    assert {row.source for row in measured} == {"imported"}
    assert all("demo" in experiment.tags for experiment in queries.experiments(user))
