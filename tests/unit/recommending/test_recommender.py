"""What is served: the same ranking as the training's, for users nobody knows too, and files that are checked."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from include.errors import ArtifactError
from include.recommending.metrics import ranked
from include.recommending.packing import ABOUT, load, save
from include.recommending.preparation import catalogue
from include.recommending.recommender import POPULAR
from include.recommending.rules import PINNED, Rules
from include.recommending.training import build, train

STRANGER = -5


@pytest.fixture(scope="module")
def scores(x):
    return {task: train(x, [name], task).scores[name] for task, name in (("discover", "ease"), ("rebuy", "rate"))}


@pytest.fixture(scope="module")
def made(x, products, scores):
    names = catalogue(products, x.items)["type"]
    return build(x, market="a", names=names, rebuy=scores["rebuy"], discover=scores["discover"], about={"seed": 1})


def ids(found):
    return [item for item, _, _ in found]


@pytest.mark.parametrize("task", ["discover", "rebuy"])
def test_known_users_are_answered_with_the_training_s_ranking(x, made, scores, task):
    top = ranked(scores[task], 5, hidden=x.bought if task == "discover" else None)
    for row, user in enumerate(x.users):
        found = made.recommend(int(user), task, 5)
        expected = [place for place in top[row] if place >= 0]
        np.testing.assert_allclose(
            [scores[task][row][np.searchsorted(x.items, item)] for item in ids(found)], scores[task][row][expected],
            atol=1e-5,
        )  # fmt: skip
        values = [score for _, score, _ in found]
        assert values == sorted(values, reverse=True)
        assert all(0 <= value <= 1 for value in values)


def test_nothing_that_was_bought_is_discovered_however_many_are_asked_for(x, made):
    for row, user in enumerate(x.users[:20]):
        bought = set(x.items[x.bought[[row]].nonzero()[1]].tolist())
        found = ids(made.recommend(int(user), "discover", 1000))
        assert set(found) == set(x.items.tolist()) - bought


def test_equal_scores_are_ordered_by_id_and_asking_for_fewer_gives_the_beginning(made):
    found = made.popular(1000)
    assert found == sorted(found, key=lambda each: (-each[1], each[0]))
    assert [made.popular(n) for n in range(4)] == [found[:n] for n in range(4)]


def test_basket_and_excluded_items_do_not_come_back(x, made):
    user = int(x.users[0])
    first = ids(made.recommend(user, "discover", 3))
    assert not {*first} & {*ids(made.recommend(user, "discover", 50, basket=first[:1], exclude=first[1:]))}
    assert first[0] not in ids(made.recommend(user, "rebuy", 1000, basket=first[:1]))


def test_a_basket_moves_a_known_user_as_the_weights_say(x, made):
    row, item = 3, int(x.items[7])
    before = {each: score for each, score, _ in made.recommend(int(x.users[row]), "discover", 1000)}
    found = {each: score for each, score, _ in made.recommend(int(x.users[row]), "discover", 1000, basket=[item])}
    moved = {each: before[each] + made.weights[7, np.searchsorted(x.items, each)] / made.spread[row] for each in found}
    order = sorted(found, key=lambda each: -found[each])
    pairs = [(moved[one], moved[other]) for one, other in pairwise(order) if moved[one] > 0]
    assert pairs
    assert all(one >= other - 1e-6 for one, other in pairs)


def test_a_stranger_is_answered_from_the_basket_and_without_one_by_what_is_popular(x, made):
    item = int(x.items[4])
    found = made.recommend(STRANGER, "discover", 1, basket=[item])
    assert ids(found) == [int(x.items[made.weights[4].argmax()])]
    assert "in the basket" in found[0][2]
    assert made.recommend(STRANGER, "rebuy", 5) == made.popular(5)
    assert {reason for _, _, reason in made.popular(5)} == {POPULAR}
    assert not made.knows(STRANGER)


def test_ids_that_nobody_knows_are_passed_over(x, made):
    user = int(x.users[0])
    assert made.recommend(user, "discover", 5, basket=[-1], exclude=[-2], also=[-3]) == made.recommend(
        user, "discover", 5
    )
    assert made.recommend(STRANGER, "discover", 5, basket=[-1]) == made.popular(5)


def test_a_reason_tells_visits_or_the_item_that_speaks_loudest(x, made):
    row = 2
    item, _, reason = made.recommend(int(x.users[row]), "rebuy", 1)[0]
    visits = int(x.visits[[row]].toarray()[0, np.searchsorted(x.items, item)])
    assert reason.startswith(f"bought {visits} time")
    item, _, reason = made.recommend(int(x.users[row]), "discover", 1)[0]
    history = x.bought[[row]].nonzero()[1]
    loudest = history[made.weights[history, np.searchsorted(x.items, item)].argmax()]
    assert reason == f"goes with {made.names[loudest]} ({x.items[loudest]})"


def test_rules_reach_items_behind_the_first_n(x, made):
    user = int(x.users[1])
    every = ids(made.recommend(user, "discover", 1000))
    last = every[-2]
    found = made.answer(user, "discover", 3, rules=Rules(blocked=frozenset(every[:1]), boosted={last: 1e6}))
    assert len(found) == 3
    assert every[0] not in ids(found)
    score = next(score for item, score, _ in made.recommend(user, "discover", 1000) if item == last)
    assert (ids(found)[0] == last) == (score > 0)
    assert made.answer(user, "discover", 3, rules=Rules(pinned=(last,)))[0] == (last, pytest.approx(score), PINNED)


def test_a_market_s_users_keep_their_scores_and_have_their_own_popularity(x, products, scores, made):
    rows = np.arange(0, len(x.users), 4)
    names = catalogue(products, x.items)["type"]
    few = build(x, market="b", names=names, rebuy=scores["rebuy"], discover=scores["discover"], rows=rows)
    user = int(x.users[rows[3]])
    assert few.recommend(user, "discover", 5) == made.recommend(user, "discover", 5)
    assert not few.knows(int(x.users[1]))
    np.testing.assert_allclose(few.popularity, x.bought.toarray()[rows].mean(axis=0), rtol=1e-6)


def test_what_is_saved_answers_the_same(x, made, tmp_path):
    save(made, tmp_path / "model")
    again = load(tmp_path / "model")
    assert (again.market, again.day, dict(again.about)) == ("a", x.day, {"seed": 1})
    for user in (*x.users[:10].tolist(), STRANGER):
        for task in ("discover", "rebuy"):
            basket = x.items[:2].tolist()
            assert again.recommend(user, task, 5, basket) == made.recommend(user, task, 5, basket)


def test_the_same_model_is_saved_as_the_same_bytes(made, tmp_path):
    for name in ("one", "other"):
        save(made, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes() for name in files)


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def pickled(path):
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)


def shorter(path):
    np.save(path, np.load(path)[:-1])


def older(path):
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 0}))


@pytest.mark.parametrize(
    ("name", "how"),
    [("weights.npy", cut), ("items.npy", pickled), ("popularity.npy", shorter), ("starts.npy", shorter),
     (ABOUT, older), (ABOUT, cut), ("rebuy.npy", lambda path: path.unlink())],
)  # fmt: skip
def test_a_file_that_is_cut_missing_foreign_or_does_not_fit_is_refused(made, tmp_path, name, how):
    save(made, tmp_path)
    how(tmp_path / name)
    with pytest.raises(ArtifactError, match="a packed recommender"):
        load(tmp_path)
