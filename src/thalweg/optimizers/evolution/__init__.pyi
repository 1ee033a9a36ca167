from thalweg.optimizers.evolution.cma import FullCovariance as FullCovariance
from thalweg.optimizers.evolution.cma import SeparableCovariance as SeparableCovariance
from thalweg.optimizers.evolution.cma_es import CMAES as CMAES
from thalweg.optimizers.evolution.genetic_algorithm import GeneticAlgorithm as GeneticAlgorithm
from thalweg.optimizers.evolution.genetic_algorithm import GeneticState as GeneticState
