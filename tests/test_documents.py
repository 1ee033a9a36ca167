"""The documents: what README and CONTRIBUTING show is run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACE = "thalweg.optimizers.evolution.one_plus_one"  # where CONTRIBUTING would put its optimizer

SHORTER = {
    "seconds=60": "trials=2",
    "300_000": "3_000",
    "trials=200": "trials=20",
    'housing.csv"': 'housing.csv", nrows=500',
}


def blocks(document):
    return re.findall(r"^```python\n(.*?)^```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_readme(monkeypatch, tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks("README.md"):
        for long, short in SHORTER.items():
            block = block.replace(long, short)
        exec(block, names)
    assert names["result"].stop_reason == "the budget of 50 trials is spent"
    assert names["study"].asked == 40


def test_the_optimizer_of_contributing(tmp_path):
    optimizer, test = blocks("CONTRIBUTING.md")
    assert PLACE in test
    (tmp_path / "one_plus_one.py").write_text(optimizer, encoding="utf-8")
    (tmp_path / "test_one_plus_one.py").write_text(test.replace(PLACE, "one_plus_one"), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--doctest-modules",
        "-W",
        "error",
        tmp_path,
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/design.md"])
def test_links_lead_somewhere(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert ((ROOT / document).parent / target).exists(), target
