from thalweg.optimizers.evolution.cma import FullCovariance as FullCovariance
from thalweg.optimizers.evolution.cma import SeparableCovariance as SeparableCovariance
from thalweg.optimizers.evolution.cma_es import CMAES as CMAES
from thalweg.optimizers.evolution.differential_evolution import DifferentialEvolution as DifferentialEvolution
from thalweg.optimizers.evolution.genetic_algorithm import GeneticAlgorithm as GeneticAlgorithm
from thalweg.optimizers.evolution.genetic_algorithm import GeneticState as GeneticState
from thalweg.optimizers.evolution.nsga2 import NSGA2 as NSGA2
from thalweg.optimizers.evolution.nsga2 import NSGA2State as NSGA2State
