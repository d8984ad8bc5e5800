"""Shows a training while it goes on: a line for each epoch and, on a terminal, a bar."""

from math import isfinite
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text


class Speed(ProgressColumn):
    """How many images are trained in a second."""

    def get_table_column(self) -> Column:
        return Column(no_wrap=True)

    def render(self, task: Task) -> Text:
        speed = (task.speed or 0) * task.fields["batch_size"]
        return Text(f"{speed:,.0f} images/s" if speed else "")


class Watch:
    """The progress of one training. Everything goes to standard error."""

    def __init__(self, epochs: int, batch_size: int) -> None:
        self.epochs, self.accuracy = epochs, ""
        self.console = errors()
        self.progress = bar(self.console, Speed())
        self.task = self.progress.add_task(
            "loading data", total=None, batch_size=batch_size, numbers=""
        )

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.progress.remove_task(self.task)
        self.progress.stop()

    def step(self, step: Any) -> None:
        loss = f"loss {step.loss:.4f}" if isfinite(step.loss) else ""
        self.progress.update(
            self.task,
            total=step.epochs * step.batches,
            completed=(step.epoch - 1) * step.batches + step.batch,
            description=f"{step.phase} epoch {step.epoch}/{step.epochs}".strip(),
            numbers=f"{loss}{self.accuracy}",
        )

    def epoch(self, epoch: int, metrics: dict[str, float]) -> None:
        """Note that an epoch has ended."""
        if "accuracy" in metrics:
            self.accuracy = f"  accuracy {metrics['accuracy']:.2f} %"
        seconds = f"  {metrics['seconds']:.1f} s" if "seconds" in metrics else ""
        loss = f"  loss {metrics['loss']:.4f}" if "loss" in metrics else ""
        self.console.print(
            f"epoch {epoch:>{len(str(self.epochs))}}/{self.epochs}{loss}{self.accuracy}{seconds}"
        )


def errors() -> Console:
    """Standard error, written to as plain text: nothing in a name is taken for markup."""
    return Console(stderr=True, markup=False, highlight=False, emoji=False)


def bar(console: Console, *columns: ProgressColumn) -> Progress:
    """A progress bar that keeps still where nobody watches it."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=10),
        TextColumn("{task.fields[numbers]}", markup=False),
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
