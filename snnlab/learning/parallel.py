r"""One training on several devices: each process takes a share of every batch.

With process r of n on the samples :math:`B_r` of a batch :math:`B`, and a loss that is a mean over
samples, the gradient of the whole batch is

.. math:: \nabla L(B) = \sum_r \frac{|B_r|}{|B|} \nabla L(B_r),

so gradients are scaled by their share and summed over all processes, as DistributedDataParallel
does with equal shares (Li et al. 2020, arXiv:2006.15704). Every process draws the whole batch, its
order, crops and spikes, from the same generator and then takes its share: noise is what one process
would have drawn. Statistics of batch normalisation are those of each process's own share.
"""

import datetime
import os
import sys
from collections.abc import Iterable
from typing import NoReturn

import torch
import torch.distributed as dist
from torch import Tensor, nn

from snnlab.learning.errors import TrainingError


PATIENCE = datetime.timedelta(hours=6)  # process 0 evaluates and writes while the others wait


def start(device: str) -> None:
    """Join the other processes, which torchrun started."""
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo", timeout=PATIENCE)


def stop() -> NoReturn:
    """Leave the other processes and end this one at once; its work must be done.

    A thread of gloo may still free tensors while Python tears its interpreter down, which aborts
    the process (pytorch/pytorch#179291), and with it torchrun ends all the others.
    """
    dist.destroy_process_group()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of them this one is; process 0 evaluates, reports and writes."""
    return dist.get_rank() if size() > 1 else 0


def share(batch: Tensor, dim: int = 0) -> Tensor:
    """This process's part of a batch: every n-th sample."""
    if size() == 1:
        return batch
    index = torch.arange(rank(), batch.shape[dim], size(), device=batch.device)
    return batch.index_select(dim, index)


def sum_gradients(parameters: Iterable[Tensor], weight: float) -> None:
    """Replace each gradient by the sum over all processes, each times its weight."""
    if size() == 1:
        return
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    for one in trained:
        one.grad = torch.zeros_like(one) if one.grad is None else one.grad
    flat = torch.cat([one.grad.flatten() for one in trained if one.grad is not None]).mul_(weight)
    dist.all_reduce(flat)
    parts = flat.split([one.numel() for one in trained])
    for one, part in zip(trained, parts, strict=True):
        one.grad = part.view_as(one)


def total(value: float, weight: float) -> float:
    """The sum over all processes of a value times its weight."""
    if size() == 1:
        return value
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    summed = torch.tensor([value * weight], dtype=torch.float64, device=device)
    dist.all_reduce(summed)
    return float(summed.item())


def agree(state: Tensor) -> Tensor:
    """What process 0 has, in every process: the state of a generator, or a decision."""
    if size() == 1:
        return state
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    shared = state.to(device)
    dist.broadcast(shared, src=0)
    return shared.to(state.device)


def decides(*, yes: bool) -> bool:
    """What process 0 decides."""
    return bool(agree(torch.tensor([int(yes)])).item())


def agree_on(network: nn.Module) -> None:
    """Give every process the weights that process 0 has."""
    for tensor in network.state_dict().values():
        tensor.copy_(agree(tensor))


def check(learning: str, batch_size: int) -> None:
    """Refuse to share batches among processes where that would change what is learned."""
    if size() > 1 and learning != "gradients":
        raise TrainingError(
            "rule.kind: this rule changes weights itself, sample after sample, so several devices "
            "cannot share a batch. Ask for 1 device"
        )
    if size() > batch_size:
        raise TrainingError(f"batch_size must be at least the number of devices, {size()}")
