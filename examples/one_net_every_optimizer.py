"""Train one small net by every kind of optimizer: along gradients, along noisy gradients, by populations.

    python examples/one_net_every_optimizer.py

The weights of a PyTorch module are one vector, and the mean loss a function of it. Two interleaved half circles are to be
told apart. Another optimizer is one more line in the list. It needs PyTorch: pip install "thalweg[torch]".
"""

import time

import torch
from sklearn.datasets import make_moons
from torch import nn

import thalweg as tw
from thalweg.optimizers import AdamW, SeparableCovariance

MINIBATCHES, POPULATION = {"batch_size": 50}, {"radius": 2.0}
RUNS = (  # what it is called, the optimizer, what its problem needs, evaluations
    ("L-BFGS", tw.LBFGS(), {}, 300),
    ("Newton-CG", tw.NewtonCG(), {}, 300),
    ("gradient descent", tw.GradientDescent(), {}, 300),
    ("stochastic gradient descent", tw.GradientDescent(), MINIBATCHES, 900),
    ("AdamW", tw.GradientDescent(rule=AdamW()), MINIBATCHES, 900),
    ("particle swarm", tw.ParticleSwarm(), POPULATION, 5000),
    ("genetic algorithm", tw.GeneticAlgorithm(), POPULATION, 5000),
    ("CMA-ES, separable", tw.CMAES(sigma=0.05, covariance=SeparableCovariance()), POPULATION, 5000),
    ("Nelder-Mead", tw.NelderMead(), POPULATION, 1000),
    ("random search", tw.RandomSearch(), POPULATION, 5000),
)


def main() -> None:
    torch.set_num_threads(1)  # two would wait for each other longer than they work
    X, y = (torch.tensor(part) for part in make_moons(600, noise=0.2, random_state=0))
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 2)).double()

    print("optimizer                      loss  accuracy  evaluations  seconds")
    for name, optimizer, needs, evaluations in RUNS:
        net = tw.ModuleProblem(module, nn.CrossEntropyLoss(), X[:300], y[:300], **needs)
        started = time.perf_counter()
        result = tw.minimize(net.problem, optimizer=optimizer, initial=[net.initial], evaluations=evaluations, seed=0)
        seconds = time.perf_counter() - started
        trained = net.module(result.recommended if net.problem.minibatches else result.best.params)
        with torch.no_grad():
            loss = nn.functional.cross_entropy(trained(X[:300]), y[:300])
            accuracy = (trained(X[300:]).argmax(dim=1) == y[300:]).float().mean()  # on rows that were not seen
        print(f"{name:28s} {loss:.4f}    {accuracy:.3f}      {len(result.trials):7,d}   {seconds:6.2f}")


if __name__ == "__main__":
    main()
