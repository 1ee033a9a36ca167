"""Linear models, as estimators of scikit-learn's kind."""

from thalweg.training.linear.classification import LinearClassifier, LogisticRegression
from thalweg.training.linear.regression import GeneralizedLinearRegressor, LinearRegression

__all__ = ["GeneralizedLinearRegressor", "LinearClassifier", "LinearRegression", "LogisticRegression"]
