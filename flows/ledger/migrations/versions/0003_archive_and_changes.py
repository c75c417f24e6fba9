"""The policies that months were judged by, what each revision changed, and tables whose rows nobody can change."""

import sqlalchemy as sa
from alembic import op

from flows.ledger.evidence import refuse_loss

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Named here, not taken from the code: a migration says what it did even when the tables have moved on. One that
# rebuilds a table (batch mode on SQLite) must make its guards again.
GUARDED = (
    "policies",
    "revisions",
    "revision_changes",
    "indicator_results",
    "star_results",
    "rating_results",
    "grade_proposals",
    "pay_lines",
    "award_lines",
    "decisions",
    "grade_register",
    "arrears",
)
REFUSAL = "is append-only: correct by a new row"


def upgrade() -> None:
    op.create_table(
        "policies",
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("archived_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_policies")),
    )
    op.create_table(
        "revision_changes",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.String(length=200), nullable=False),
        sa.Column("field", sa.String(length=80), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("causes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["month", "revision"],
            ["revisions.month", "revisions.revision"],
            name=op.f("fk_revision_changes_month_revisions"),
        ),
        sa.PrimaryKeyConstraint(
            "month", "revision", "subject", "subject_id", "field", name=op.f("pk_revision_changes")
        ),
    )
    op.add_column("revisions", sa.Column("code_fingerprint", sa.String(64), nullable=False, server_default=""))
    op.add_column("revisions", sa.Column("compared_with", sa.Integer(), nullable=True))
    op.add_column("revisions", sa.Column("amends", sa.Integer(), nullable=True))
    for table in GUARDED:
        _guard(table)


def downgrade() -> None:
    refuse_loss(op.get_bind(), revision, ("policies", "revision_changes"))
    for table in GUARDED:
        _unguard(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")
    # In place: SQLite can't rebuild a table that others refer to.
    for column in ("amends", "compared_with", "code_fingerprint"):
        op.drop_column("revisions", column)
    op.drop_table("revision_changes")
    op.drop_table("policies")


def _guard(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '% {REFUSAL}', TG_TABLE_NAME; END $$"
        )
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
