"""Figures of several rounds: their middle and their range, in numbers and as people read them."""

import statistics


def spread(values):
    """Median and range of what there is."""
    values = [value for value in values if value is not None]
    if not values:
        return None
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def middle(values):
    """The median as text."""
    return show(values["median"]) if values else ""


def ends(values):
    """The range as text, where there is one."""
    if not values or show(values["min"]) == show(values["max"]):
        return ""
    return f"{show(values['min'])}–{show(values['max'])}"


def show(value):
    """A number with about three digits that matter."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
