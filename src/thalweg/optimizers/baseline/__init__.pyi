from thalweg.optimizers.baseline.grid_search import GridSearch as GridSearch
from thalweg.optimizers.baseline.grid_search import GridState as GridState
from thalweg.optimizers.baseline.nelder_mead import NelderMead as NelderMead
from thalweg.optimizers.baseline.random_search import RandomSearch as RandomSearch
from thalweg.optimizers.baseline.random_search import RandomState as RandomState
from thalweg.optimizers.baseline.sobol_search import SobolSearch as SobolSearch
from thalweg.optimizers.baseline.sobol_search import SobolState as SobolState
