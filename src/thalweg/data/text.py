"""Free text as a few numbers, by latent semantic analysis."""

from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.pipeline import make_pipeline

__all__ = ["TextEncoder"]

_BUCKETS = 2**14


@final
class TextEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Encode one column of text by latent semantic analysis over character trigrams.

    Trigrams are hashed, counted, weighted by ``(1 + log count) · idf``, and projected on the leading right
    singular vectors of the training rows' matrix. By hashing there is no vocabulary to store, or to be empty.

    Args:
        width: Number of singular vectors, at most the number of training rows.

    References:
        S. Deerwester et al. (1990). Indexing by latent semantic analysis. JASIS 41(6), 391-407.

    Example:
        >>> TextEncoder(width=2).fit_transform(["a white house", "a black house", "two boats"]).shape
        (3, 2)
    """

    def __init__(self, width: int = 40) -> None:
        """Keep the settings."""
        self.width = width

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn weights and singular vectors from texts (n,)."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> NDArray[np.float32]:
        """Learn from texts (n,) and encode them as (n, width)."""
        trigrams = HashingVectorizer(
            analyzer="char_wb",
            ngram_range=(3, 3),
            n_features=_BUCKETS,
            alternate_sign=False,
            dtype=np.float32,
        )
        projection = TruncatedSVD(self.width, random_state=0)
        self.steps_ = make_pipeline(trigrams, TfidfTransformer(sublinear_tf=True), projection)
        return np.asarray(self.steps_.fit_transform(X))

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Encode texts (n,) as (n, width)."""
        return np.asarray(self.steps_.transform(X))

    def get_feature_names_out(self, input_features: Any) -> NDArray[np.object_]:
        """Name the columns after the text's column and their rank."""
        return np.array([f"{input_features[0]}_{rank}" for rank in range(self.width)], dtype=object)
