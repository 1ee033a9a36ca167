"""Running a search: the loop, its budget, its trials, where they are evaluated and where they are kept."""

from thalweg.study.budget import Budget
from thalweg.study.events import Event, Observer, RunStarted, RunStopped, TrialsFinished, TrialsStarted
from thalweg.study.executors import Executor, Processes, Serial
from thalweg.study.loop import run
from thalweg.study.minimize import choose_executor, minimize
from thalweg.study.result import Result
from thalweg.study.storage import Storage, open_storage
from thalweg.study.study import Batch, Study
from thalweg.study.trial import Trial, Trials

__all__ = [
    "Batch",
    "Budget",
    "Event",
    "Executor",
    "Observer",
    "Processes",
    "Result",
    "RunStarted",
    "RunStopped",
    "Serial",
    "Storage",
    "Study",
    "Trial",
    "Trials",
    "TrialsFinished",
    "TrialsStarted",
    "choose_executor",
    "minimize",
    "open_storage",
    "run",
]
