"""What rules and tasks may read of a spec, which knows them in turn."""

from typing import TypeVar

from snnlab.learning.augment import AnyAugmentation
from snnlab.learning.chip import AnyChip, Deploy
from snnlab.learning.dataset import Dataset
from snnlab.learning.encoders import AnyEncoder
from snnlab.learning.network import Network
from snnlab.learning.neuron import Neuron
from snnlab.learning.part import Part


D = TypeVar("D", bound="Definition")


class Definition(Part):
    """The parts of a spec that stand below rules, and how long it takes; `Spec` says the rest."""

    dataset: Dataset
    augmentation: AnyAugmentation
    encoder: AnyEncoder
    network: Network
    neuron: Neuron
    time_steps: int
    epochs: int
    chip: AnyChip
    deploy: Deploy
