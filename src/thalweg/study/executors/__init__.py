"""Where trials are evaluated: in this process, or in processes beside it."""

from thalweg.study.executors.base import Executor, Lost, Pool, Task
from thalweg.study.executors.processes import Processes
from thalweg.study.executors.serial import Serial

__all__ = ["Executor", "Lost", "Pool", "Processes", "Serial", "Task"]
