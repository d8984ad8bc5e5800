import fcntl
import os
import subprocess
import sys

import pytest

from snnlab.embedded.lock import AlreadyUp, only_one


def test_the_second_is_refused_and_told_who_is_first(tmp_path):
    with only_one(tmp_path), pytest.raises(AlreadyUp) as refused, only_one(tmp_path):
        pass
    assert refused.value.pid == str(os.getpid())
    assert str(tmp_path) in str(refused.value)


def test_the_folder_is_free_again_afterwards(tmp_path):
    lock = tmp_path / "up.lock"
    for _ in range(2):
        with only_one(tmp_path):
            assert lock.read_text() == f"{os.getpid()}\n"
            with lock.open() as other, pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with lock.open() as other:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_kill_9_of_the_holder_frees_the_folder(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from snnlab.embedded.lock import only_one;\n"
        "with only_one(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
    with only_one(tmp_path):
        pass
