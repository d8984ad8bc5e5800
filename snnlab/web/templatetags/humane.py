"""Numbers and times in templates."""

from datetime import timedelta

from django import template

from snnlab.experiments.timing import words
from snnlab.web.markdown import html
from snnlab.web.numbers import number


register = template.Library()
register.filter("significant", number)
register.filter("markdown", html)


@register.filter
def duration(length: timedelta | float) -> str:
    """A length of time, or so many seconds, in words."""
    return words(length if isinstance(length, timedelta) else timedelta(seconds=length))
