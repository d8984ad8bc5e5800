"""Why a training can fail. Each error carries the `reason` that its run will show."""

from typing import ClassVar


class TrainingError(Exception):
    """Training cannot go on; trying again would end the same way."""

    reason: ClassVar[str] = "user_error"


class DataError(TrainingError):
    """A data set is missing, incomplete or not what its checksum says."""

    reason: ClassVar[str] = "data"


class NonFiniteLoss(TrainingError):
    """The loss became NaN or infinite."""

    reason: ClassVar[str] = "non_finite_loss"
