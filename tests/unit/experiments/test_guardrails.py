"""A challenger that does harm is stopped, one that does none is let go on, and too little data says so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from include.errors import ExperimentError
from include.experiments.guardrails import Guardrail, check, worst

ERRORS = Guardrail(name="error", tolerated=0.01)
PERIODS = 12


def requests(challenger, *, champion=0.002, units=600, weight=0.5, periods=PERIODS, each=4, seed=1, alike=1e6):
    """Return requests of clients that come back each period; ``alike``: small where a client's errors repeat."""
    rng = np.random.default_rng(seed)
    treated = rng.random(units) < weight
    rates = np.where(treated, challenger, champion)
    own = np.clip(rng.beta(np.maximum(rates, 1e-9) * alike, (1 - rates) * alike), 0, 1)
    unit = np.repeat(np.arange(units), periods * each)
    return pd.DataFrame(
        {
            "unit": unit.astype(str),
            "variant": np.where(treated, "challenger", "champion")[unit],
            "period": np.tile(np.repeat(np.arange(periods), each), units),
            "error": (rng.random(len(unit)) < own[unit]).astype(int),
        }
    )


def one(frame, guardrail=ERRORS, *, until=PERIODS - 1, periods=PERIODS, level=0.05):
    (result,) = check(frame, [guardrail], periods=periods, until=until, level=level)
    return result


def test_a_broken_challenger_is_stopped_at_once():
    result = one(requests(0.3, weight=0.1), until=2)
    assert result.status == "broken"
    assert result.period == 0
    assert result.worsening.low > ERRORS.tolerated
    assert "broken" in result.said


def test_once_broken_it_stays_broken():
    frame = requests(0.3)
    frame.loc[frame["period"] > 2, "error"] = 0
    assert one(frame, until=2).status == one(frame).status == "broken"


def test_a_harmless_challenger_is_let_go_on_when_that_is_sure():
    frame = requests(0.002, units=1000)
    result = one(frame)
    assert result.status == "ok"
    assert result.worsening.high < ERRORS.tolerated
    assert result.confidence == pytest.approx(0.95)
    assert one(requests(0.002, units=60, weight=0.5), until=0).status == "not enough data"


def test_a_variant_nobody_has_seen_says_nothing():
    result = one(requests(0.002, weight=0.0), until=0)
    assert (result.status, result.units[1], result.challenger, result.worsening) == ("not enough data", 0, None, None)
    assert "nothing seen" in result.said
    assert one(requests(0.5, units=30), until=0).status == "not enough data"  # 15 clients each


def test_many_requests_of_few_clients_are_not_enough_to_be_sure():
    result = one(requests(0.0, champion=0.0, units=200, each=40))
    assert result.worsening.high < ERRORS.tolerated
    assert result.status == "not enough data"


def test_less_than_tolerated_is_no_harm():
    assert one(requests(0.006, units=4000)).status == "ok"


def test_a_fall_is_harm_where_the_guardrail_says_so():
    frame = requests(0.3, champion=0.6, units=1000)
    falling = ERRORS.model_copy(update={"harmful": "fall"})
    assert one(frame, falling).status == "broken"
    assert one(frame).status == "ok"


def test_shares_are_told_as_they_were():
    frame = requests(0.3, champion=0.1)
    result = one(frame, until=0)
    first = frame[frame["period"] == 0].groupby("variant")["error"].mean()
    assert result.champion == pytest.approx(first["champion"])
    assert result.challenger == pytest.approx(first["challenger"])


def test_level_is_shared_between_guardrails():
    frame = requests(0.002, units=1000).assign(slow=0)
    both = check(frame, [ERRORS, Guardrail(name="slow", tolerated=0.02)], periods=PERIODS, until=11)
    assert [each.confidence for each in both] == [0.975, 0.975]
    assert worst(both) == "ok"
    broken = both[0].model_copy(update={"status": "broken"})
    open_ = both[0].model_copy(update={"status": "not enough data"})
    assert worst([broken, open_]) == "broken"
    assert worst([both[0], open_]) == "not enough data"


def test_errors_of_the_same_clients_are_no_proof():
    """Two of a hundred clients fail always: their many requests are two cases, not two hundred."""
    frame = requests(0.0, champion=0.0, units=200, each=10)
    failing = frame.loc[frame["variant"] == "challenger", "unit"].unique()[:2]
    frame["error"] = frame["unit"].isin(failing).astype(int)
    assert one(frame).status == "not enough data"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"until": PERIODS}, "period 12 of 12"),
        ({"guardrails": [Guardrail(name="slow", tolerated=0.1)]}, "no column slow"),
        ({"guardrails": []}, "guardrails"),
        ({"frame": requests(0.1, units=9).assign(error=0.5)}, "other than 0 and 1 in error"),
        ({"frame": requests(0.1, units=9).assign(unit="same")}, "1 units with both variants"),
    ],
)
def test_what_cannot_be_checked_is_refused(change, said):
    given = {"frame": requests(0.1, units=9), "guardrails": [ERRORS], "periods": PERIODS, "until": 0, **change}
    with pytest.raises(ExperimentError, match=said):
        check(given.pop("frame"), given.pop("guardrails"), **given)
