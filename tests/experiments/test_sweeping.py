"""Only what nobody needs is swept away."""

import os
from pathlib import Path

import pytest

from snnlab.experiments import artifacts, queue, recording
from snnlab.experiments.sweeping import sweep
from tests.experiments.toys import Toy, fresh, submit


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path: Path) -> Path:
    settings.SNNLAB_HOME = tmp_path
    return tmp_path


def aged(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch() if "artifacts" in path.parts else path.mkdir(exist_ok=True)
    os.utime(path, (0, 0))
    return path


def test_old_files_that_no_row_knows_go_and_all_others_stay() -> None:
    submit(Toy())
    claim, checkpoint = queue.claim("w1", ["cpu"]), fresh(1)
    recording.record(claim, [], checkpoint)
    known = aged(artifacts.path_of(checkpoint.sha256))
    lost, young = aged(artifacts.path_of("a" * 64)), aged(artifacts.path_of("b" * 64))
    os.utime(young)
    assert sweep() == 1
    assert (known.exists(), young.exists(), lost.exists()) == (True, True, False)


def test_scratch_folders_go_when_their_attempt_is_over(home: Path) -> None:
    submit(Toy())
    claim = queue.claim("w1", ["cpu"])
    mine = aged(home / "scratch" / f"{claim.run_id}-{claim.lease_epoch}")
    before = aged(home / "scratch" / f"{claim.run_id}-0")
    sweep()
    assert (mine.exists(), before.exists()) == (True, False)
    queue.release(claim)
    sweep()
    assert not mine.exists()
