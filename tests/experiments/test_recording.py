"""What is measured is recorded exactly once."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snnlab.experiments import artifacts, queue, recording
from snnlab.experiments.models import Artifact, Measurement, Run, Usage
from snnlab.experiments.queue import Claim
from tests.experiments.toys import Toy, fresh, submit


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path: Path) -> Path:
    settings.SNNLAB_HOME = tmp_path
    return tmp_path


@pytest.fixture
def claim() -> Claim:
    submit(Toy())
    return queue.claim("w1", ["cpu"])


def points(claim: Claim) -> dict[tuple[str, int], float | None]:
    return {(m.metric, m.step): m.value for m in Measurement.objects.filter(run=claim.run_id)}


def test_a_point_sent_again_changes_nothing(claim: Claim) -> None:
    recording.record(claim, [("loss", 1, 0.5), ("loss", 2, 0.4)])
    recording.record(claim, [("loss", 2, 0.9), ("loss", 3, 0.3), ("loss", 3, 0.2)])
    assert points(claim) == {("loss", 1): 0.5, ("loss", 2): 0.4, ("loss", 3): 0.3}


def test_of_two_attempts_the_newer_counts(claim: Claim) -> None:
    recording.record(claim, [("loss", 1, 0.5), ("loss", 2, 0.4)])
    queue.release(claim)
    again = queue.claim("w2", ["cpu"])
    recording.record(again, [("loss", 2, 0.3)])
    assert points(claim) == {("loss", 1): 0.5, ("loss", 2): 0.3}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(
        st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5)), max_size=8), max_size=6
    )
)
def test_any_order_with_any_repetition_gives_the_same_table(
    claim: Claim, batches: list[list[tuple[str, int]]]
) -> None:
    Measurement.objects.all().delete()
    for batch in batches:
        recording.record(claim, [(metric, step, step / 7) for metric, step in batch])
    sent = {key for batch in batches for key in batch}
    assert points(claim) == {(metric, step): step / 7 for metric, step in sent}


def test_what_is_no_number_is_null_with_a_flag(claim: Claim) -> None:
    values = [math.nan, math.inf, -math.inf, 1.5]
    recording.record(claim, [("loss", step, value) for step, value in enumerate(values)])
    found = Measurement.objects.order_by("step").values_list("value", "flag")
    assert list(found) == [(None, 1), (None, 2), (None, 3), (1.5, 0)]


@pytest.mark.parametrize("value", ["'NaN'", "'Infinity'", "'-Infinity'", "null"])
def test_the_database_itself_refuses_a_value_that_is_no_number(claim: Claim, value: str) -> None:
    with (
        pytest.raises(DatabaseError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "insert into experiments_measurement (run_id, metric, step, value, flag, lease_epoch)"
            f" values ({claim.run_id}, 'loss', 1, {value}, 0, 1)"
        )


def test_log_lines_are_kept_once_and_may_hold_anything(claim: Claim) -> None:
    recording.record(claim, log="one\x00\n", seq=1)
    recording.record(claim, log="one\x00\n", seq=1)
    recording.record(claim, log="two\n", seq=2)
    run = Run.objects.get(pk=claim.run_id)
    assert [chunk.text for chunk in run.log.order_by("seq")] == [
        "one\N{REPLACEMENT CHARACTER}\n",
        "two\n",
    ]


def test_the_last_two_checkpoints_and_the_final_one_are_kept(claim: Claim, home: Path) -> None:
    for step in range(1, 6):
        recording.record(claim, [], fresh(step, final=step == 5))
    run = Run.objects.get(pk=claim.run_id)
    assert [c.step for c in run.checkpoints.order_by("step")] == [4, 5]
    files = {path.name for path in (home / "artifacts").rglob("*") if path.is_file()}
    assert files == set(Artifact.objects.values_list("sha256", flat=True))
    assert len(files) == 2
    assert all(artifacts.verifies(name) for name in files)


def test_a_checkpoint_recorded_again_changes_nothing(claim: Claim) -> None:
    checkpoint = fresh(1)
    recording.record(claim, [("loss", 1, 0.5)], checkpoint)
    recording.record(claim, [("loss", 1, 0.5)], checkpoint)
    assert Run.objects.get(pk=claim.run_id).checkpoints.count() == 1
    assert artifacts.verifies(checkpoint.sha256)


def test_a_file_that_two_runs_share_stays_while_one_needs_it(claim: Claim) -> None:
    submit(Toy())
    other = queue.claim("w2", ["cpu"])
    shared = fresh(1, content="shared")
    recording.record(claim, [], shared)
    recording.record(other, [], fresh(1, content="shared"))
    for step in (2, 3, 4):
        recording.record(claim, [], fresh(step))
    assert artifacts.verifies(shared.sha256)
    for step in (2, 3, 4):
        recording.record(other, [], fresh(step, content=f"other {step}"))
    assert not artifacts.path_of(shared.sha256).exists()


def test_a_new_environment_is_told_when_training_goes_on(claim: Claim) -> None:
    recording.begin(claim, {"torch": "2.13"}, 0, restarted=False)
    recording.record(claim, [], fresh(1))
    queue.release(claim)
    same = queue.claim("w2", ["cpu"])
    recording.begin(same, {"torch": "2.13"}, 1, restarted=False)
    queue.release(same)
    changed = queue.claim("w3", ["cpu"])
    recording.begin(changed, {"torch": "2.14"}, 1, restarted=False)
    event = Run.objects.get(pk=claim.run_id).events.get(reason="environment")
    assert (event.lease_epoch, event.message) == (3, '{"torch": "2.13"} became {"torch": "2.14"}')


def test_the_data_that_were_there_are_noted_and_their_caveat_stands_at_the_run(
    claim: Claim,
) -> None:
    recording.begin(claim, {"torch": "2.13"}, 0, restarted=False)
    told = replace(fresh(1), data="d1", caveat="150 images per class")
    recording.record(claim, [], told)
    run = Run.objects.get(pk=claim.run_id)
    assert run.caveat == "150 images per class"
    assert run.attempt_set.get().environment == {"torch": "2.13", "data": "d1"}
    queue.release(claim)
    again = queue.claim("w2", ["cpu"])
    recording.begin(again, {"torch": "2.13"}, 1, restarted=False)
    assert not run.events.filter(reason="environment").exists()


def test_a_claim_brings_its_checkpoints_the_newest_first(claim: Claim) -> None:
    for step in (1, 2, 3):
        recording.record(claim, [], fresh(step, final=step == 3))
    queue.release(claim)
    found = queue.claim("w2", ["cpu"]).checkpoints
    assert [(stored.step, stored.final) for stored in found] == [(3, True), (2, False)]


def test_what_a_trainer_used_is_noted_once_and_only_under_the_lease(claim: Claim) -> None:
    used = {"cpu": 99.5, "memory": 300, "gpu": None, "gpu_memory": None}
    recording.note_usage(claim, 1, used)
    recording.note_usage(claim, 1, used | {"cpu": 1.0})
    assert [(u.seq, u.cpu, u.memory) for u in Usage.objects.all()] == [(1, 99.5, 300)]
    queue.release(claim)
    with pytest.raises(queue.LeaseLost):
        recording.note_usage(claim, 2, used)
