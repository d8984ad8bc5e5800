r"""Rectified linear unit with a ceiling: the analog counterpart of a spiking neuron.

.. math:: y_t = \min(\max(i_t, 0),\; c)

Source: Yang et al. 2022, arXiv:2210.04532, the teacher of local tandem learning; its official code
clips at 2. It has no state, so one time step says all.
"""

from typing import ClassVar, Literal

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from snnlab.learning.neuron import Neuron


class ClippedReLU(Neuron):
    """Rectified linear unit with a ceiling; it makes the network an ordinary analog one."""

    spiking: ClassVar[bool] = False

    kind: Literal["clipped-relu"] = "clipped-relu"
    ceiling: float = Field(2.0, gt=0, le=1e6, description="largest output")

    def scan(
        self, current: Float[Tensor, "steps_or_1 *n"], steps: int, *, overwrite: bool = False
    ) -> Float[Tensor, "steps *n"]:
        return current.clamp(0, self.ceiling).expand(steps, *current.shape[1:])
