"""Fit, predict, judge and draw: y = 4 + 3x + noise, by the exact solution, by gradient descent and by SGD.

    python examples/linear_regression.py [picture.png]

All three minimize the same mean squared error. The exact solution needs one look at the data. Gradient descent comes as
close as its tolerance asks; stochastic gradient descent sees a few rows at a time, and agrees to the digits that the noise
leaves. No learning rate is set by hand. The picture needs matplotlib: pip install "thalweg[plot]".
"""

import sys

import numpy as np
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

import thalweg as tw

SOLVERS = ("exact", "gradient_descent", "sgd")


def main(picture: str = "") -> None:
    random = np.random.default_rng(0)
    X = random.uniform(0, 2, size=(1000, 1))
    y = 4 + 3 * X[:, 0] + random.normal(size=1000)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)

    print("solver             intercept      slope   mean squared error on new rows")
    for solver in SOLVERS:
        model = tw.LinearRegression(solver=solver).fit(X_train, y_train)
        error = mean_squared_error(y_test, model.predict(X_test))
        print(f"{solver:16s}  {model.intercept_:10.6f} {model.coef_[0]:10.6f}   {error:.6f}")
    print(f"the noise alone has a mean square of {np.mean((y_test - 4 - 3 * X_test[:, 0]) ** 2):.6f}")
    if picture:
        draw(model, X_test, y_test, picture)


def draw(model: tw.LinearRegression, X: np.ndarray, y: np.ndarray, picture: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    axes.scatter(X[:, 0], y, s=12, alpha=0.6, label="new rows")
    ends = np.array([[X.min()], [X.max()]])
    line = f"y = {model.intercept_:.2f} + {model.coef_[0]:.2f} x"
    axes.plot(ends[:, 0], model.predict(ends), color="black", label=line)
    axes.set(xlabel="x", ylabel="y")
    axes.legend()
    figure.savefig(picture, dpi=120)
    pyplot.close(figure)
    print(f"drawn: {picture}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
