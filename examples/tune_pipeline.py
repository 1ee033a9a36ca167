"""Tune a scikit-learn pipeline of your own: which kernel, and with which parameters.

``gamma`` belongs to one of the kernels only, and is searched only there.

Run it: python examples/tune_pipeline.py
"""

from sklearn.datasets import load_diabetes
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

import thalweg as tw

X, y = load_diabetes(return_X_y=True, as_frame=True)
pipeline = make_pipeline(StandardScaler(), SVR())
space = {
    "svr__kernel": tw.Categorical(["linear", "rbf"]),
    "svr__C": tw.Float(0.1, 1e3, log=True),
    "svr__gamma": tw.Float(1e-4, 1.0, log=True, when={"svr__kernel": ["rbf"]}),
}

result = tw.tune(pipeline, X, y, space=space, trials=25, seed=0)

print("best:", result.best_params)
print(f"{result.scoring} by cross-validation: {result.cross_validation_score:.2f}")
print(result.holdout.table.round(3).to_string())

# The same search where GridSearchCV stood before, scored by R², as SVR is where nothing else is said:
search = tw.OptimizedSearchCV(pipeline, space, trials=25, random_state=0).fit(X, y)
print("best by R²:", search.best_params_, f"{search.best_score_:.3f}")
