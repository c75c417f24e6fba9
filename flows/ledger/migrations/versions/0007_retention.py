"""What retention announced and deleted, and the batches that stand for those whose rows it deleted."""

import sqlalchemy as sa
from alembic import op

from flows.ledger.evidence import refuse_loss

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

REFUSAL = "is append-only: correct by a new row"


def upgrade() -> None:
    op.create_table(
        "condensations",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("table_name", sa.String(length=40), nullable=False),
        sa.Column("platform", sa.String(length=80), nullable=False),
        sa.Column("through_no", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.String(length=200), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("condensed_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["through_no"], ["landings.id"], name=op.f("fk_condensations_through_no_landings")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_condensations")),
    )
    op.create_table(
        "retention_items",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=400), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("file_count", sa.Integer(), nullable=False),
        sa.Column("byte_count", sa.BigInteger(), nullable=False),
        sa.Column("announced_at", sa.DateTime(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_items")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER guard_condensations BEFORE UPDATE OR DELETE ON condensations "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER guard_condensations_{act.lower()} BEFORE {act} ON condensations "
            f"BEGIN SELECT RAISE(ABORT, 'condensations {REFUSAL}'); END"
        )


def downgrade() -> None:
    # The rows that the condensed batches stand for are gone: without the table the lake could not be read.
    refuse_loss(op.get_bind(), "0007", ("condensations",))
    op.drop_table("retention_items")
    op.drop_table("condensations")
