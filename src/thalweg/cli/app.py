"""The commands and their options.

What a command needs is imported when it runs. This is the place where imports wait: with them at the top,
``thalweg --help`` took 3.5 s of processor time (most of it pandas, SciPy, scikit-learn and skrub); so, 0.2 s.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer

from thalweg.cli.outcome import exit_codes

__all__ = ["app"]

app = typer.Typer(
    help="Train and tune machine-learning models; every run is kept, and can be continued.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Run = Annotated[str, typer.Argument(metavar="RUN", help="Name of a run, or how only its name begins.")]
StorageOption = Annotated[
    str, typer.Option("--storage", metavar="FILE", help="The database of all runs: a file, or a URL.")
]
Seconds = Annotated[float | None, typer.Option(min=0.001, help="Running time of the search, over all continuations.")]
TrialBudget = Annotated[int | None, typer.Option(min=1, help="Number of trials, over all continuations.")]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json", help="Write one JSON object to stdout; errors, with a non-zero exit code, and all else to stderr."
    ),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"thalweg {version('thalweg')}")
        raise typer.Exit


@app.callback()
def _common(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def tune(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="CSV, TSV, Parquet, Feather or Arrow file.")],
    target: Annotated[str, typer.Option(metavar="COLUMN", help="The column to predict.")],
    seconds: Seconds = None,
    trials: TrialBudget = None,
    task: Annotated[
        Literal["regression", "classification"] | None,
        typer.Option(help="Seen from the target if not given."),
    ] = None,
    scoring: Annotated[
        str | None, typer.Option(metavar="SCORER", help="A scorer of scikit-learn, such as r2 or roc_auc.")
    ] = None,
    cv: Annotated[int | None, typer.Option(min=2, help="Number of folds of the cross-validation.")] = None,
    holdout: Annotated[
        float, typer.Option(min=0.0, max=0.5, help="Share of rows that the search never sees; 0 for none.")
    ] = 0.2,
    optimizer: Annotated[
        Literal["auto", "random", "sobol", "swarm", "genetic", "bayesian"],
        typer.Option(help="The method of the search."),
    ] = "auto",
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes for trials; if not given 1, with --seconds up to 4."),
    ] = None,
    trial_seconds: Annotated[float | None, typer.Option(min=0.001, help="Time limit of one trial.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Makes the run repeatable.")] = None,
    name: Annotated[
        str | None, typer.Option(metavar="RUN", help="The run's name; made from the table's if not given.")
    ] = None,
    storage: StorageOption = "thalweg.db",
    output: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the run's model and its table of trials are saved.")
    ] = Path("thalweg-runs"),
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Find the best model of a table's column, and save it."""
    with exit_codes(debug):
        from thalweg.cli.request import Request
        from thalweg.cli.tune import begin

        request = Request(
            table=str(table), target=target, task=task, scoring=scoring, cv=cv, holdout=holdout,
            optimizer=optimizer, workers=workers, trial_seconds=trial_seconds, seed=seed, trials=trials,
            seconds=seconds, output=str(output),
        )  # fmt: skip
        raise typer.Exit(begin(request, name, storage, as_json))


@app.command()
def resume(
    run: Run,
    seconds: Seconds = None,
    trials: TrialBudget = None,
    storage: StorageOption = "thalweg.db",
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Finish a run of tune that was interrupted, or give it a larger budget."""
    with exit_codes(debug):
        from thalweg.cli.tune import resume as resume_run

        raise typer.Exit(resume_run(run, trials, seconds, storage, as_json))


@app.command()
def predict(
    run: Run,
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="Rows with the columns of the run's table.")],
    output: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Where to write them, as CSV, a row per row; - for stdout."),
    ] = Path("predictions.csv"),
    proba: Annotated[bool, typer.Option("--proba", help="The probability of each class, too.")] = False,
    storage: StorageOption = "thalweg.db",
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Predict the rows of a table with the model of a run."""
    with exit_codes(debug):
        from thalweg.cli.predict import predict_table

        predict_table(run, table, output, proba, storage, as_json)


@app.command()
def runs(storage: StorageOption = "thalweg.db", as_json: AsJson = False, debug: Debug = False) -> None:
    """List the runs."""
    with exit_codes(debug):
        from thalweg.cli.runs import list_runs

        list_runs(storage, as_json)


@app.command()
def show(run: Run, storage: StorageOption = "thalweg.db", as_json: AsJson = False, debug: Debug = False) -> None:
    """Show a run: its settings, its best trials, what failed, where it is saved."""
    with exit_codes(debug):
        from thalweg.cli.runs import show_run

        show_run(run, storage, as_json)
