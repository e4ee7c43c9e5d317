"""How often to retrain: the replay gives each window the right model, and the answer keeps to its margin."""

from __future__ import annotations

import numpy as np
import pytest

from include.errors import PermanentError
from include.monitoring.cadence import Fit, Metric, fell, fit_windows, replay
from include.monitoring.worth import answer, gain

ERROR = Metric(name="error", unit="points", higher_is_better=False)
SCORE = Metric(name="score", unit="points", higher_is_better=True)
COUNT = 48


def aged(per_window, *, count=COUNT, noise=0.0, seconds=1.0):
    """Return fits whose error grows with their age; windows differ, and models share what a window is like."""
    draw = np.random.default_rng(5)
    weather, own = draw.normal(0, 0.5, count), draw.normal(0, noise, (count, count))
    return [
        Fit(
            window=fitted,
            seconds=seconds,
            quality={
                at: {"error": 5 + weather[at] + per_window * (at - fitted) + own[fitted, at]}
                for at in range(fitted, count)
            },
        )
        for fitted in range(count)
    ]


def studied(fits, *, margin, count=COUNT, triggers=None, metrics=(ERROR,), **given):
    found = replay(fits, count, every=(1, 2, 4, 8, 16), triggers=triggers or {})
    return answer(found, metrics, margin=margin, **given)


def of(found, cadence):
    return next(one for one in found.standings if one.replayed.cadence == cadence)


def test_each_window_has_the_newest_model_that_its_cadence_has_paid_for():
    found = {each.cadence: each for each in replay(aged(0.1), COUNT, every=(4, 1), triggers={})}
    assert list(found) == ["every 1", "every 4", "never"]
    assert found["every 4"].fitted[:9] == (0, 0, 0, 0, 4, 4, 4, 4, 8)
    assert found["every 1"].fitted == tuple(range(COUNT))
    assert set(found["never"].fitted) == {0}
    assert [found[name].fits for name in found] == [48, 12, 1]
    assert [found[name].seconds for name in found] == [48.0, 12.0, 1.0]


def test_each_window_is_fitted_once_and_judged_on_what_it_has_not_seen():
    fitted, lines = [], []

    def fit(window):
        fitted.append(window)
        return window

    found = fit_windows(
        range(1, 8, 2), 8, fit=fit, quality=lambda model, at: {"error": float(at - model)}, say=lines.append
    )
    assert fitted == [1, 3, 5, 7] == [each.window for each in found]
    assert found[1].quality == {at: {"error": float(at - 3)} for at in range(3, 8)}
    assert len(lines) == 4
    assert lines[0].startswith("window 2 of 8: fitted in")


def test_a_fit_that_was_stored_comes_back_with_what_could_not_be_judged():
    fit = Fit(window=0, seconds=1.0, quality={0: {"error": float("nan")}})
    assert np.isnan(Fit.model_validate_json(fit.model_dump_json()).quality[0]["error"])


def test_the_rarest_cadence_within_the_margin_is_recommended():
    # Models of up to 3 windows' age lose .15 on average with every 4, .35 with every 8.
    found = studied(aged(0.1, noise=0.02), margin=0.25)
    assert (found.best, found.recommended) == ("every 1", "every 4")
    assert of(found, "every 4").gain["error"].value == pytest.approx(-0.15, abs=0.02)
    assert [one.good_enough for one in found.standings] == [True, True, True, False, False, False]


def test_a_wide_margin_does_not_give_away_what_retraining_brings():
    # Never again would lose 2.35 points, less than the margin; a fifth of that is .47.
    found = studied(aged(0.1, noise=0.02), margin=10.0)
    assert found.margin == pytest.approx(0.47, abs=0.02)
    assert found.recommended == "every 8"


def test_where_models_do_not_age_none_is_trained_again():
    found = studied(aged(0.0, noise=0.05), margin=0.25)
    assert found.recommended == "never"


def test_a_cadence_is_not_good_enough_where_that_is_not_known():
    # Of 48 windows with this noise, no rarer cadence can be told from one that loses more than the margin.
    found = studied(aged(0.0, noise=2.0), margin=0.05)
    assert not any(one.good_enough for one in found.standings if one.replayed.cadence != found.best)
    assert found.recommended == found.best


def test_a_margin_may_be_a_share():
    found = studied(aged(0.1, noise=0.02), margin=0.05, margin_is_share=True)
    assert found.margin == pytest.approx(0.05 * of(found, "every 1").mean["error"])
    assert found.recommended == "every 4"


