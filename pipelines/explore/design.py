"""One design for app, report, exports and docs site: colours and type, each named once."""

from __future__ import annotations

FONT = "system-ui, sans-serif"
INK = "#1b2733"
QUIET = "#52606d"
RULE = "#dfe5eb"
PANEL = "#eef2f6"
BAR = "#17324d"
LINK = "#0b5394"

# Okabe and Ito's colours, which colour-blind readers tell apart; black is left to text.
BLUE, SKY, GREEN, PURPLE, ORANGE, YELLOW, VERMILLION = (
    "#0072B2",
    "#56B4E9",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#F0E442",
    "#D55E00",
)
BEFORE = "#A6A6A6"
SERIES = (BLUE, SKY, GREEN, PURPLE, ORANGE, YELLOW, VERMILLION, BEFORE)


def tint(colour: str, share: float = 0.35) -> str:
    """A colour mixed with white, so that ink is readable on it; ``share`` is what is left of the colour."""
    channels = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - channel) * share):02X}" for channel in channels)
