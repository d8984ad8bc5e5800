"""What people ask for."""

import pytest

from snnlab.experiments import actions, doorbell
from snnlab.experiments.actions import Refused
from snnlab.experiments.models import Experiment, Run
from snnlab.learning.spec import Spec
from snnlab.teams.actions import ensure_first_team
from tests.experiments.toys import Toy, submit


pytestmark = pytest.mark.django_db


def test_each_spec_is_run_with_each_seed() -> None:
    runs = submit(Toy(epochs=1), Toy(epochs=2), seeds=3)
    assert [(run.definition["epochs"], run.seed) for run in runs] == [
        (epochs, seed) for epochs in (1, 2) for seed in (0, 1, 2)
    ]
    assert {(run.state, run.board, run.pool) for run in runs} == {("queued", "toys", "cpu")}


def test_a_real_spec_comes_back_as_it_was() -> None:
    spec = Spec.parse(
        {
            "dataset": {"kind": "mnist-5k", "train_size": 1000},
            "network": {"kind": "mlp"},
            "neuron": {"kind": "lif"},
            "rule": {"kind": "bptt"},
        }
    )
    (run,) = submit(spec)
    run.refresh_from_db()
    assert Spec.parse(run.definition) == spec
    assert (run.digest, run.board, run.part("rule")) == (spec.digest(), "mnist", "bptt")
    assert "trained on 1,000 images only" in run.caveat


def test_the_same_key_gives_the_same_experiment() -> None:
    first = submit(Toy(), key="abc")[0].experiment
    assert submit(Toy(), key="abc")[0].experiment == first
    assert Run.objects.count() == 1


def test_a_key_cannot_mean_two_things() -> None:
    submit(Toy(), key="abc")
    with pytest.raises(Refused, match="key abc belongs to another experiment"):
        submit(Toy(epochs=9), key="abc")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": " "}, "name must have 1 to 200 characters, got 0"),
        ({"name": "x" * 201}, "name must have 1 to 200 characters, got 201"),
        ({"name": "a\x00b"}, "name must not contain the character NUL"),
        ({"notes": "a\x00b"}, "notes must not contain the character NUL"),
        ({"tags": ["x" * 51]}, "tag must have 1 to 50 characters, got 51"),
        ({"seeds": []}, "needs at least one spec and one seed"),
        ({"seeds": [1, 1]}, r"seeds must be different whole numbers in 0\.\.2147483647"),
        ({"seeds": [-1]}, "seeds must be different"),
        ({"seeds": [2**31]}, "seeds must be different"),
        ({"seeds": range(10_001)}, "at most 10000 runs, got 10001"),
        ({"specs": [Toy(), Toy()]}, "the specs of an experiment must differ"),
    ],
)
def test_what_makes_no_experiment_is_refused(change: dict[str, object], message: str) -> None:
    _, team = ensure_first_team()
    asked = {"team": team, "actor": "admin", "name": "x", "specs": [Toy()], "seeds": [0]}
    with pytest.raises(Refused, match=message):
        actions.submit(**{**asked, **change})
    assert not Experiment.objects.exists()


def test_a_waiting_run_is_cancelled_at_once_and_can_be_retried() -> None:
    (run,) = submit()
    assert actions.cancel(run.pk, "admin") == "cancelled"
    assert actions.retry(run.pk, "admin") == "queued"


def test_a_run_can_be_held_and_let_go() -> None:
    (run,) = submit()
    assert actions.hold(run.pk, "admin") == "held"
    with pytest.raises(Refused, match=f"run {run.pk} is held: only queued runs can be held"):
        actions.hold(run.pk, "admin")
    assert actions.unhold(run.pk, "admin") == "queued"


def test_a_refusal_says_the_state_and_the_rule() -> None:
    (run,) = submit()
    with pytest.raises(Refused, match=r"is queued: only failed or cancelled runs can be retried"):
        actions.retry(run.pk, "admin")
    actions.cancel(run.pk, "admin")
    with pytest.raises(Refused, match="is cancelled: only held, queued or running runs can be"):
        actions.cancel(run.pk, "admin")


def test_an_unknown_run_does_not_exist() -> None:
    for act in (actions.cancel, actions.retry, actions.hold, actions.unhold):
        with pytest.raises(Run.DoesNotExist):
            act(12345, "admin")


def test_the_bell_rings_after_the_commit_and_once(
    django_capture_on_commit_callbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    rings = []
    monkeypatch.setattr(doorbell.current_app, "send_task", lambda *a, **k: rings.append(a))
    with django_capture_on_commit_callbacks(execute=True):
        submit(Toy(), seeds=5)
        assert rings == []
    assert rings == [("workers.wake",)]
