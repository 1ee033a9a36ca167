"""Layers of our own networks: settings, and their two functions of whole batches."""

from thalweg.training.network.layers.activations import GELU, Activation, ReLU, SiLU, Tanh
from thalweg.training.network.layers.category_embedding import CategoryEmbedding
from thalweg.training.network.layers.column_split import ColumnSplit
from thalweg.training.network.layers.dense import Dense
from thalweg.training.network.layers.dropout import Dropout
from thalweg.training.network.layers.layer import Arrays, Layer, Memory, Run, Shapes
from thalweg.training.network.layers.layer_norm import LayerNorm
from thalweg.training.network.layers.one_hot import OneHot
from thalweg.training.network.layers.periodic import Periodic
from thalweg.training.network.layers.piecewise_linear import PiecewiseLinear, quantile_edges
from thalweg.training.network.layers.residual import Residual
from thalweg.training.network.layers.scale import Scale

__all__ = [
    "GELU",
    "Activation",
    "Arrays",
    "CategoryEmbedding",
    "ColumnSplit",
    "Dense",
    "Dropout",
    "Layer",
    "LayerNorm",
    "Memory",
    "OneHot",
    "Periodic",
    "PiecewiseLinear",
    "ReLU",
    "Residual",
    "Run",
    "Scale",
    "Shapes",
    "SiLU",
    "Tanh",
    "quantile_edges",
]
