"""Networks for tables, by our own backpropagation: whole batches, in NumPy."""

from thalweg.training.network.backpropagation import Batch, learn, mean_loss
from thalweg.training.network.classifier import MLPClassifier
from thalweg.training.network.fit import FitState, Plan, fit_network
from thalweg.training.network.network import Network
from thalweg.training.network.regressor import MLPRegressor

__all__ = ["Batch", "FitState", "MLPClassifier", "MLPRegressor", "Network", "Plan", "fit_network", "learn", "mean_loss"]
