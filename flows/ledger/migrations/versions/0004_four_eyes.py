"""Preparations, objections and reversals, and the chain over everything that persons decided."""

import hashlib
import json
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from flows.ledger.evidence import refuse_loss

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# A migration that rebuilds a table (batch mode on SQLite) must make its guards again; this one adds columns in place.
GUARDED = ("preparations", "objections", "review_chain")
REFUSAL = "is append-only: correct by a new row"
FIRST_HASH = "0" * 64


def upgrade() -> None:
    _make_preparations()
    _make_objections()
    _make_chain()
    # Written out: Alembic can't add a column with a foreign key in place on SQLite.
    op.add_column("decisions", sa.Column("authority", sa.Text(), nullable=True))
    op.execute("ALTER TABLE decisions ADD COLUMN preparation_id INTEGER REFERENCES preparations (id)")
    op.execute("ALTER TABLE decisions ADD COLUMN amends_id INTEGER REFERENCES decisions (id)")
    op.execute("ALTER TABLE decisions ADD COLUMN objection_id INTEGER REFERENCES objections (id)")
    op.execute("ALTER TABLE grade_register ADD COLUMN reverses_id INTEGER REFERENCES grade_register (id)")
    op.create_index("uq_grade_register_reverses_id", "grade_register", ["reverses_id"], unique=True)
    op.add_column("revisions", sa.Column("missing_workers", sa.JSON(), nullable=True))
    _chain_what_is_there()
    for table in GUARDED:
        _guard(table)


def downgrade() -> None:
    refuse_loss(op.get_bind(), revision, ("preparations", "objections", "review_chain"))
    for table in GUARDED:
        _unguard(table)
    op.drop_index("uq_grade_register_reverses_id", "grade_register")
    op.drop_column("revisions", "missing_workers")
    op.execute("ALTER TABLE grade_register DROP COLUMN reverses_id")
    for column in ("objection_id", "amends_id", "preparation_id", "authority"):
        op.execute(f"ALTER TABLE decisions DROP COLUMN {column}")
    op.drop_table("review_chain")
    op.drop_index("ix_objections_month_staff_id", "objections")
    op.drop_table("objections")
    op.drop_index("ix_preparations_month_staff_id", "preparations")
    op.drop_table("preparations")


def _make_preparations() -> None:
    op.create_table(
        "preparations",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.String(length=80), nullable=False),
        sa.Column("proposal_digest", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("preparer", sa.String(length=120), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("prepared_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["month", "revision"],
            ["revisions.month", "revisions.revision"],
            name=op.f("fk_preparations_month_revisions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preparations")),
    )
    op.create_index("ix_preparations_month_staff_id", "preparations", ["month", "staff_id"])


def _make_objections() -> None:
    op.create_table(
        "objections",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.String(length=80), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=True),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("recorder", sa.String(length=120), nullable=False),
        sa.Column("filed_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["month", "revision"],
            ["revisions.month", "revisions.revision"],
            name=op.f("fk_objections_month_revisions"),
        ),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_objections_decision_id_decisions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objections")),
    )
    op.create_index("ix_objections_month_staff_id", "objections", ["month", "staff_id"])


def _make_chain() -> None:
    op.create_table(
        "review_chain",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("table_name", sa.String(length=40), nullable=False),
        sa.Column("row_id", sa.Integer(), nullable=False),
        sa.Column("row_digest", sa.String(length=64), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("entry_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_chain")),
        sa.UniqueConstraint("previous_hash", name=op.f("uq_review_chain_previous_hash")),
        sa.UniqueConstraint("table_name", "row_id", name=op.f("uq_review_chain_table_name")),
    )


_DECISIONS = sa.table(
    "decisions",
    sa.column("id", sa.Integer),
    sa.column("month", sa.String),
    sa.column("revision", sa.Integer),
    sa.column("staff_id", sa.String),
    sa.column("proposal_digest", sa.String),
    sa.column("verdict", sa.String),
    sa.column("reviewer", sa.String),
    sa.column("comment", sa.Text),
    sa.column("in_bulk", sa.Boolean),
    sa.column("decided_at", sa.DateTime),
)
_REGISTER = sa.table(
    "grade_register",
    sa.column("id", sa.Integer),
    sa.column("staff_id", sa.String),
    sa.column("post", sa.String),
    sa.column("grade", sa.Integer),
    sa.column("degree", sa.String),
    sa.column("certificate", sa.String),
    sa.column("effective_on", sa.Date),
    sa.column("month", sa.String),
    sa.column("revision", sa.Integer),
    sa.column("decision_id", sa.Integer),
    sa.column("recorded_at", sa.DateTime),
)
_ARREARS = sa.table(
    "arrears",
    sa.column("id", sa.Integer),
    sa.column("month", sa.String),
    sa.column("staff_id", sa.String),
    sa.column("effective_on", sa.Date),
    sa.column("approved_on", sa.Date),
    sa.column("months", sa.Integer),
    sa.column("monthly_fen", sa.Integer),
    sa.column("total_fen", sa.Integer),
    sa.column("decision_id", sa.Integer),
)
_CHAIN = sa.table(
    "review_chain",
    sa.column("table_name", sa.String),
    sa.column("row_id", sa.Integer),
    sa.column("row_digest", sa.String),
    sa.column("previous_hash", sa.String),
    sa.column("entry_hash", sa.String),
)


def _chain_what_is_there() -> None:
    """Entries for what was decided before there was a chain: from here on it can't be changed unnoticed either."""
    connection = op.get_bind()
    previous, entries = FIRST_HASH, []
    for table in (_DECISIONS, _REGISTER, _ARREARS):
        for row in connection.execute(sa.select(table).order_by(table.c.id)).mappings():
            content = {name: _describe_cell(value) for name, value in row.items() if value is not None}
            digest = hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
            entry_hash = hashlib.sha256(f"{previous}\n{table.name}\n{row['id']}\n{digest}".encode()).hexdigest()
            entry = (table.name, row["id"], digest, previous, entry_hash)
            entries.append(dict(zip(_CHAIN.c.keys(), entry, strict=True)))
            previous = entry_hash
    if entries:
        connection.execute(sa.insert(_CHAIN), entries)


def _describe_cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    return value.isoformat() if isinstance(value, date) else value


def _guard(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER guard_{table} BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER guard_{table}_{act.lower()} BEFORE {act} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} {REFUSAL}'); END"
        )


def _unguard(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP TRIGGER guard_{table} ON {table}")
        return
    for act in ("update", "delete"):
        op.execute(f"DROP TRIGGER guard_{table}_{act}")
