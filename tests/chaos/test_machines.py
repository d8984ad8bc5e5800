"""A machine at its limits: its disk is full, its memory is used up, its clock jumps."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from snnlab.experiments import actions
from tests.chaos.conftest import Lab
from tests.experiments.toys import Toy, submit
from tests.experiments.waiting import ends, recorded, stored, until


pytestmark = [pytest.mark.chaos, pytest.mark.thorough]


@pytest.fixture
def small_disk(lab: Lab) -> Iterator[Path]:
    """The folder of stored files and scratch, on a disk of 1 MB."""
    if os.geteuid() != 0:
        pytest.skip("a small disk can only be mounted by root")
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "chaos", str(lab.home)]
    if (done := subprocess.run(mount, capture_output=True)).returncode:
        pytest.skip(f"this machine allows no mount: {done.stderr.decode()}")
    yield lab.home
    for each in lab.alive():
        each.kill()
    subprocess.run(["umount", "--lazy", str(lab.home)], check=True)


def test_a_full_disk_ends_a_run_with_its_reason_and_keeps_what_was_stored(
    lab: Lab, small_disk: Path
) -> None:
    (run,) = submit(Toy(epochs=400, batches=5, pause=0.02))
    lab.start()
    until(recorded(run, 2))
    fill(small_disk / "filler")
    run = ends(run, "failed")
    assert run.reason == "disk_full"
    assert run.measurements.count() >= 2
    assert stored(run)
    (small_disk / "filler").unlink()
    before = run.checkpoints.order_by("step").last().step
    actions.retry(run.pk, "ada")
    until(recorded(run, before + 2))
    actions.cancel(run.pk, "ada")
    ends(run, "cancelled")
    lab.check(run)


def fill(file: Path) -> None:
    """Take all the space that is left."""
    with file.open("wb", buffering=0) as opened:
        try:
            while opened.write(b"x" * 4096):
                pass
        except OSError:
            return


def test_a_training_without_memory_once_is_tried_again(lab: Lab) -> None:
    """The trainer ends with the code that it has when an allocation fails."""
    (lab.folder / "once").touch()
    (run,) = submit(Toy(epochs=4, batches=5, trick="once oom"))
    lab.start(TMPDIR=str(lab.folder))
    run = ends(run)
    assert run.attempts == 2
    lab.check(run)


def test_a_training_that_never_has_the_memory_is_not_tried_for_ever(lab: Lab) -> None:
    (run,) = submit(Toy(epochs=4, batches=5, trick="oom"))
    lab.start()
    run = ends(run, "failed", seconds=40)
    assert (run.reason, run.attempts) == ("oom", 3)
    lab.check(run)


CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long offset(void) {
  long found = 0;
  FILE *file = fopen(getenv("CHAOS_CLOCK"), "r");
  if (file) { if (fscanf(file, "%ld", &found) != 1) found = 0; fclose(file); }
  return found;
}

int clock_gettime(clockid_t which, struct timespec *now) {
  int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
  int answer = real(which, now);
  if (which == CLOCK_REALTIME) now->tv_sec += offset();
  return answer;
}

time_t time(time_t *into) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (into) *into = now.tv_sec;
  return now.tv_sec;
}
"""


@pytest.fixture
def clock(tmp_path: Path) -> dict[str, str]:
    """What a process needs in its environment, so that its clock jumps by what a file says."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler: apt-get install gcc")
    source, library = tmp_path / "clock.c", tmp_path / "clock.so"
    source.write_text(CLOCK)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "CHAOS_CLOCK": str(tmp_path / "offset")}


@pytest.mark.parametrize("jump", [7200, -7200, 600])
def test_a_clock_that_jumps_moves_no_lease(
    lab: Lab, clock: dict[str, str], tmp_path: Path, jump: int
) -> None:
    (tmp_path / "offset").write_text("0")
    (run,) = submit(Toy(epochs=40, batches=5, pause=0.02))
    lab.start(**clock)
    lab.start(**clock)
    until(recorded(run, 2))
    (tmp_path / "offset").write_text(str(jump))
    run = ends(run, seconds=40)
    assert run.attempts == 1
    assert abs((run.finished_at - run.created_at).total_seconds()) < 120
    offsets = [line["wall"] - line["t"] for line in lab.check(run).history]
    assert max(offsets) - min(offsets) == pytest.approx(abs(jump), abs=5), "no clock jumped"
