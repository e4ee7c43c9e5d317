"""The scorer of requests: the same scores, decisions and reasons as in batch, from a folder and few libraries."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from include.errors import ArtifactError, ContractError
from include.models.artifact import PackedModel
from include.models.explain import reasons
from include.models.onnx import convert
from include.records import ModelRef, ServingFacts
from include.serving.decisions import ACCEPT, DECLINE, REVIEW
from include.serving.scorers import FACTS, ONNX, ClassificationScorer
from include.use_cases.credit_risk import SPEC

ROOT = Path(__file__).parents[3]
COLUMNS = list(SPEC.model_columns)
NOT_FOR_SERVING = {"mlflow", "sklearn", "skops", "pandas", "scipy", "onnx", "optbinning", "boto3", "airflow"}


@pytest.fixture(scope="module")
def folder(fitted, tmp_path_factory):
    """Give an artifact folder as MLflow downloads it: what was logged beside the model lies in a folder of its own."""
    path = tmp_path_factory.mktemp("artifact")
    (path / "MLmodel").write_text("flavors: {}")
    beside = path / "extra_files"
    beside.mkdir()
    facts = ServingFacts(
        use_case="credit_risk", columns=COLUMNS, threshold=0.3, review_band=(0.2, 0.4), typical=fitted[0].typical,
        bounds={"PAY_0": (-2, 8), "PAY_2": (np.nan, np.nan)},
    )  # fmt: skip
    (beside / FACTS).write_text(facts.model_dump_json())
    (beside / ONNX).write_bytes(convert(fitted[0]))
    return path


@pytest.fixture(scope="module")
def scorer(folder):
    return ClassificationScorer.open(folder)


@pytest.fixture(scope="module")
def some(clients):
    """Give rows with a missing value here and there."""
    rows = clients[COLUMNS].head(100).astype(float).copy()
    rows.loc[::9, "BILL_AMT1"] = np.nan
    return rows


def test_what_is_packed_is_read_again(scorer, fitted):
    assert scorer.columns == tuple(COLUMNS)
    assert scorer.facts.typical == fitted[0].typical
    assert scorer.facts.bounds["PAY_0"] == (-2, 8)
    assert np.isnan(scorer.facts.bounds["PAY_2"]).all()


def test_scores_are_those_of_the_model_alone_and_together(scorer, some, fitted):
    expected = fitted[0].predict(some)
    assert scorer.score(some.to_numpy()) == pytest.approx(expected, abs=1e-12)
    assert scorer.score(some.to_numpy().tolist()) == pytest.approx(expected, abs=1e-12)
    alone = [scorer.score([row])[0] for row in some.to_numpy().tolist()]
    assert alone == pytest.approx(expected, abs=1e-12)
    assert scorer.score(some.to_numpy()[:0]).shape == (0,)


def test_reasons_are_those_of_batch_scoring(scorer, some, fitted):
    model = PackedModel(ModelRef(name="test", version=1, run_id="r", digest="d"), fitted[0], COLUMNS)
    for count in (3, 5):
        expected = reasons(model, some, count)
        assert sum(map(len, expected)) > 100
        assert [scorer.reasons(row, count) for row in some.to_numpy().tolist()] == expected


def test_an_explanation_is_score_decision_and_reasons_at_once(scorer, some):
    for row in some.to_numpy().tolist()[:20]:
        explained = scorer.explained(row)
        assert explained.score == pytest.approx(scorer.score([row])[0], abs=1e-12)
        assert explained.decision == scorer.decide(explained.score)
        assert explained.reasons == scorer.reasons(row)


@pytest.mark.parametrize(
    ("score", "decision"),
    [(0.0, ACCEPT), (0.2 - 1e-12, ACCEPT), (0.2, REVIEW), (0.4 - 1e-12, REVIEW), (0.4, DECLINE), (1.0, DECLINE)],
)
def test_a_score_inside_the_band_goes_to_a_person(scorer, score, decision):
    assert scorer.decide(score) == decision


def test_what_float32_cannot_hold_is_bounded_as_in_the_model(scorer, some, fitted):
    rich = some.head(5).assign(LIMIT_BAL=1e300, BILL_AMT1=-1e39)
    assert scorer.score(rich.to_numpy()) == pytest.approx(fitted[0].predict(rich), abs=1e-12)


@pytest.mark.parametrize("rows", [[[1.0, 2.0]], [[]], [1.0] * 23, np.zeros((3, len(COLUMNS) + 1))])
def test_a_row_of_another_width_is_refused(scorer, rows):
    with pytest.raises(ContractError, match="request to credit_risk: expected rows of"):
        scorer.score(rows)


@pytest.mark.parametrize("name", [ONNX, FACTS])
def test_a_folder_without_a_file_is_refused(folder, tmp_path, name):
    for path in (folder / "extra_files").iterdir():
        if path.name != name:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ArtifactError, match=f"saw no {name}"):
        ClassificationScorer.open(tmp_path)


@pytest.mark.parametrize("name", [ONNX, FACTS])
@pytest.mark.parametrize("kept", [0, 0.5])
def test_a_damaged_file_is_refused(folder, tmp_path, name, kept):
    for path in (folder / "extra_files").iterdir():
        body = path.read_bytes()
        (tmp_path / path.name).write_bytes(body[: int(kept * len(body))] if path.name == name else body)
    with pytest.raises(ArtifactError, match=r"expected model\.onnx and serving\.json of a packed classifier"):
        ClassificationScorer.open(tmp_path)


def test_serving_loads_none_of_the_libraries_of_training(folder):
    code = (
        "import sys; from pathlib import Path; from include.serving.scorers import ClassificationScorer\n"
        f"scorer = ClassificationScorer.open(Path({str(folder)!r}))\n"
        "scorer.explained([1.0] * len(scorer.columns))\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "onnxruntime" in loaded
    assert not loaded & NOT_FOR_SERVING


def test_a_row_takes_a_fraction_of_a_millisecond(scorer, some):
    rows = some.to_numpy().tolist()

    def calmest(answer):
        taken = []
        for row in rows:
            start = time.perf_counter()
            answer(row)
            taken.append(time.perf_counter() - start)
        return min(taken)

    assert calmest(lambda row: scorer.score([row])) < 0.2e-3
    assert calmest(scorer.explained) < 1e-3
