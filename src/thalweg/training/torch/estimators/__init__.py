"""Estimators for scikit-learn's users, around any module."""

from thalweg.training.torch.estimators.classifier import NeuralNetClassifier
from thalweg.training.torch.estimators.regressor import NeuralNetRegressor

__all__ = ["NeuralNetClassifier", "NeuralNetRegressor"]
