"""A classifier that wants its classes called 0, 1, …, K - 1, for labels of any kind."""

from typing import Any, Self, final

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

__all__ = ["LabelCoder"]


@final
class LabelCoder(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Give a classifier the positions of labels in their sorted order, and give back the labels.

    Args:
        classifier: The classifier, left as it is; a clone of it is fitted.

    Attributes:
        classes_: The K labels, sorted.
        classifier_: The fitted clone.

    Example:
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> LabelCoder(DecisionTreeClassifier()).fit([[0.0], [1.0]], ["no", "yes"]).predict([[0.9]]).tolist()
        ['yes']
    """

    def __init__(self, classifier: Any) -> None:
        """Keep the classifier."""
        self.classifier = classifier

    def fit(self, X: Any, y: Any) -> Self:
        """Fit a clone of the classifier to the positions of the labels y (n,)."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.classifier_ = clone(self.classifier).fit(X, codes)
        return self

    def predict(self, X: Any) -> Any:
        """Give the label of each row (n,)."""
        check_is_fitted(self)
        return self.classes_[np.asarray(self.classifier_.predict(X), dtype=np.int64)]

    def predict_proba(self, X: Any) -> Any:
        """Give the probability of each label (n, K)."""
        check_is_fitted(self)
        return self.classifier_.predict_proba(X)

    def __sklearn_tags__(self) -> Any:
        """Take what the classifier takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags = self.classifier.__sklearn_tags__().input_tags
        return tags
