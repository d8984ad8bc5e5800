"""Seeds on the command line."""

from typing import Any

import click

from snnlab.experiments.seeds import parse_seeds


class Seeds(click.ParamType):
    """A list of different seeds, as `parse_seeds` reads it."""

    name = "seeds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[int]:
        if isinstance(value, list):
            return value
        try:
            return parse_seeds(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
