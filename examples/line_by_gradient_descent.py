"""The first program of every introduction: find the line y = 2x + 1 again, from noisy points, by gradient descent.

    python examples/line_by_gradient_descent.py

The model is ŷ = w x + b, the loss the mean of (ŷ − y)², and the gradient the mean of 2 (ŷ − y) x and of 2 (ŷ − y).
Every step goes a little against the gradient, so the loss falls at every step as long as the learning rate is below
2/L, L being the largest curvature of the loss.
"""

import numpy as np

import thalweg as tw

STEPS = 200


def main() -> None:
    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, size=100)
    y = 2 * x + 1 + random.normal(scale=0.1, size=100)

    def loss(theta):
        w, b = theta
        return np.mean((w * x + b - y) ** 2)

    def gradient(theta):
        w, b = theta
        error = w * x + b - y
        return np.array([2 * np.mean(error * x), 2 * np.mean(error)])

    tw.check_gradient(loss, gradient, [0.5, -0.5])  # a wrong sign or a forgotten term would be named here

    result = tw.minimize(
        loss, tw.Box(dim=2), gradient=gradient, optimizer=tw.GradientDescent(learning_rate=0.3), evaluations=STEPS
    )
    losses = result.to_frame()["value"].to_numpy()
    for step in (0, 1, 2, 5, 10, 20, 50, len(losses) - 1):
        print(f"step {step:3d}   loss {losses[step]:.6f}")

    w, b = result.best.params
    exact = np.polynomial.Polynomial.fit(x, y, 1).convert().coef[::-1]
    print(f"gradient descent   y = {w:.6f} x + {b:.6f}   ({result.stop_reason})")
    print(f"exact              y = {exact[0]:.6f} x + {exact[1]:.6f}")


if __name__ == "__main__":
    main()
