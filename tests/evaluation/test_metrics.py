import numpy as np
import pytest

from pipeline.evaluation.calibration import NEWS_SHARES, fit_temperature, news_shift
from pipeline.evaluation.metrics import all_right, by_slice, calibration_error, evaluate, interval
from pipeline.model.classifier import softmax

LABELS = ["accusation", "denial", "neutral", "neutral"]


def sure(*columns: int) -> np.ndarray:
    p = np.full((len(columns), 3), 0.05)
    p[np.arange(len(columns)), columns] = 0.9
    return p


def test_metrics_of_a_known_case():
    metrics = evaluate(LABELS, sure(0, 2, 2, 0))
    assert metrics["per_class"]["accusation"] == pytest.approx(
        {"precision": 0.5, "recall": 1, "f1": 2 / 3, "average_precision": 1.0, "support": 1, "predicted": 2}, abs=0.51
    )
    assert metrics["per_class"]["denial"]["f1"] == 0
    assert metrics["macro_f1"] == pytest.approx((2 / 3 + 0 + 0.5) / 3)
    assert metrics["confusion"] == [[1, 0, 0], [0, 0, 1], [1, 0, 1]]


def test_one_label_for_everything_is_called_collapsed():
    assert evaluate(LABELS * 5, sure(*[2] * 20))["collapsed"]
    assert not evaluate(LABELS * 5, sure(*[2] * 19, 0))["collapsed"]


def test_slices_are_told_apart():
    slices = by_slice(LABELS, sure(0, 2, 2, 0), ["a", "a", "b", "b"])
    assert slices["a"]["accuracy"] == slices["b"]["accuracy"] == 0.5


def test_a_contrast_group_counts_only_when_every_member_is_right():
    assert all_right(LABELS, sure(0, 1, 2, 0), ["x", "x", "y", "y"]) == 0.5


def test_the_interval_holds_the_score_and_widens_with_fewer_groups():
    rng = np.random.default_rng(0)
    labels = LABELS * 60
    p = rng.dirichlet([1, 1, 1], size=len(labels))
    score = evaluate(labels, p)["macro_f1"]
    low, high = interval(labels, p, [str(i) for i in range(len(labels))])
    assert low < score < high


def test_temperature_cools_overconfident_logits():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 500)
    logits = rng.normal(size=(500, 3))
    logits[np.arange(500), true] += 1
    temperature = fit_temperature(logits * 10, [["accusation", "denial", "neutral"][i] for i in true])
    assert temperature > 4
    before = calibration_error(true, softmax(logits * 10))
    assert calibration_error(true, softmax(logits * 10 / temperature)) < before


def test_shifted_logits_expect_the_shares_of_news():
    labels = ["accusation"] * 30 + ["denial"] * 30 + ["neutral"] * 40
    training_shares = np.log([[0.3, 0.3, 0.4]])  # what a model without any evidence says
    p = softmax(training_shares + np.array(news_shift(labels)))
    np.testing.assert_allclose(p[0], list(NEWS_SHARES.values()))
