"""What all tests share: the folder of real data, and the rule that nothing is skipped in silence."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = "THALWEG_NO_SKIP"  # set to 1, it turns a skipped test into a failure of the run
EXEMPT = "needs_shared_data"


@pytest.fixture(scope="session")
def shared_data():
    """Give the folder of real data: $THALWEG_SHARED_DATA, or shared/data beside the repository."""
    folder = Path(os.environ.get("THALWEG_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the real data is not here: {folder} does not exist; set THALWEG_SHARED_DATA")
    return folder


def pytest_make_parametrize_id(val, argname):
    """Name bytes and long texts by their argument: workers must agree on names, and people must read them."""
    return argname if isinstance(val, bytes) or (isinstance(val, str) and len(val) > 100) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark whatever uses the folder, so that ``-m 'not needs_shared_data'`` leaves it out."""
    for item in items:
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker(EXEMPT)


def _unexcused(config):
    """List the reports of skipped tests and modules, where skipping is forbidden."""
    if os.environ.get(FORBIDDEN, "0") == "0" or hasattr(config, "workerinput"):
        return []
    skipped = config.pluginmanager.get_plugin("terminalreporter").stats.get("skipped", [])
    return [report for report in skipped if EXEMPT not in getattr(report, "keywords", ())]  # a skipped module has none


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    """Fail the run if anything was skipped that may not be."""
    if session.exitstatus == pytest.ExitCode.OK and _unexcused(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    """Say which ones."""
    reports = _unexcused(config)
    if reports:
        terminalreporter.section(f"skipped, which {FORBIDDEN} forbids", red=True)
    for report in reports:
        reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
        terminalreporter.line(f"{report.nodeid}: {reason}", red=True)
