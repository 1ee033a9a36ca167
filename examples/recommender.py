"""Recommend films: matrix factorization whose penalty is learned, beside the same model in a plain loop with Adam.

    python examples/recommender.py [--data FOLDER]

Every user and every film has a bias and a vector of taste: rating ≈ μ + b_u + b_i + p_u·q_i. Most have few ratings, so
the numbers must be held back, and how strongly is as a rule tried out. Here each is a normal distribution instead,
N(m, s²), before a prior N(0, σ²); m, s, the σ of each column and the noise of the ratings are all learned, by maximizing a
lower bound of the likelihood of what was seen (Y. J. Lim, Y. W. Teh, "Variational Bayesian approach to movie rating
prediction", KDD Cup 2007). What is known by few ratings stays near the prior: nobody sets a penalty, or the learning rate.
It needs PyTorch: pip install "thalweg[torch]".
"""

import time

import numpy as np
import real_data
import torch
from sklearn.model_selection import train_test_split
from torch import nn

import thalweg as tw
from thalweg.optimizers.rules import Adam
from thalweg.training.torch import Recipe, fit_module

TASTES, EPOCHS, SIZE = 16, 20, 512


class Side(nn.Module):
    """The users, or the films: a bias and tastes of each, as normal distributions."""

    def __init__(self, counts, deviation, learned):
        super().__init__()
        self.register_buffer("counts", counts)  # (n,) ratings of each
        self.mean = nn.Embedding(len(counts), 1 + TASTES)
        self.log_deviation = nn.Embedding(len(counts), 1 + TASTES)
        self.log_prior = nn.Parameter(torch.full((1 + TASTES,), deviation).log(), requires_grad=learned)
        nn.init.normal_(self.mean.weight, std=deviation)
        nn.init.constant_(self.log_deviation.weight, -2.0)

    def forward(self, rows):
        """Give means and variances, (n, 1 + TASTES), and the divergence from the prior, shared among the ratings."""
        mean, s, prior = self.mean(rows), self.log_deviation(rows), self.log_prior
        divergence = prior - s + ((2 * (s - prior)).exp() + mean.square() * (-2 * prior).exp() - 1) / 2
        return mean, (2 * s).exp(), divergence.sum(1) / self.counts[rows]


class Factorization(nn.Module):
    def __init__(self, users, items, average):
        super().__init__()
        self.users = Side(users, 1.0, learned=False)  # only products count, so that one of the two scales is free
        self.items = Side(items, 0.1, learned=True)
        self.average, self.log_noise = nn.Parameter(torch.tensor(average)), nn.Parameter(torch.tensor(0.0))

    def forward(self, users, items):
        (p, v, first), (q, w, second) = self.users(users), self.items(items)
        rating = self.average + p[:, 0] + q[:, 0] + (p[:, 1:] * q[:, 1:]).sum(1)
        variance = v[:, 0] + w[:, 0] + (v * w + v * q**2 + w * p**2)[:, 1:].sum(1)
        return rating, variance, first + second, self.log_noise


def bound(output, target):
    """Minus the expected log-likelihood of each rating, and its share of the divergence."""
    rating, variance, divergence, log_noise = output
    return ((target - rating) ** 2 + variance) / 2 * (-2 * log_noise).exp() + log_noise + divergence


def main(folder=real_data.FOLDER, seed=0):
    users, items, ratings, described = real_data.ratings(folder)
    print(described)
    train, test = train_test_split(np.arange(len(ratings)), test_size=0.1, random_state=seed)
    users, items, ratings = torch.tensor(users), torch.tensor(items), torch.tensor(ratings)
    counts = [torch.bincount(side[train], minlength=side.max() + 1).clamp(min=1) for side in (users, items)]

    def fresh():
        torch.manual_seed(seed)
        return Factorization(*counts, float(ratings[train].mean()))

    def rows(k):
        return (users[train[k]], items[train[k]]), ratings[train[k]]

    def judged(name, model, start):
        seconds = time.perf_counter() - start
        with torch.no_grad():
            error = model(users[test], items[test])[0].clamp(0.5, 5) - ratings[test]
        rmse = float(error.square().mean().sqrt())
        print(f"{name:20s} {rmse:.4f} root mean squared error on {len(test):,} new ratings, {seconds:.0f} s")
        return rmse, seconds

    model, start = fresh(), time.perf_counter()
    batches = tw.Minibatches.of(rows, rows=len(train), size=SIZE, seed=seed)
    result = fit_module(model, bound, batches, recipe=Recipe(Adam(), epochs=EPOCHS), seed=seed)
    ours = judged("penalty learned", model, start)
    print(f"its learning rate    {result.learning_rate:.2g}: {result.learning_rate_reason}")

    plain, start = fresh(), time.perf_counter()
    nn.init.normal_(plain.users.mean.weight, std=0.1)  # without a penalty, large tastes would never become small
    optimizer = torch.optim.Adam(plain.parameters())
    for k in range(EPOCHS * batches.batches_per_epoch):
        inputs, targets = batches.at(k)
        optimizer.zero_grad()
        (plain(*inputs)[0] - targets).square().mean().backward()
        optimizer.step()
    peer = judged("Adam(), no penalty", plain, start)
    return {"factorization, penalty learned": ours, "PyTorch: the same, Adam() and no penalty": peer}


if __name__ == "__main__":
    torch.set_num_threads(1)  # for so small a network a second one gains nothing, and on a busy machine costs much
    main(real_data.folder_asked_for(__doc__))
