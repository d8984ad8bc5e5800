"""How much the graph of autograd holds."""

from torch.autograd.graph import saved_tensors_hooks


def most_saved(work):
    """The largest number of values kept for the backward pass at any one time during `work`."""
    held = {"now": 0, "most": 0}

    class Kept:
        def __init__(self, tensor):
            self.tensor = tensor
            held["now"] += tensor.numel()
            held["most"] = max(held.values())

        def __del__(self):
            held["now"] -= self.tensor.numel()

    with saved_tensors_hooks(Kept, lambda kept: kept.tensor):
        work()
    return held["most"]
