from thalweg.training.objective import LinearObjective as LinearObjective
