from dataclasses import dataclass, field
from pathlib import Path

import pytest

from snnlab.client.supervisor import CRASHES, WITHIN, GaveUp, Watch
from snnlab.embedded.process import EmbeddedError


@dataclass
class Frail:
    """Something that is never alive, and may even fail to start."""

    log: Path
    title: str = "frail"
    broken: bool = False
    starts: list[bool] = field(default_factory=list)

    def start(self) -> None:
        self.starts.append(True)
        if self.broken:
            raise EmbeddedError("cannot start")

    def alive(self) -> bool:
        return False


@pytest.fixture
def frail(tmp_path):
    (tmp_path / "log").write_text("last words")
    return Frail(tmp_path / "log")


def crash(watch, times, every):
    for number in range(times):
        list(watch.look(number * every))
        list(watch.look(number * every + every / 2))


def test_a_process_that_keeps_falling_over_is_given_up(frail):
    with pytest.raises(GaveUp, match=r"(?s)frail fell over 5 times within 120 s.*last words"):
        crash(Watch(frail), CRASHES, every=20)
    assert len(frail.starts) == CRASHES - 1


def test_a_process_that_falls_over_now_and_then_is_not(frail):
    crash(Watch(frail), 20, every=WITHIN / 3)
    assert len(frail.starts) == 20


def test_it_is_not_started_again_at_once(frail):
    watch = Watch(frail)
    assert list(watch.look(0.0))
    assert not list(watch.look(0.1))
    assert not frail.starts
    list(watch.look(0.3))
    assert frail.starts


def test_a_start_that_fails_counts_as_a_crash(frail):
    frail.broken = True
    watch = Watch(frail)
    list(watch.look(0.0))
    assert list(watch.look(1.0)) == ["cannot start"]
    assert len(watch.crashes) == 2
