"""The laws of a storage, for pytest: every storage keeps them, Thalweg's own and yours."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import loky
import numpy as np
import pytest

from thalweg.arrays import AnyArray
from thalweg.errors import StudyNotFound
from thalweg.problem import Candidates, Evaluations, Status
from thalweg.study.storage import StaleRevision, Storage

__all__ = ["DurableStorageLaws", "StorageLaws"]

SHAPE = (3, 2, 1)


class StorageLaws(ABC):
    """Derive from it, say how your storage is opened, and pytest runs the laws.

    Example::

        class TestMyStorage(DurableStorageLaws):  # or StorageLaws, where nothing outlives the process
            def open(self, folder):
                return MyStorage(folder / "runs")
    """

    @abstractmethod
    def open(self, folder: Path) -> Storage:
        """Open the storage that lives in a folder, an empty one where nothing lives there yet."""

    @pytest.fixture
    def storage(self, tmp_path: Path) -> Iterator[Storage]:
        """Open an empty storage."""
        storage = self.open(tmp_path)
        yield storage
        storage.close()

    @pytest.fixture
    def study(self, storage: Storage) -> Storage:
        """Open a storage with a study named "sand"."""
        assert storage.create("sand", {"seed": 1}, SHAPE, (0,))
        return storage

    def test_a_name_is_created_once(self, study: Storage) -> None:
        """The second to create a name changes nothing."""
        assert not study.create("sand", {"seed": 2}, (1, 1, 0), (9,))
        record = study.read("sand")
        assert (record.settings, record.shape, record.state) == ({"seed": 1}, SHAPE, (0,))

    def test_a_new_study_is_empty(self, study: Storage) -> None:
        """It begins at revision 0, without trials."""
        record = study.read("sand")
        assert (record.name, record.revision, record.asked, record.finished) == ("sand", 0, 0, 0)
        assert (record.notes, record.seconds) == ({}, 0.0)
        assert abs(record.created - time.time()) < 3600
        assert study.running("sand") == {}
        trials = study.trials("sand")
        assert len(trials) == 0
        assert trials.candidates.x.shape == (0, 3)
        assert trials.value.shape == (0, 2)
        assert trials.violation.shape == (0, 1)

    def test_names_stand_in_the_order_of_creation(self, storage: Storage) -> None:
        """Whatever the alphabet says."""
        assert storage.names() == []
        for name in ("sand", "clay", "a name with spaces, 'quotes' and ∂"):
            storage.create(name, {}, SHAPE, None)
        assert storage.names() == ["sand", "clay", "a name with spaces, 'quotes' and ∂"]

    def test_settings_come_back_as_json(self, storage: Storage) -> None:
        """And later changes of the caller's objects do not reach the storage."""
        settings = {"space": {"x": [0.1, 1e-300, True, None, "é"]}, "empty": {}}
        storage.create("sand", settings, SHAPE, None)
        settings["space"] = {}
        assert storage.read("sand").settings == {"space": {"x": [0.1, 1e-300, True, None, "é"]}, "empty": {}}

    def test_an_unknown_study_is_refused_by_every_method(self, study: Storage) -> None:
        """The error names those that exist."""
        nothing = points(0)
        calls: list[Callable[[], object]] = [
            lambda: study.read("silt"),
            lambda: study.ask("silt", 0, None, nothing, "w", 0.0),
            lambda: study.tell("silt", 0, None, [], results(nothing), 0.0),
            lambda: study.trials("silt"),
            lambda: study.running("silt"),
            lambda: study.claim("silt", [], [], "w"),
            lambda: study.note("silt", a=1),
        ]
        for call in calls:
            with pytest.raises(StudyNotFound, match="'sand'"):
                call()

    def test_every_bit_comes_back(self, study: Storage) -> None:
        """NaN, infinities, −0.0 and the smallest numbers too; columns of one kind or mixed."""
        odd = [np.nan, np.inf, -np.inf, -0.0, 5e-324, 1 / 3, 2.0**53 + 2, -1e308]
        n = len(odd)
        asked = Candidates(
            np.array([[value, -value, 1.0] for value in odd]), np.arange(3 * n).reshape(n, 3) % 4 != 1,
            np.arange(n) - 1 + 2**40, np.linspace(1 / 3, 1, n), np.arange(n)[::-1] - 1,
        )  # fmt: skip
        study.ask("sand", 0, None, asked, "worker", 1.75e9 + 0.123456)
        told = Evaluations(
            asked, np.array([[value, 0.5 * value] for value in odd]), None, np.array(odd)[:, None],
            np.linspace(0.1, 2, n), np.array([1, 2, 3, 1, 1, 1, 2, 1]), {1: "it broke: é", 2: "late"},
        )  # fmt: skip
        study.tell("sand", 1, None, range(n), told, 0.0)
        found = study.trials("sand")
        assert same(found.candidates, asked)
        for name in ("value", "violation", "cost", "status"):
            assert np.array_equal(bits(getattr(found, name)), bits(getattr(told, name))), name
        assert found.started.tolist() == [1.75e9 + 0.123456] * n
        assert found.errors == told.errors

    def test_a_running_trial_has_no_results(self, study: Storage) -> None:
        """They are NaN."""
        study.ask("sand", 0, None, points(2), "worker", 5.0)
        found = study.trials("sand")
        assert found.status.tolist() == [Status.RUNNING] * 2
        assert np.isnan(found.value).all()
        assert np.isnan(found.violation).all()
        assert np.isnan(found.cost).all()
        assert found.errors == {}

    def test_states_come_back(self, study: Storage) -> None:
        """None leaves the stored one as it is."""
        study.ask("sand", 0, (1, "a", 0.1), points(1), "w", 0.0)
        assert study.read("sand").state == (1, "a", 0.1)
        study.tell("sand", 1, None, [0], results(points(1)), 0.0)
        assert study.read("sand").state == (1, "a", 0.1)
        study.ask("sand", 2, (2,), points(0), "w", 0.0)
        assert study.read("sand").state == (2,)

    def test_numbers_are_consecutive(self, study: Storage) -> None:
        """Whatever the sizes of the batches, none at all among them."""
        sizes = [1, 0, 40, 2, 0, 300]
        for revision, size in enumerate(sizes):
            study.ask("sand", revision, None, points(size, first=sum(sizes[:revision])), "w", 0.0)
        found = study.trials("sand")
        assert found.number.tolist() == list(range(sum(sizes)))
        assert found.candidates.slot.tolist() == list(range(sum(sizes)))
        record = study.read("sand")
        assert (record.asked, record.finished, record.revision) == (sum(sizes), 0, len(sizes))

    def test_trials_from_a_number_on(self, study: Storage) -> None:
        """The errors too are those of the trials that are given."""
        study.ask("sand", 0, None, points(5), "w", 0.0)
        study.tell("sand", 1, None, [1, 3], results(points(2), errors={0: "one", 1: "three"}), 0.0)
        late = study.trials("sand", first=2)
        assert late.number.tolist() == [2, 3, 4]
        assert late.candidates.slot.tolist() == [2, 3, 4]
        assert late.errors == {3: "three"}
        assert len(study.trials("sand", first=5)) == 0

    def test_what_was_read_stays_as_it_is(self, study: Storage) -> None:
        """Later commits do not reach into it."""
        study.ask("sand", 0, None, points(3), "w", 0.0)
        before = study.trials("sand")
        study.tell("sand", 1, None, range(3), results(points(3)), 0.0)
        assert before.count(Status.RUNNING) == 3
        assert np.isnan(before.value).all()

    def test_results_arrive_in_any_order(self, study: Storage) -> None:
        """Each goes to its trial."""
        study.ask("sand", 0, None, points(6), "w", 0.0)
        study.tell("sand", 1, None, [4, 0, 5], results(points(3), value=[4.0, 0.0, 5.0]), 0.0)
        study.tell("sand", 2, None, range(1, 3), results(points(2), value=[1.0, 2.0]), 0.0)
        found = study.trials("sand")
        assert np.array_equal(found.value[:, 0], [0, 1, 2, np.nan, 4, 5], equal_nan=True)
        assert found.status.tolist() == [1, 1, 1, 0, 1, 1]
        assert study.read("sand").finished == 5
        assert list(study.running("sand")) == [3]

    @pytest.mark.parametrize("numbers", [range(4), [0, 1, 2, 3], [3, 2, 1, 0, 3, 99], range(2, 99)])
    def test_the_first_result_counts(self, study: Storage, numbers: Sequence[int]) -> None:
        """A second one, in the same commit or later, changes nothing; nor does that of an unknown trial."""
        study.ask("sand", 0, None, points(4), "w", 0.0)
        study.tell("sand", 1, None, [1, 2], results(points(2), value=[10.0, 20.0], errors={1: "bad"}), 0.0)
        late = results(points(len(numbers)), value=[float(n) for n in numbers])
        study.tell("sand", 2, None, numbers, late, 0.0)
        expected = {n: float(n) for n in numbers if n < 4} | {1: 10.0, 2: 20.0}
        found = study.trials("sand")
        for number in range(4):
            assert np.array_equal(found.value[number, 0], expected.get(number, np.nan), equal_nan=True)
        assert found.errors == {2: "bad"}
        assert study.read("sand").revision == 3

    def test_a_stale_commit_changes_nothing(self, study: Storage) -> None:
        """Neither of an old revision nor of one that never was."""
        study.ask("sand", 0, (1,), points(2), "w", 0.0)
        study.tell("sand", 1, (2,), [0], results(points(1)), 1.0)
        before, trials = study.read("sand"), study.trials("sand")
        for revision in (0, 1, 3):
            with pytest.raises(StaleRevision):
                study.ask("sand", revision, (9,), points(3), "w", 0.0)
            with pytest.raises(StaleRevision):
                study.tell("sand", revision, (9,), [1], results(points(1)), 9.0)
        assert study.read("sand") == before
        assert study.trials("sand").status.tolist() == trials.status.tolist()

    def test_seconds_never_decrease(self, study: Storage) -> None:
        """The larger one stays."""
        for revision, seconds in enumerate([2.5, 1.0, 3.0]):
            study.tell("sand", revision, None, [], results(points(0)), seconds)
        assert study.read("sand").seconds == 3.0

    def test_notes_are_added_and_replaced(self, study: Storage) -> None:
        """They do not touch the revision."""
        study.note("sand", reason="ok", model=None)
        study.note("sand", reason="done", best=[1.5, {"x": "é"}])
        assert study.read("sand").notes == {"reason": "done", "model": None, "best": [1.5, {"x": "é"}]}
        assert study.read("sand").revision == 0

    def test_trials_change_hands(self, study: Storage) -> None:
        """Only running ones, only those asked for, only from the owners named."""
        study.ask("sand", 0, None, points(3), "a", 0.0)
        study.ask("sand", 1, None, points(2), "b", 0.0)
        study.tell("sand", 2, None, [0], results(points(1)), 0.0)
        assert study.running("sand") == {1: "a", 2: "a", 3: "b", 4: "b"}
        assert sorted(study.claim("sand", [0, 1, 3, 99], {"a", "c"}, "c")) == [1]
        assert sorted(study.claim("sand", range(9), ["b"], "")) == [3, 4]
        assert study.claim("sand", range(9), ["b"], "d") == []
        assert sorted(study.claim("sand", {3, 4}, [""], "d")) == [3, 4]
        assert study.running("sand") == {1: "c", 2: "a", 3: "d", 4: "d"}
        assert study.read("sand").revision == 3

    def test_studies_do_not_mix(self, study: Storage) -> None:
        """Each has its own numbers, revision and notes."""
        study.create("clay", {}, (1, 1, 0), None)
        study.ask("sand", 0, None, points(2), "w", 0.0)
        study.note("clay", a=1)
        assert len(study.trials("clay")) == 0
        assert study.running("clay") == {}
        assert (study.read("clay").revision, study.read("sand").notes) == (0, {})

    def test_threads_lose_nothing(self, study: Storage) -> None:
        """No number is given twice, no result and no state is lost."""
        errors: list[BaseException] = []

        def work(worker: int) -> None:
            try:
                work_on(study, "sand", worker, trials=20)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        check_work(study, "sand", workers=4, trials=20)

    def test_a_trial_is_claimed_by_one_thread(self, study: Storage) -> None:
        """However many want it."""
        study.ask("sand", 0, None, points(30), "gone", 0.0)
        got: dict[str, list[int]] = {}

        def claim(worker: str) -> None:
            got[worker] = [n for i in range(30) for n in study.claim("sand", [i], ["gone"], worker)]

        threads = [threading.Thread(target=claim, args=(worker,)) for worker in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(number for numbers in got.values() for number in numbers) == list(range(30))
        assert study.running("sand") == {number: worker for worker in got for number in got[worker]}


class DurableStorageLaws(StorageLaws):
    """The laws of a storage whose commits are seen by whoever opens the folder, in any process."""

    def test_processes_lose_nothing(self, tmp_path: Path) -> None:
        """They open the storage at once, and work on one study."""
        with loky.ProcessPoolExecutor(3) as pool:
            jobs = [pool.submit(_work_alone, self.open, tmp_path, worker, 15) for worker in range(3)]
            for job in jobs:
                job.result()
        storage = self.open(tmp_path)
        check_work(storage, "silt", workers=3, trials=15)
        storage.close()

    def test_what_was_committed_stays(self, study: Storage, tmp_path: Path) -> None:
        """Whoever opens the storage again finds it."""
        study.ask("sand", 0, (1,), points(3), "w", 0.0)
        other = self.open(tmp_path)
        other.tell("sand", 1, (2,), [1], results(points(1)), 4.0)
        other.note("sand", a=1)
        assert study.read("sand") == other.read("sand")
        other.close()
        study.close()
        again = self.open(tmp_path)
        record = again.read("sand")
        assert (record.revision, record.state, record.asked, record.finished) == (2, (2,), 3, 1)
        assert (record.seconds, record.notes) == (4.0, {"a": 1})
        again.close()


def points(n: int, first: int = 0) -> Candidates:
    """Make n candidates whose rows and slots count from ``first`` on."""
    slot = np.arange(first, first + n)
    return Candidates(
        np.repeat(slot[:, None] + 0.25, SHAPE[0], axis=1), np.broadcast_to(np.True_, (n, SHAPE[0])), slot,
        np.ones(n), np.full(n, -1),
    )  # fmt: skip


def results(
    candidates: Candidates, value: Sequence[float] | None = None, errors: dict[int, str] | None = None
) -> Evaluations:
    """Make evaluations, failed in the rows that have an error."""
    n, errors = len(candidates), errors or {}
    first = np.zeros(n) if value is None else np.array(value, dtype=np.float64)
    status = np.array([Status.FAILED if row in errors else Status.COMPLETE for row in range(n)], dtype=np.int64)
    values = np.stack([first, -first], axis=1)
    return Evaluations(candidates, values, None, np.full((n, SHAPE[2]), -1.0), np.full(n, 0.5), status, errors)


def work_on(storage: Storage, name: str, worker: int, trials: int) -> None:
    """Ask for trials and tell them, beside others; the state counts the commits."""
    for i in range(trials):
        mine = points(1, first=worker * trials + i)
        while True:
            record = storage.read(name)
            try:
                storage.ask(name, record.revision, (record.state[0] + 1,), mine, str(worker), 0.0)
                break
            except StaleRevision:
                continue
        number = record.asked
        while True:
            record = storage.read(name)
            try:
                told = results(mine, value=[float(mine.slot[0])])
                storage.tell(name, record.revision, (record.state[0] + 1,), [number], told, 0.0)
                break
            except StaleRevision:
                continue


def check_work(storage: Storage, name: str, workers: int, trials: int) -> None:
    """Check that all of :func:`work_on` is there, once."""
    total = workers * trials
    found, record = storage.trials(name), storage.read(name)
    assert found.number.tolist() == list(range(total))
    assert sorted(found.candidates.slot.tolist()) == list(range(total))
    assert np.array_equal(found.value[:, 0], found.candidates.slot)
    assert (record.revision, record.asked, record.finished) == (2 * total, total, total)
    assert record.state == (2 * total,)


def same(one: Candidates, other: Candidates) -> bool:
    """Compare candidates bit by bit."""
    names = ("x", "active", "slot", "fidelity", "parent")
    return all(np.array_equal(bits(getattr(one, name)), bits(getattr(other, name))) for name in names)


def bits(array: AnyArray) -> AnyArray:
    """Show an array as integers, for which NaN is NaN and −0.0 is not 0.0."""
    return array.view(np.int64) if array.dtype == np.float64 else array


def _work_alone(open_storage: Callable[[Path], Storage], folder: Path, worker: int, trials: int) -> None:
    storage = open_storage(folder)
    storage.create("silt", {}, SHAPE, (0,))
    work_on(storage, "silt", worker, trials)
    storage.close()