def test_of_equal_ones_the_cheapest_is_taken():
    fits = [each.model_copy(update={"seconds": 1.0 + each.window}) for each in aged(0.0)]
    found = studied(fits, margin=0.25, triggers={"on change": lambda now: False})
    assert of(found, "on change").replayed.fits == of(found, "never").replayed.fits == 1
    late = {"late": lambda now: now.window == COUNT - 2}
    assert studied(fits, margin=0.25, triggers=late).recommended == "never"


def test_more_is_better_where_the_metric_says_so():
    fits = [
        each.model_copy(update={"quality": {at: {"score": -one["error"]} for at, one in each.quality.items()}})
        for each in aged(0.1, noise=0.02)
    ]
    found = studied(fits, margin=0.25, metrics=(SCORE,))
    assert (found.best, found.recommended) == ("every 1", "every 4")
    assert of(found, "never").mean["score"] < of(found, "every 1").mean["score"] < 0


def test_a_trigger_sees_the_model_in_use_and_nothing_later():
    seen = []

    def due(now):
        seen.append((now.fitted, now.window, len(now.quality)))
        return now.window in (4, 9)

    found = replay(aged(0.1), COUNT, every=(1,), triggers={"on change": due})[-1]
    assert found.cadence == "on change"
    assert found.fitted[3:12] == (0, 0, 5, 5, 5, 5, 5, 10, 10)
    assert seen[:7] == [(0, at, at + 1) for at in range(5)] + [(5, 5, 1), (5, 6, 2)]


def test_a_loss_asks_for_a_training_and_noise_does_not():
    jump = [
        Fit(window=fitted, seconds=1.0,
            quality={at: {"error": 5 + 0.3 * (at % 2) + 3 * (fitted < 20 <= at)} for at in range(fitted, COUNT)})
        for fitted in range(COUNT)
    ]  # fmt: skip
    found = replay(jump, COUNT, every=(1,), triggers={"on loss": fell(ERROR)})[-1]
    assert found.fits == 2
    assert found.fitted[22] == 0 < found.fitted[23] == 23


def test_a_loss_is_not_seen_before_there_is_something_to_compare_with():
    worse = [
        Fit(window=0, seconds=1.0, quality={at: {"error": 5.0 + at} for at in range(6)}),
        *(Fit(window=at, seconds=1.0, quality={later: {"error": 5.0} for later in range(at, 6)}) for at in range(1, 6)),
    ]
    found = replay(worse, 6, every=(1,), triggers={"on loss": fell(ERROR, windows=3)})[-1]
    assert found.fitted == (0, 0, 0, 0, 0, 0)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    # Losses that last over several windows, as those of a model that is used for a while.
    draw, held = np.random.default_rng(11), 0
    for _ in range(300):
        steps = draw.normal(0, 1, 125)
        lasting = np.convolve(steps, np.ones(4) / 4, mode="valid")[:120]
        found = gain(lasting, np.zeros(120), confidence=0.95, seed=int(draw.integers(1 << 30)))
        held += found.low <= 0 <= found.high
    assert 0.85 <= held / 300 <= 0.97


def test_windows_that_cannot_be_judged_are_left_out_for_all():
    fits = aged(0.1, noise=0.02)
    spoilt = [
        each.model_copy(update={"quality": {**each.quality, 7: {"error": float("nan")}}}) if each.window == 4 else each
        for each in fits
    ]
    found = studied(spoilt, margin=0.25)
    assert found.judged == tuple(at for at in range(COUNT) if at != 7)
    assert found.recommended == "every 4"


def test_windows_of_which_too_few_can_be_judged_are_named():
    spoilt = [
        each.model_copy(update={"quality": {at: {"error": np.nan if at > 4 else 1.0} for at in each.quality}})
        for each in aged(0.1)
    ]
    with pytest.raises(PermanentError, match="5 of 48"):
        studied(spoilt, margin=0.25)


@pytest.mark.parametrize(
    ("count", "without", "every", "seen"),
    [
        (5, None, (1,), r"at least 6 windows.*5"),
        (8, 3, (1,), r"none for \[3\]"),
        (8, None, (2, 0), r"\[2, 0\]"),
        (8, None, (), r"\[\]"),
    ],
    ids=["too few windows", "a model is missing", "cadence of no window", "no cadence"],
)
def test_a_study_that_cannot_be_made_says_why(count, without, every, seen):
    fits = [each for each in aged(0.1, count=count) if each.window != without]
    with pytest.raises(PermanentError, match=seen):
        replay(fits, count, every=every, triggers={})
