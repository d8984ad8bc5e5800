"""Seeds as people type them: `1,2,3`, `1-5`, or both."""

from typing import Any

import click


LARGEST = 2**31 - 1
MOST = 1000


class Seeds(click.ParamType):
    """A list of different seeds."""

    name = "seeds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[int]:
        if isinstance(value, list):
            return value
        seeds: list[int] = []
        for item in value.replace(" ", "").split(","):
            first, dash, last = item.partition("-")
            if not (first.isdecimal() and (last if dash else first).isdecimal()):
                self.fail(f"{value!r} is no list of seeds. Write 1,2,3 or 1-5", param, ctx)
            numbers = range(int(first), int(last or first) + 1)
            if not numbers or numbers[-1] > LARGEST or len(seeds) + len(numbers) > MOST:
                self.fail(
                    f"{item!r}: seeds run upwards from 0 to {LARGEST}, at most {MOST} of them",
                    param,
                    ctx,
                )
            seeds += numbers
        if len(set(seeds)) < len(seeds):
            self.fail(f"{value!r} names a seed twice", param, ctx)
        return seeds
