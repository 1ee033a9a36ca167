"""The tables of an SQL storage, and the statements that are more than one line.

``thalweg_schema`` holds the version of the other two, ``thalweg_studies`` a row a study, ``thalweg_trials`` a
row a trial. Arrays are blobs of little-endian float64, which keeps every bit (SQLite would turn a NaN into
NULL), activity masks are packed bits (NULL where every column is active), states are what
:func:`thalweg.serial.to_bytes` writes. Nothing is pickled.
"""

import sqlalchemy as sa

__all__ = ["VERSION", "advance", "finish", "metadata", "running", "schema", "studies", "trials"]

VERSION = 1  # to be raised with every change of the tables

metadata = sa.MetaData()

schema = sa.Table("thalweg_schema", metadata, sa.Column("version", sa.Integer, primary_key=True, autoincrement=False))

studies = sa.Table(
    "thalweg_studies",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("notes", sa.Text, nullable=False),
    sa.Column("d", sa.Integer, nullable=False),
    sa.Column("m", sa.Integer, nullable=False),
    sa.Column("c", sa.Integer, nullable=False),
    sa.Column("state", sa.LargeBinary),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("asked", sa.BigInteger, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
)

trials = sa.Table(
    "thalweg_trials",
    metadata,
    sa.Column("study_id", sa.ForeignKey(studies.c.id), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("worker", sa.Text, nullable=False),
    sa.Column("slot", sa.BigInteger, nullable=False),
    sa.Column("fidelity", sa.Double, nullable=False),
    sa.Column("parent", sa.BigInteger, nullable=False),
    sa.Column("x", sa.LargeBinary, nullable=False),
    sa.Column("active", sa.LargeBinary),
    sa.Column("value", sa.LargeBinary),
    sa.Column("violation", sa.LargeBinary),
    sa.Column("cost", sa.Double),
    sa.Column("started", sa.Double, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

# A literal, for SQLite uses a partial index only where the statement repeats its condition word for word.
running = trials.c.status == sa.literal_column("0")

sa.Index("thalweg_running", trials.c.study_id, trials.c.number, sqlite_where=running, postgresql_where=running)


def advance(with_state: bool) -> sa.UpdateBase:
    """Make the compare-and-swap that opens every commit; it returns ``asked`` after it, or no row if stale.

    Parameters: ``at_id``, ``at_revision``, ``more`` trials asked for, ``so_far`` seconds; ``new_state``.
    """
    so_far = sa.bindparam("so_far", type_=sa.Double)
    values: dict[str, sa.ColumnElement[object]] = {
        "revision": studies.c.revision + 1,
        "asked": studies.c.asked + sa.bindparam("more", type_=sa.BigInteger),
        "seconds": sa.case((studies.c.seconds < so_far, so_far), else_=studies.c.seconds),
    }
    if with_state:
        values["state"] = sa.bindparam("new_state", type_=sa.LargeBinary)
    here = (studies.c.id == sa.bindparam("at_id"), studies.c.revision == sa.bindparam("at_revision"))
    return sa.update(studies).where(*here).values(values).returning(studies.c.asked)


finish = (
    sa.update(trials)
    .where(trials.c.study_id == sa.bindparam("at_id"), trials.c.number == sa.bindparam("at_number"), running)
    .values({name: sa.bindparam(f"new_{name}") for name in ("status", "value", "violation", "cost", "error")})
)
"""Write the result of one trial, if it runs."""
