import math

import pytest
import torch

from snnlab.learning.optimizers import SGD, Adam, AdamW, Constant, Cosine, OneCycle, Step


@pytest.mark.parametrize("optimizer", [SGD(lr=0.1), Adam(lr=0.1), AdamW(lr=0.1)], ids=repr)
def test_every_optimizer_goes_downhill(optimizer):
    x = torch.nn.Parameter(torch.tensor([3.0]))
    built = optimizer.build([x])
    for _ in range(200):
        built.zero_grad()
        x.square().sum().backward()
        built.step()
    assert x.abs().item() < 0.1


def test_a_step_of_plain_sgd_is_the_learning_rate_times_the_gradient():
    x = torch.nn.Parameter(torch.tensor([3.0]))
    x.grad = torch.tensor([2.0])
    SGD(lr=0.5, momentum=0).build([x]).step()
    assert x.item() == 2.0


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        (Constant(), {0.0: 1, 0.5: 1, 1.0: 1}),
        (Cosine(), {0.0: 1, 0.25: (1 + math.sqrt(0.5)) / 2, 0.5: 0.5, 1.0: 0}),
        (OneCycle(rise=0.3), {0.0: 1 / 25, 0.15: 13 / 25, 0.3: 1, 0.65: 0.5, 1.0: 0}),
        (Step(milestones=(0.75, 0.5), decay=0.1), {0.0: 1, 0.49: 1, 0.5: 0.1, 0.8: 0.01}),
    ],
    ids=repr,
)
def test_the_schedule_follows_its_definition(schedule, factors):
    found = {progress: schedule.factor(progress) for progress in factors}
    assert found == pytest.approx(factors, abs=1e-12)
