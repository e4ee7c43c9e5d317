"""HTML reports that stand alone: plots inline, no script, readable in MLflow's artifact view and in print."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib as mpl
from jinja2 import Environment
from markupsafe import Markup

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

_PAGE = Environment(autoescape=True).from_string("""<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>{{ title }}</title><style>
body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2rem auto;padding:0 1rem;color:#1a2330;background:#fff}
h1{margin-bottom:0}h2{margin-top:2rem;border-bottom:1px solid #d9dfe7}.sub{color:#5b6878}
table{border-collapse:collapse;margin:.8rem 0;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .7rem;border-bottom:1px solid #e6eaf0;text-align:left}th{background:#f4f6f9}
.good{color:#12703a;font-weight:600}.bad{color:#b3261e;font-weight:600}.muted{color:#5b6878}
img{max-width:100%}figure{margin:1rem 0}figcaption{color:#5b6878}
</style></head><body><h1>{{ title }}</h1><p class="sub">{{ subtitle }}</p>{{ body }}</body></html>""")

_TABLE = Environment(autoescape=True).from_string("""<table>
<thead><tr>{% for name in head %}<th>{{ name }}</th>{% endfor %}</tr></thead>
<tbody>{% for row in rows %}<tr>{% for cell in row %}
{%- set good, bad = cell is sameas true or cell == 'pass', cell is sameas false or cell == 'fail' -%}
<td{% if good %} class="good"{% elif bad %} class="bad"{% endif %}>
{{- 'yes' if cell is sameas true else 'no' if cell is sameas false else cell }}</td>
{%- endfor %}</tr>{% endfor %}</tbody></table>""")


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
        """Add a table; the cells True/'pass' and False/'fail' are coloured."""
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
