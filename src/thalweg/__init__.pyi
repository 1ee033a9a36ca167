import thalweg.errors as errors
from thalweg.data import read_table as read_table
from thalweg.optimizers import Auto as Auto
from thalweg.optimizers import BayesianOptimization as BayesianOptimization
from thalweg.optimizers import GeneticAlgorithm as GeneticAlgorithm
from thalweg.optimizers import GradientDescent as GradientDescent
from thalweg.optimizers import GridSearch as GridSearch
from thalweg.optimizers import Optimizer as Optimizer
from thalweg.optimizers import ParticleSwarm as ParticleSwarm
from thalweg.optimizers import RandomSearch as RandomSearch
from thalweg.optimizers import SobolSearch as SobolSearch
from thalweg.problem import Minibatches as Minibatches
from thalweg.problem import Problem as Problem
from thalweg.space import Box as Box
from thalweg.space import Categorical as Categorical
from thalweg.space import Float as Float
from thalweg.space import Int as Int
from thalweg.space import Space as Space
from thalweg.study import Budget as Budget
from thalweg.study import Processes as Processes
from thalweg.study import Result as Result
from thalweg.study import Serial as Serial
from thalweg.study import Study as Study
from thalweg.study import Trial as Trial
from thalweg.study import minimize as minimize
from thalweg.tuning import OptimizedSearchCV as OptimizedSearchCV
from thalweg.tuning import TuningResult as TuningResult
from thalweg.tuning import tune as tune

__version__: str
