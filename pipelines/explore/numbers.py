"""How numbers are written for people: thousands apart, units beside them, the exact value within reach."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from markupsafe import Markup

# Narrow no-break space, the thousands separator of ISO 80000: mistaken for a decimal sign in no language.
THOUSANDS = "\u202f"


def whole(value: Decimal | int) -> str:
    """A number without decimals."""
    rounded = Decimal(value).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return f"{rounded:,}".replace(",", THOUSANDS).replace("-", "−")


def exact(value: Decimal) -> str:
    """A sum to the øre, or with more decimals where it has them."""
    plain = f"{value:,f}"
    units, _, decimals = plain.partition(".")
    return f"{units}.{decimals.rstrip('0').ljust(2, '0')}".replace(",", THOUSANDS).replace("-", "−")


def money(value: Decimal, currency: str | None) -> Markup:
    """A sum without decimals that shows all of them under the pointer."""
    return Markup('<span class="money" title="{} {}">{}</span>').format(exact(value), currency or "", whole(value))


def percent_change(now: Decimal, before: Decimal) -> str:
    """Change in percent; a dash where there was nothing to change from."""
    if before <= 0:
        return "–"
    return f"{100 * (now - before) / before:+.1f} %".replace("-", "−")
