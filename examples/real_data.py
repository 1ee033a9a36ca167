"""The data of the examples on pictures, messages and ratings: real where a folder of it is at hand, else smaller stand-ins.

The folder is the argument ``--data`` of an example, or ``$THALWEG_SHARED_DATA``, or ``shared/data`` beside the repository.
It may hold mnist-10k-images-idx3-ubyte.gz and mnist-10k-labels-idx1-ubyte.gz (http://yann.lecun.com/exdb/mnist),
sms-spam.tsv (https://archive.ics.uci.edu/dataset/228, by T. Almeida and J. Hidalgo, CC BY 4.0; 400 lines of it are in
data/sms-spam-small.tsv) and movielens-small-ratings.csv (https://grouplens.org/datasets/movielens).
"""

import argparse
import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

HERE = Path(__file__).parent
FOLDER = Path(os.environ.get("THALWEG_SHARED_DATA", HERE.parents[1] / "shared" / "data"))


def folder_asked_for(description):
    """Read the command line of an example."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--data", default=FOLDER, metavar="FOLDER", help="where the real data is")
    return parser.parse_args().data


def digits(folder):
    """Give handwritten digits, (n, 1, 28, 28) from 0 to 1, their labels (n,), and what they are."""
    images, labels = (Path(folder) / f"mnist-10k-{name}-ubyte.gz" for name in ("images-idx3", "labels-idx1"))
    if images.exists():
        pixels = np.frombuffer(gzip.decompress(images.read_bytes()), np.uint8, offset=16).reshape(-1, 1, 28, 28)
        numbers = np.frombuffer(gzip.decompress(labels.read_bytes()), np.uint8, offset=8)
        return pixels.astype(np.float32) / 255, numbers.astype(np.int64), "10,000 digits of MNIST"
    small, numbers = load_digits(return_X_y=True)
    pixels = np.kron(small.reshape(-1, 1, 8, 8) / 16, np.ones((3, 3)))  # 8 × 8 pixels, enlarged and framed
    pixels = np.pad(pixels, ((0, 0), (0, 0), (2, 2), (2, 2))).astype(np.float32)
    return pixels, numbers, f"MNIST is not in {folder}: {len(small):,} small digits of scikit-learn"


def messages(folder):
    """Give different text messages, whether each is spam, and what they are."""
    path, described = Path(folder) / "sms-spam.tsv", ""
    if not path.exists():
        described, path = f"the messages are not in {folder}: ", HERE / "data" / "sms-spam-small.tsv"
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    lines = [line.split("\t", 1) for line in dict.fromkeys(lines)]  # a message sent twice could be learned by heart
    return (
        [text for _, text in lines],
        np.array([label == "spam" for label, _ in lines]),
        described + f"{len(lines):,} different text messages",
    )


def ratings(folder):
    """Give numbers of users and of films, (n,) each, from 0, the ratings (n,), and what they are."""
    path = Path(folder) / "movielens-small-ratings.csv"
    if path.exists():
        table = pd.read_csv(path)
        users, items = (pd.factorize(table.iloc[:, column])[0] for column in (0, 1))
        return users, items, table["rating"].to_numpy(np.float32), f"{len(table):,} ratings of MovieLens"
    random = np.random.default_rng(0)
    users, items = np.divmod(random.choice(300 * 200, size=12_000, replace=False), 200)
    bias = 0.4 * random.normal(size=300)[users] + 0.4 * random.normal(size=200)[items]
    taste = (random.normal(size=(300, 3))[users] * random.normal(size=(200, 3))[items]).sum(axis=1)
    values = 3.5 + bias + 0.4 * taste + 0.5 * random.normal(size=len(users))
    values = np.clip(np.round(2 * values) / 2, 0.5, 5).astype(np.float32)
    return users, items, values, f"MovieLens is not in {folder}: {len(users):,} ratings made up of three tastes"
