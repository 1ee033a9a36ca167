"""Layers of our own networks: settings, and their two functions of whole batches."""

from thalweg.training.network.layers.activations import Activation, ReLU
from thalweg.training.network.layers.dense import Dense
from thalweg.training.network.layers.layer import Arrays, Layer, Memory, Run, Shapes

__all__ = ["Activation", "Arrays", "Dense", "Layer", "Memory", "ReLU", "Run", "Shapes"]
