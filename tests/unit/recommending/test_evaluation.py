"""What counts as found, and the split by each household's last new item."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from include.recommending.evaluation import judge, relevant, summary
from include.recommending.families import family
from include.recommending.holdout import as_truth, leave_last
from include.recommending.interactions import interactions
from tests.unit.recommending import made


def test_the_outcome_is_what_was_bought_in_its_days(lines, x, bought):
    start = pd.Timestamp(made.DAY, tz="UTC")
    later = lines[(lines["time"] >= start) & (lines["time"] < start + pd.Timedelta(days=59))]
    pairs = later[["household", "product"]].drop_duplicates()
    assert bought.nnz == len(pairs)
    found = bought.toarray()
    assert found[np.searchsorted(x.users, pairs["household"]), np.searchsorted(x.items, pairs["product"])].all()


def test_discoveries_are_what_was_never_bought_before(x, bought):
    new, every = relevant(x, bought, "discover"), relevant(x, bought, "rebuy")
    assert 0 < new.nnz < every.nnz
    assert not new.multiply(x.bought).nnz


def test_users_without_a_history_do_not_count(lines, products, known, bought):
    started = lines["household"] != known.users[0]
    x = interactions(lines[started], products, made.DAY, known)
    assert bought[[0]].nnz
    assert not relevant(x, bought, "rebuy")[[0]].nnz
    assert np.isnan(judge(np.zeros(x.shape, dtype=np.float32), x, bought, "rebuy").ndcg[0])


def test_a_summary_has_every_metric_and_lists_of_popular_items_are_biased(x, bought):
    found = {}
    for name in ("popularity", "item_knn"):
        judged = judge(family(name).fit(x).scores(), x, bought, "discover")
        found[name] = summary(judged, x, bought, seed=0)
    assert set(found["popularity"]) == {"recall@10", "ndcg@10", "novelty", "coverage", "popularity_bias"}
    assert found["popularity"]["popularity_bias"].value > found["item_knn"]["popularity_bias"].value
    assert found["popularity"]["novelty"].value < found["item_knn"]["novelty"].value


@pytest.mark.parametrize("mates", [True, False])
def test_the_last_new_item_is_gone_and_its_mates_if_asked(lines, known, mates):
    history, held = leave_last(lines, known, mates=mates)
    assert held["household"].tolist() == known.users.tolist()
    for household, product, basket in held.head(20).itertuples(index=False):
        own = lines[lines["household"] == household]
        firsts = own.sort_values("time", kind="stable").drop_duplicates("product")
        assert firsts.iloc[-1]["product"] == product
        left = history[history["household"] == household]
        assert product not in left["product"].tolist()
        assert (basket in left["basket"].tolist()) == (mates and (own["basket"] == basket).sum() > 1)
    assert as_truth(held, known).nnz == len(known.users)
