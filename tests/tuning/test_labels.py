import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.utils import get_tags

from thalweg.tuning.labels import LabelCoder


def test_it_predicts_as_the_classifier_does_by_itself(letters):
    X, y = letters
    alone, coded = LogisticRegression().fit(X, y), LabelCoder(LogisticRegression()).fit(X, y)
    assert coded.classes_.tolist() == ["a", "b", "c"]
    assert np.array_equal(coded.predict(X), alone.predict(X))
    assert np.allclose(coded.predict_proba(X), alone.predict_proba(X))


def test_it_leaves_the_classifier_unfitted(letters):
    inner = LogisticRegression()
    LabelCoder(inner).fit(*letters)
    assert not hasattr(inner, "classes_")


def test_it_takes_what_the_classifier_takes():
    assert get_tags(LabelCoder(HistGradientBoostingClassifier())).input_tags.allow_nan
    assert not get_tags(LabelCoder(LogisticRegression())).input_tags.allow_nan


def test_unfitted_it_says_so(letters):
    with pytest.raises(NotFittedError):
        LabelCoder(LogisticRegression()).predict(letters[0])
