"""Random valid parts, made from the bounds that their fields declare."""

import random
from typing import Annotated, Any, Literal, get_args, get_origin

from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from snnlab.learning.part import Part


def parts(part: type[Part]) -> st.SearchStrategy[Part]:
    return (
        st.fixed_dictionaries(
            {name: values(field.annotation, field) for name, field in part.model_fields.items()}
        )
        .map(lambda chosen: built(part, chosen))
        .filter(lambda made: made is not None)
    )


def built(part: type[Part], chosen: dict[str, Any]) -> Part | None:
    """The part, or nothing if it refuses these values, each of which is within its own bounds.

    The shape checker looks at a random item of a list; Hypothesis wants no randomness but its own.
    """
    before = random.getstate()
    try:
        return part(**chosen)
    except ValueError:
        return None
    finally:
        random.setstate(before)


def values(annotation: Any, field: FieldInfo) -> st.SearchStrategy[Any]:
    if get_origin(annotation) is Annotated:
        annotation, *metadata = get_args(annotation)
        inner = [m for m in metadata if isinstance(m, FieldInfo)]
        field = inner[0] if inner else field
    if get_origin(annotation) is Literal:
        return st.sampled_from(get_args(annotation))
    if get_origin(annotation) is tuple:
        sizes = bounds(field)
        return st.lists(
            values(get_args(annotation)[0], field),
            min_size=sizes.get("min_length", 0),
            max_size=min(3, sizes.get("max_length", 3)),
        ).map(tuple)
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return parts(annotation)
    if get_origin(annotation) is not None and len(get_args(annotation)) > 1:
        return st.one_of(*(values(choice, field) for choice in get_args(annotation)))
    return numbers(annotation, bounds(field))


def numbers(annotation: type, limits: dict[str, Any]) -> st.SearchStrategy[Any]:
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        return st.integers(limits["ge"], min(limits["le"], limits["ge"] + 20))
    low, high = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
    return st.floats(
        low, high, exclude_min="gt" in limits, exclude_max="lt" in limits, allow_nan=False
    )


def bounds(field: FieldInfo) -> dict[str, Any]:
    names = ("ge", "gt", "le", "lt", "min_length", "max_length")
    return {n: getattr(m, n) for m in field.metadata for n in names if hasattr(m, n)}
