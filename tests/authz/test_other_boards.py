"""Links to boards that are no leaderboard: their data, network and runs are fixed, too."""

import pytest

from snnlab.experiments import chips, queue, recording
from tests.authz.test_embeds import exported
from tests.authz.test_shares import call, text
from tests.boards.test_robust import TASK
from tests.web import lab


OUTPUTS = ("lines.figure", "heat.figure", "violin.figure", "gap.figure", "behind.children")


def envelope(search: str = "") -> dict:
    ids = [f"robust-{output}" for output in OUTPUTS]
    return {
        "output": f"..{'...'.join(ids)}..",
        "outputs": [dict(zip(("id", "property"), one.split("."), strict=True)) for one in ids],
        "inputs": [{"id": "address", "property": "search", "value": search}],
        "changedPropIds": [],
    }


def chipped(user, tmp_path, name: str, accuracy: float, **changes):
    """A run whose chips were tested, as its worker stores them."""
    experiment = lab.experiment(user, name, task=TASK, **changes)
    taken = lab.claim()
    tables = {"chips/mismatch": [[accuracy] * 3, [accuracy - 9] * 3], "chips/bits": [[50.0, 51.0]]}
    chips.store(taken.run_id, list(chips.tested(taken.definition, tables)))
    path = tmp_path / f"c{taken.run_id}"
    path.write_bytes(b"%d" % taken.run_id)
    sha = recording.artifacts.digest(path)
    fresh = recording.Fresh(1, str(path), sha, 1, weights="w", final=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(chips, "read", lambda *_: [])
        recording.record(taken, checkpoint=fresh)
    queue.finish(taken)
    return experiment


def test_a_robustness_link_shows_one_teams_chips_and_no_run(visitor, ada, tmp_path, share):
    chipped(ada, tmp_path, "ours", 88.5)
    chipped(lab.person("bob", "others"), tmp_path, "theirs", 77.25)
    root = share(slug="robustness", query="data=mnist")
    page = text(visitor.get(root))
    assert "88.50" in page
    assert "77.25" not in page
    assert "/runs/" not in page
    answer = text(call(visitor, root, envelope()))
    assert "88.5" in answer
    assert "77.25" not in answer
    assert "/runs/" not in answer
    assert "77.25" not in exported(visitor.get(f"{root}tables/levels.csv"))


def test_its_data_set_and_network_cannot_be_changed(visitor, ada, tmp_path, share):
    wide = {"kind": "mlp", "hidden": [77]}
    chipped(ada, tmp_path, "wide", 66.75, network=wide)
    chipped(ada, tmp_path, "ours", 88.5, network={"kind": "mlp", "hidden": [10]})
    networks = ("mlp 77", "mlp 10")
    root = share(slug="robustness", query="data=mnist&network=mlp+10")
    for query in ("", "?network=mlp+77", "?data=cifar-10", "?data=mnist&network=mlp 77&level=0.1"):
        page = text(visitor.get(root + query))
        assert (networks[0] in page, networks[1] in page) == (False, True), query
        assert "66.75" not in page
    assert "66.75" not in text(call(visitor, root, envelope("?network=mlp+77")))
    assert "66.75" not in exported(visitor.get(f"{root}tables/areas.csv?network=mlp+77"))


def test_a_pinned_one_counts_no_run_that_came_later(visitor, ada, tmp_path, share):
    chipped(ada, tmp_path, "ours", 88.5)
    live = share(slug="robustness", query="data=mnist")
    pinned = share(slug="robustness", query="data=mnist", pinned=True)
    before = exported(visitor.get(f"{pinned}tables/levels.csv"))
    chipped(ada, tmp_path, "again", 44.25)
    assert exported(visitor.get(f"{pinned}tables/levels.csv")) == before
    assert exported(visitor.get(f"{live}tables/levels.csv")) != before


def test_a_link_to_curves_keeps_its_data_set(visitor, ada, tmp_path, share):
    lab.experiment(ada, "ours")
    lab.succeed(tmp_path, **{"accuracy_at/1": 61.5, "accuracy_at/2": 71.5, "test_accuracy": 71.5})
    for query in ("data=mnist", ""):  # which is what the board shows first
        root = share(slug="curves", query=query)
        assert "71.50" in text(visitor.get(root))
        assert "/runs/" not in text(visitor.get(root))
    other = share(slug="curves", query="data=cifar-10")
    for query in ("", "?data=mnist"):
        assert "71.50" not in text(visitor.get(other + query))
        assert "71.5" not in exported(visitor.get(f"{other}tables/time.csv{query}"))


@pytest.mark.parametrize(
    ("slug", "go", "charts"),
    [
        ("curves", "trend-go", ("trend-time", "trend-epochs")),
        ("compare", "compare-go", ("compare-scatter", "compare-box")),
    ],
)
def test_a_click_behind_a_link_leads_to_no_run(visitor, ada, tmp_path, share, slug, go, charts):
    lab.experiment(ada, "ours")
    run = lab.succeed(tmp_path, **{"accuracy_at/1": 61.5, "test_accuracy": 71.5}).run_id
    query = "data=mnist" if slug == "curves" else f"runs={run}"
    root = share("compare" if slug == "compare" else "board", slug=slug, query=query)
    click = {"points": [{"customdata": run}]}
    body = {
        "output": f"{go}.href",
        "outputs": {"id": go, "property": "href"},
        "inputs": [
            {"id": one, "property": "clickData", "value": value}
            for one, value in zip(charts, (click, None), strict=True)
        ],
        "state": [{"id": "address", "property": "search", "value": ""}],
        "changedPropIds": [f"{charts[0]}.clickData"],
    }
    assert call(visitor, root, body).status_code == 204


def test_a_pinned_comparison_waits_for_nobody(visitor, ada, tmp_path, share):
    first = lab.experiment(ada, "first", seeds=(1, 2))
    lab.succeed(tmp_path, test_accuracy=91.25)
    query = f"experiment={first.pk}"
    live = share("compare", slug="compare", query=query)
    pinned = share("compare", slug="compare", query=query, pinned=True)
    lab.succeed(tmp_path, test_accuracy=92.5)
    assert "92.5" in text(visitor.get(live))
    assert "92.5" not in text(visitor.get(pinned))
    assert "91.25" in text(visitor.get(pinned))
    more = lab.experiment(ada, "more")
    lab.succeed(tmp_path, test_accuracy=95.75)
    run = more.runs.get().pk
    assert "95.75" not in text(visitor.get(f"{live}?runs={run}"))
