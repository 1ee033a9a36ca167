"""One thread for BLAS, whoever comes and goes."""

from threadpoolctl import threadpool_info, threadpool_limits

from thalweg.training.network.threads import one_thread


def test_the_last_one_to_leave_gives_the_threads_back():
    def threads():
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    with threadpool_limits(2, user_api="blas"):
        one_thread.__enter__()
        assert threads() == {1}
        one_thread.__enter__()
        one_thread.__exit__()  # of the first: they need not leave in the order in which they came
        assert threads() == {1}
        one_thread.__exit__()
        assert threads() == {2}
