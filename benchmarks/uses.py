"""Three uses on real data: pictures, messages, ratings; what Thalweg reaches by itself, and its peers by their defaults.

    python benchmarks/uses.py [--seeds 3] [--data FOLDER] > benchmarks/results/uses.md

Runs the programs examples/image_recognition.py, examples/spam.py and examples/recommender.py for several seeds, each of
which divides the data anew; and the convolutional network of the first once more in a plain loop of PyTorch, with Adam and
its rate of 0.001. Learning rates and penalties are chosen by Thalweg. The exit code is 1 where a target is missed.
"""

import argparse
import contextlib
import io
import os
import statistics
import sys
import time
from pathlib import Path

import torch
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
import image_recognition
import real_data
import recommender
import spam


def pictures(folder, seed):
    figures = image_recognition.main(folder, seed)
    return figures | {"PyTorch: the same network, Adam(), constant rate": plain_loop(folder, seed)}


def plain_loop(folder, seed, epochs=10, size=64):
    """Train the network of the example as the first page of PyTorch's tutorials does."""
    images, labels, _ = real_data.digits(folder)
    X, X_test, y, y_test = map(
        torch.tensor, train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=seed)
    )
    torch.manual_seed(seed)
    start = time.perf_counter()
    network, loss = image_recognition.net(1, 10), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(network.parameters())
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(size):
            optimizer.zero_grad()
            loss(network(X[rows]), y[rows]).backward()
            optimizer.step()
    seconds = time.perf_counter() - start
    with torch.no_grad():
        right = network.eval()(X_test).argmax(dim=1) == y_test
    return float(right.float().mean()), seconds


USES = (  # title, program, a figure's name, which is good, the target, and how many methods are Thalweg's
    ("Image recognition: 10,000 digits of MNIST, 8,000 to learn from", pictures, "accuracy", max, 0.985, 1),
    ("Language: 5,171 different text messages, three quarters to learn from", spam.main, "F1 of spam", max, 0.95, 2),
    ("Recommender: 100,836 ratings of MovieLens, nine tenths to learn from", recommender.main, "RMSE", min, 0.875, 1),
)


def main(folder, seeds):
    print("# Three uses (`python benchmarks/uses.py`)\n")
    print(
        f"{seeds} seeds, each with its own division of the data; medians, and the worst. Seconds are those of learning,"
    )
    print(
        f"the choice of rate or penalty included, with {torch.get_num_threads()} thread(s) on {os.cpu_count()} processors."
    )
    missed = False
    for title, program, figure, better, target, own in USES:
        with contextlib.redirect_stdout(io.StringIO()):
            runs = [program(folder, seed) for seed in range(seeds)]
        worse = min if better is max else max
        print(f"\n## {title}\n\n| | {figure} | worst | seconds |\n|---|---:|---:|---:|")
        for number, name in enumerate(runs[0]):
            figures, seconds = zip(*(run[name] for run in runs), strict=True)
            shown = f"**{name}**" if number < own else name
            middle = statistics.median(figures)
            print(f"| {shown} | {middle:.4f} | {worse(figures):.4f} | {statistics.median(seconds):.1f} |")
            missed |= number < own and better(middle, target) != middle
        print(f"\nTarget: {figure} {'≥' if better is max else '≤'} {target}.")
    return int(missed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", default=real_data.FOLDER, type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # as the programs do
    with threadpool_limits(1):  # and their peers shall not wait for a busy processor either
        sys.exit(main(arguments.data, arguments.seeds))
