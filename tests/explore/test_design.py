"""One design: app, report and docs site take colours and type from the same place, and ink is readable on every area."""

from __future__ import annotations

from itertools import combinations

import pytest

from pipelines.docs import _STYLE
from pipelines.explore import design
from pipelines.explore.pages import templates

# Viénot, Brettel and Mollon (1999): linear RGB as seen without red or green cones.
BLINDNESS = {
    "protanopia": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
    "deuteranopia": ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
}


def linear(colour: str) -> tuple[float, ...]:
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return tuple(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)


def contrast(one: str, other: str) -> float:
    """WCAG's ratio of two colours."""
    lights = sorted(sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(x), strict=True)) for x in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@pytest.mark.parametrize("colour", design.SERIES)
def test_ink_is_readable_on_every_area(colour: str) -> None:
    assert contrast(design.INK, design.tint(colour)) >= 4.5


@pytest.mark.parametrize(
    ("text", "ground"), [("#ffffff", design.BAR), (design.LINK, "#ffffff"), (design.QUIET, "#ffffff")]
)
def test_text_is_readable(text: str, ground: str) -> None:
    assert contrast(text, ground) >= 4.5


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_marks_beside_each_other_differ_for_colour_blind_readers(blindness: str) -> None:
    def seen(colour: str) -> tuple[float, ...]:
        rgb = linear(colour)
        return tuple(sum(w * c for w, c in zip(row, rgb, strict=True)) for row in BLINDNESS[blindness])

    for one, other in combinations((design.BLUE, design.BEFORE, design.VERMILLION), 2):
        assert sum((a - b) ** 2 for a, b in zip(seen(one), seen(other), strict=True)) ** 0.5 > 0.15, (one, other)


def test_app_report_and_docs_site_share_it() -> None:
    style = templates().get_template("style.css").render()
    for value in (design.FONT, design.INK, design.BAR, design.LINK, design.PANEL, design.RULE):
        assert value in style
        assert value in _STYLE
