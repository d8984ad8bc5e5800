"""A small sign for a README: what, and how it stands."""

from html import escape


LETTER, ROOM = 6.8, 12


def badge(what: str, stands: str) -> str:
    """Two words beside each other, as SVG."""
    left, right = (round(len(text) * LETTER + 2 * ROOM) for text in (what, stands))
    told, says = escape(what), escape(stands)
    width = left + right
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="22" role="img" '
        f'aria-label="{told}: {says}"><title>{told}: {says}</title>'
        f'<clipPath id="c"><rect width="{width}" height="22" rx="4"/></clipPath>'
        f'<g clip-path="url(#c)"><rect width="{left}" height="22" fill="#3a4149"/>'
        f'<rect x="{left}" width="{right}" height="22" fill="#0b5cad"/></g>'
        '<g fill="#ffffff" font-family="Verdana, DejaVu Sans, sans-serif" font-size="11" '
        f'text-anchor="middle"><text x="{left / 2:g}" y="15" textLength="{left - 2 * ROOM}">'
        f'{told}</text><text x="{left + right / 2:g}" y="15" textLength="{right - 2 * ROOM}">'
        f"{says}</text></g></svg>"
    )
