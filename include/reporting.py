"""HTML reports that stand alone: plots inline, no script, readable in MLflow's artifact view and in print."""

from __future__ import annotations

import base64
import datetime as dt
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from jinja2 import Environment
from markupsafe import Markup

mpl.use("Agg")

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

_BINS = 30
_ENDS = (0.01, 0.99)
_HALF_A_DAY = dt.timedelta(hours=12)
_MARKS = 5

_PAGE = Environment(autoescape=True).from_string("""<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>{{ title }}</title><style>
body{font:14px/1.5 system-ui,sans-serif;max-width:1000px;margin:1rem auto;padding:0 1rem;color:#1a2330;background:#fff}
h1{font-size:1.6rem;margin-bottom:0}h2{font-size:1.2rem;margin-top:2rem;border-bottom:1px solid #d9dfe7}
.sub{color:#5b6878}.wide{overflow-x:auto}.whole{white-space:nowrap}
table{border-collapse:collapse;margin:.8rem 0;font-size:13px;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .7rem;border-bottom:1px solid #e6eaf0;text-align:left}th{background:#f4f6f9}
.good{color:#12703a;font-weight:600}.bad{color:#b3261e;font-weight:600}.muted{color:#5b6878}
img{max-width:100%}figure{margin:1rem 0}figcaption{color:#5b6878}
</style></head><body><h1>{{ title }}</h1><p class="sub">{{ subtitle }}</p>{{ body }}</body></html>""")

_TABLE = Environment(autoescape=True).from_string("""<div class="wide"><table>
<thead><tr>{% for name in head %}<th>{{ name }}</th>{% endfor %}</tr></thead>
<tbody>{% for row in rows %}<tr>{% for cell in row %}
{%- set good, bad = cell is sameas true or cell == 'pass', cell is sameas false or cell == 'fail' -%}
<td{% if good %} class="good"{% elif bad %} class="bad"{% endif %}>
{%- if cell.low is defined -%}
<span class="whole">{{ '%.4f' % cell.value }}</span> {# -#}
<span class="whole muted">[{{ '%.4f' % cell.low }}, {{ '%.4f' % cell.high }}]</span>
{%- else -%}{{ 'yes' if cell is sameas true else 'no' if cell is sameas false else cell }}{% endif %}</td>
{%- endfor %}</tr>{% endfor %}</tbody></table></div>""")


class Report:
    """Collects sections, tables and plots, and renders one page. Text is escaped."""

    def __init__(self, title: str, subtitle: str = "") -> None:
        self._title, self._subtitle = title, subtitle
        self._parts: list[Markup] = []

    def section(self, title: str, text: str = "") -> Report:
        """Start a section, with an explaining sentence below its heading."""
        self._parts.append(Markup("<h2>{}</h2><p>{}</p>").format(title, text))
        return self

    def text(self, text: str, *, kind: str = "") -> Report:
        """Add a paragraph; ``kind`` is good, bad, muted or nothing."""
        self._parts.append(Markup('<p class="{}">{}</p>').format(kind, text))
        return self

    def table(self, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Report:
        """Add a table; the cells True/'pass' and False/'fail' are coloured, estimates break before their interval."""
        self._parts.append(Markup(_TABLE.render(head=head, rows=rows)))  # noqa: S704 - the template escapes every cell
        return self

    def plot(self, figure: Figure, caption: str) -> Report:
        """Add a matplotlib figure as an inline SVG-free PNG, and close it."""
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=110, bbox_inches="tight")
        plt.close(figure)
        encoded = base64.b64encode(image.getvalue()).decode()
        self._parts.append(
            Markup('<figure><img alt="{}" src="data:image/png;base64,{}"><figcaption>{}</figcaption></figure>').format(
                caption, encoded, caption
            )
        )
        return self

    def html(self) -> str:
        """Return the page."""
        return _PAGE.render(title=self._title, subtitle=self._subtitle, body=Markup("").join(self._parts))


def figure(columns: int = 1, *, height: float = 3.2) -> tuple[Figure, Any]:
    """Return a figure with ``columns`` axes side by side."""
    drawn, axes = plt.subplots(1, columns, figsize=(5.2 * max(columns, 1.4), height))
    return drawn, axes


def stacked(*heights: float, width: float = 10.0) -> tuple[Figure, Any]:
    """Return a figure with axes above one another, of the heights given, that share what runs along the bottom."""
    drawn, axes = plt.subplots(
        len(heights), 1, sharex=True, figsize=(width, sum(heights)), height_ratios=heights, layout="constrained"
    )
    return drawn, axes


def along_days(axes: Any, first_day: dt.date, last_day: dt.date) -> None:
    """Let these days run along the bottom, be it a single one, and nothing smaller than a day be marked."""
    first, last = (dt.datetime.combine(day, dt.time()) for day in (first_day, last_day))
    axes.set_xlim(first - _HALF_A_DAY, last + _HALF_A_DAY)
    axes.xaxis.set_major_locator(mdates.AutoDateLocator(minticks=min(_MARKS, (last - first).days + 1)))
    axes.xaxis.set_major_formatter(mdates.DateFormatter("%Y-%m-%d"))
    axes.tick_params(axis="x", labelsize=7, rotation=30)


def draw_amounts(axes: Any, samples: Mapping[str, ArrayLike]) -> None:
    """Draw the shares of amounts in bins of one width, without the hundredth at either end: a tail hides nothing."""
    low, high = np.quantile(np.concatenate([np.asarray(each) for each in samples.values()]), _ENDS)
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    for label, values in samples.items():
        drawn = np.asarray(values)
        axes.hist(drawn, edges, weights=np.full(len(drawn), 1 / len(drawn)), alpha=0.6, label=label)
    axes.legend(fontsize="small")


def draw_shares(axes: Any, samples: Mapping[str, Mapping[str, float]]) -> None:
    """Draw the shares of categories as bars beside each other, numbers in the order of numbers."""
    names = sorted({name for shares in samples.values() for name in shares}, key=_in_order)
    width = 0.8 / len(samples)
    for place, (label, shares) in enumerate(samples.items()):
        at = np.arange(len(names)) + (place - (len(samples) - 1) / 2) * width
        axes.bar(at, [shares.get(name, 0.0) for name in names], width, alpha=0.6, label=label)
    axes.set_xticks(np.arange(len(names)), names)
    axes.legend(fontsize="small")


def _in_order(name: str) -> tuple[bool, float, str]:
    try:
        return False, float(name), name
    except ValueError:
        return True, 0.0, name
