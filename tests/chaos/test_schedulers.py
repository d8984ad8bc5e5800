"""Two worker processes look after one schedule: each of its slots makes one sweep."""

import pytest

from snnlab.experiments.models import Slot, Sweep
from tests.chaos.conftest import Lab
from tests.experiments.test_schedules import overdue, schedule
from tests.experiments.waiting import until


pytestmark = [pytest.mark.chaos, pytest.mark.thorough]


def test_two_schedulers_make_each_slot_once(lab: Lab) -> None:
    made = overdue(schedule("all"), hours=30)
    for _ in range(2):
        lab.start()
    until(lambda: Slot.objects.filter(schedule=made).count() == 31)
    until(lambda: sum("ready." in each.log.read_text() for each in lab.workers) == 2)
    assert Slot.objects.values("at").distinct().count() == Sweep.objects.count() == 31
