"""The three uses, pictures, messages and ratings: what their examples promise, on real data and on what is bundled."""

import importlib
from pathlib import Path

import pytest
import torch
from torch.distributions import Normal, kl_divergence

EXAMPLES = Path(__file__).parents[1] / "examples"
NOWHERE = "/a/folder/that/is/not/there"


@pytest.fixture
def example(monkeypatch):
    """Give an example by its name, as a module; it finds its neighbour as a program does."""
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module


@pytest.mark.timeout(300)
def test_digits_of_mnist(example, shared_data):
    figures = example("image_recognition").main(shared_data)
    assert figures["convolutional network"][0] >= 0.985
    assert figures["convolutional network"][0] > figures["scikit-learn: MLPClassifier()"][0]


def test_messages(example, shared_data):
    linear, network, defaults = (f1 for f1, _ in example("spam").main(shared_data).values())
    assert linear >= 0.95 and network >= 0.95
    assert min(linear, network) > defaults


def test_ratings_of_movielens(example, shared_data):
    learned, plain = (error for error, _ in example("recommender").main(shared_data).values())
    assert learned <= 0.875
    assert learned < plain


def test_digits_that_are_bundled(example, capsys):
    figures = example("image_recognition").main(NOWHERE)
    assert figures["convolutional network"][0] >= 0.98
    text = capsys.readouterr().out
    assert f"MNIST is not in {NOWHERE}" in text and "its learning rate" in text


def test_messages_that_are_bundled(example, capsys):
    linear, network, _ = (f1 for f1, _ in example("spam").main(NOWHERE).values())
    assert linear >= 0.85 and network >= 0.85
    assert f"the messages are not in {NOWHERE}" in capsys.readouterr().out


def test_ratings_that_are_made_up(example, capsys):
    learned, plain = (error for error, _ in example("recommender").main(NOWHERE).values())
    assert learned < 0.65 < plain  # noise of 0.5, and ratings in halves
    assert f"MovieLens is not in {NOWHERE}" in capsys.readouterr().out


def test_pictures_move_only_while_learning(example):
    shift, images = example("image_recognition").Shift(2), torch.rand(2, 1, 8, 8)
    assert torch.equal(shift.eval()(images), images)
    torch.manual_seed(0)
    moved = [shift.train()(images) for _ in range(20)]
    assert any(not torch.equal(image, images) for image in moved)
    assert all(torch.allclose(image.sum((2, 3)), images.sum((2, 3))) for image in moved)


def test_pieces_of_words_are_numbered_alike_in_every_process(example):
    codes = example("spam").hashed(["ab", "b"])
    assert codes.shape == (2, 512)
    assert (codes > 0).sum(axis=1).tolist() == [9, 5]  # of " ab " and " b ": all pieces of 1 to 4 characters, once
    assert set(codes[1][codes[1] > 0]) & set(codes[0])


def test_the_bound_is_that_of_the_likelihood(example):
    """E[−ln N(rating; p·q, noise²)] by drawing from the posterior, and its divergence from the prior by PyTorch's."""
    recommender = example("recommender")
    torch.manual_seed(0)
    model = recommender.Factorization(torch.tensor([2.0, 4.0]), torch.tensor([1.0, 5.0]), 3.5)
    users, items, ratings = torch.tensor([0, 1]), torch.tensor([1, 1]), torch.tensor([4.0, 2.5])
    found = recommender.bound(model(users, items), ratings)

    draws, expected = 400_000, 0.0
    sides = []
    for side, rows in ((model.users, users), (model.items, items)):
        posterior = Normal(side.mean(rows), side.log_deviation(rows).exp())
        expected = expected + kl_divergence(posterior, Normal(0.0, side.log_prior.exp())).sum(1) / side.counts[rows]
        sides.append(posterior.sample((draws,)))
    p, q = sides
    rating = 3.5 + p[..., 0] + q[..., 0] + (p[..., 1:] * q[..., 1:]).sum(-1)
    expected = expected + (ratings - rating).square().mean(0) / 2  # noise 1, and without the constant
    assert torch.allclose(found, expected, rtol=0.01)
