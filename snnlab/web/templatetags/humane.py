"""Numbers in templates."""

from django import template

from snnlab.web.numbers import number


register = template.Library()
register.filter("significant", number)
