"""Small tables of every kind, for all tests of tuning."""

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def houses():
    """Give a table of numbers, missing cells and categories, and a price with noise."""
    generator = np.random.default_rng(0)
    rooms, age = generator.uniform(1, 9, 90), generator.uniform(0, 50, 90)
    town = generator.choice(["Bern", "Chur", "Sion"], 90)
    price = 30 * rooms - age + np.where(town == "Bern", 60.0, 0.0) + generator.normal(0, 8, 90)
    age[::11] = np.nan
    return pd.DataFrame({"rooms": rooms, "age": age, "town": town, "price": price})


@pytest.fixture(scope="session")
def letters():
    """Give an array of three features and three classes with names."""
    generator = np.random.default_rng(1)
    X = generator.normal(size=(90, 3))
    return X, np.array(["a", "b", "c"])[np.digitize(X[:, 0] + 0.3 * X[:, 1], [-0.5, 0.5])]
