import json
from pathlib import Path

import pytest

from snnlab.client.trouble import Code
from snnlab.experiments import queries
from snnlab.experiments.leaderboard import leaderboard
from snnlab.teams.actions import ensure_first_team
from snnlab.teams.models import User
from tests.client.typed import snnlab


@pytest.fixture(autouse=True)
def admin(db: None) -> User:
    user, _ = ensure_first_team()
    return user


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, object]]:
    from tests.client.typed import TINY

    spec = tmp_path_factory.mktemp("tiny") / "tiny.toml"
    spec.write_text(TINY)
    answers = (snnlab("run", spec, "--threads", 1, "--json", "--seed", s).stdout for s in (1, 2))
    return {seed: json.loads(answer) for seed, answer in enumerate(answers, 1)}


@pytest.fixture
def files(tmp_path: Path, outcomes: dict[int, dict[str, object]]) -> list[Path]:
    paths = [tmp_path / f"tiny.seed{seed}.json" for seed in outcomes]
    for path, outcome in zip(paths, outcomes.values(), strict=True):
        path.write_text(json.dumps(outcome))
    return paths


def test_imported_seeds_stand_on_the_board_as_one_row(
    files: list[Path], admin: User, outcomes: dict[int, dict[str, object]]
) -> None:
    assert snnlab("import", *files).exit_code == Code.OK
    (row,) = [row for row in leaderboard(admin, "mnist") if row.kind == "measured"]
    assert (row.n, row.source, row.title) == (2, "imported", "tiny")
    scores = [outcome["results"]["test_accuracy"] for outcome in outcomes.values()]  # type: ignore[index]
    assert row.accuracy == pytest.approx(sum(scores) / 2)
    run = queries.runs(admin).get(seed=1)
    curve = queries.curves(run.pk, ["accuracy"])["accuracy"]
    assert [epoch for epoch, _ in curve] == [1, 2]
    assert [event.to_state for event in queries.events(run.pk)][-1] == "succeeded"


def test_the_outcomes_in_the_documentation_can_be_imported(admin: User) -> None:
    files = sorted((Path(__file__).parents[2] / "docs" / "results").glob("*.seed*.json"))
    result = snnlab("import", *files)
    assert result.exit_code == Code.OK, result.stderr
    assert queries.runs(admin).count() == len(files) > 0


def test_imported_twice_is_known(files: list[Path], admin: User) -> None:
    snnlab("import", *files)
    again = snnlab("import", *files)
    assert again.stdout.count("known already") == 2
    assert queries.runs(admin).count() == 2


def test_another_outcome_of_the_same_training_is_refused(
    files: list[Path], admin: User, outcomes: dict[int, dict[str, object]]
) -> None:
    snnlab("import", files[0])
    files[0].write_text(json.dumps(outcomes[1] | {"weights_sha256": "0" * 64}))
    result = snnlab("import", files[1], files[0])
    assert (result.exit_code, "compare the environments" in result.stderr) == (Code.WRONG, True)
    assert queries.runs(admin).count() == 1  # all or none


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"digest": "0" * 12}, "digest: is 000000000000"),
        ({"results": {}}, "results: has no test_accuracy"),
        ({"seed": -1}, "seed: must be at least 0"),
        ({"weights_sha256": "../../x"}, "weights_sha256"),
        ({"surprise": 1}, "surprise: is not a known field"),
        ({"results": {"test_accuracy": 1e9}}, "test_accuracy must be in 0..100 %"),
        ({"results": {"test_accuracy": 1.0, "x" * 61: 1.0}}, "results"),
        ({"results": {"test_accuracy": 1.0, "log10_gradient/²": 1.0}}, "results"),
        ({"environment": {"torch": "\x00"}}, "must not contain the character NUL"),
        ({"epochs": [{"epoch": 999, "metrics": {"test_accuracy": 99.9}}]}, "epochs: must rise to"),
    ],
)
def test_what_is_no_outcome_is_refused(
    files: list[Path],
    admin: User,
    outcomes: dict[int, dict[str, object]],
    changes: dict[str, object],
    message: str,
) -> None:
    files[0].write_text(json.dumps(outcomes[1] | changes))
    result = snnlab("import", *files)
    assert result.exit_code == Code.WRONG
    assert message in result.stderr
    assert not queries.runs(admin).exists()


@pytest.mark.parametrize("text", ['{"digest":', "[" * 100_000, '{"seed":' + "9" * 5000 + "}"])
def test_a_file_that_is_no_json_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "torn.json"
    path.write_text(text)
    result = snnlab("import", path)
    assert (result.exit_code, str(path) in result.stderr) == (Code.WRONG, True)


def test_rows_of_others_are_taken_whole_or_not_at_all(tmp_path: Path, admin: User) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("title,accuracy,source_url\nA,97.5,https://a.org\n")
    bad.write_text("title,accuracy,source_url\nA,97.5,https://a.org\nB,x,https://b.org\n")
    refused = snnlab("import", "rows", bad, "--board=mnist")
    assert refused.exit_code == Code.WRONG
    assert "row 3, accuracy: must be a number" in refused.stderr
    assert "1 rows are new" in snnlab("import", "rows", good, "--board=mnist").stdout
    assert "1 were known already" in snnlab("import", "rows", good, "--board=mnist").stdout
    admin.memberships.update(role="member")
    assert snnlab("import", "rows", good, "--board=mnist").exit_code == Code.WRONG
