"""How a sweep chooses its points, and which runs it stops early. `search` does it."""

from typing import Annotated, Literal

from pydantic import Field

from snnlab.learning.part import Part


MOST_POINTS = 10_000
TRIES = 20  # draws for each point, before a space is taken for exhausted
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Strategy(Part):
    """Which points of the space are tried."""


class Grid(Strategy):
    """Every combination of the values."""

    kind: Literal["grid"] = "grid"


class Drawn(Strategy):
    """Base of the strategies that draw points one by one."""

    points: int = Field(20, ge=1, le=MOST_POINTS, description="number of points")
    draw_seed: Number = Field(0, description="seed that points are drawn from")


class Random(Drawn):
    """Points drawn independently of each other."""

    kind: Literal["random"] = "random"


class Learning(Drawn):
    """Base of the strategies whose next point depends on the results of those before."""


class TPE(Learning):
    """Tree-structured Parzen estimator: Bergstra et al. 2011, as Optuna does it."""

    kind: Literal["tpe"] = "tpe"
    startup: int = Field(10, ge=1, le=1000, description="points drawn at random before it learns")


class NSGA2(Learning):
    """NSGA-II, for several objectives: Deb et al. 2002, doi:10.1109/4235.996017, as in Optuna."""

    kind: Literal["nsga2"] = "nsga2"
    population: int = Field(20, ge=2, le=1000, description="number of points in a generation")


AnyStrategy = Annotated[Grid | Random | TPE | NSGA2, Field(discriminator="kind")]


class Pruner(Part):
    """Which runs are stopped early. It sees the first objective after each epoch."""


class Never(Pruner):
    """No run is stopped."""

    kind: Literal["none"] = "none"


class Median(Pruner):
    """Stops a run whose best is worse than the median of the finished runs at the same step."""

    kind: Literal["median"] = "median"
    startup: int = Field(5, ge=1, le=1000, description="finished runs before any is stopped")
    warmup: int = Field(
        1,
        ge=0,
        le=1000,
        description="first steps of a run after which it is left alone",
        json_schema_extra={"unit": "epochs"},
    )


class ASHA(Pruner):
    """Asynchronous successive halving: Li et al. 2020 (MLSys), as in Optuna.

    At `least`, `least` x `factor`, ... epochs, the best 1 / `factor` of the runs go on.
    """

    kind: Literal["asha"] = "asha"
    least: int = Field(
        1,
        ge=1,
        le=1000,
        description="steps before the first decision",
        json_schema_extra={"unit": "epochs"},
    )
    factor: int = Field(3, ge=2, le=100, description="one of so many runs goes on")


AnyPruner = Annotated[Never | Median | ASHA, Field(discriminator="kind")]
