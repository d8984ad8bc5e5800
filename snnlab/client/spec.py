"""`snnlab spec`: what a definition may say, and whether one does."""

import click

from snnlab.client import definition, render
from snnlab.client.trouble import Code, Trouble
from snnlab.learning.presets import presets
from snnlab.learning.problems import SpecError


@click.group()
def spec() -> None:
    """Check definitions; print their schema and the presets."""


@spec.command()
def schema() -> None:
    """Print the JSON schema of a definition: each part and field, its bounds, unit and meaning."""
    from snnlab.learning.spec import Spec  # here, because it takes PyTorch along

    click.echo(render.json_text(Spec.model_json_schema()))


@spec.command()
@click.argument("spec")
@click.option("--json", "in_json", is_flag=True, help="Print the answer as JSON.")
def check(*, spec: str, in_json: bool) -> None:
    """Say whether SPEC is a valid definition; if not, everything that is wrong with it."""
    try:
        valid = definition.find(spec).spec()
    except SpecError as error:
        count = len(error.problems)
        click.echo(f"{spec}: {count} problem{'s' * (count > 1)}", err=True)
        raise
    size = valid.network.parameters(valid.dataset.shape, valid.dataset.classes, valid.neuron)
    if in_json:
        click.echo(render.json_text({"digest": valid.digest(), "parameters": size}))
    else:
        click.echo(f"{spec} is a valid definition: digest {valid.digest()}, {size:,} weights")


@spec.command("presets")
@click.option("--json", "in_json", is_flag=True, help="Print the list as JSON.")
def list_presets(*, in_json: bool) -> None:
    """List the definitions that come with snnlab."""
    found = [(p.name, p.title, p.description) for p in presets().values()]
    if in_json:
        names = ("name", "title", "description")
        click.echo(render.json_text([dict(zip(names, row, strict=True)) for row in found]))
    else:
        render.show(render.table("", ("name", "title", "description"), found))


@spec.command()
@click.argument("preset")
@click.option("--full", is_flag=True, help="Write out every default.")
def show(*, preset: str, full: bool) -> None:
    """Print a definition as TOML: a file's, or a preset's to begin your own with."""
    source = definition.find(preset)
    if source.json and not full:
        raise Trouble(Code.WRONG, f"{preset} is JSON. With --full it is shown as TOML")
    click.echo(source.spec().to_toml() if full else source.text, nl=False)
