"""What the lists' rows are called: the one home of the tables ``lists`` and ``campaign_lists``."""

from __future__ import annotations

from typing import Literal

LISTS, CAMPAIGN_LISTS, VERDICTS = "lists", "campaign_lists", "list_verdicts"
Variant = Literal["shown", "champion", "previous"]
SHOWN: Variant = "shown"  # after the rules of people, or the fall-back's
CHAMPION: Variant = "champion"  # as the champion ranks, whatever is shown
PREVIOUS: Variant = "previous"  # as its predecessor would have ranked
COLUMNS = ("market", "household", "task", "variant", "rank", "product", "score", "reason", "model_version")
