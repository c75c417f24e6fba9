"""Claims on messages, what is known of each attempt, and the calls that providers count."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ADDED = ("sent_count", "code", "next_attempt_at", "claimed_by", "claimed_at", "begun_at", "withdrawal")


def upgrade() -> None:
    op.add_column("outbox", sa.Column("sent_count", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("outbox", sa.Column("code", sa.String(length=40), nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("next_attempt_at", sa.DateTime(), nullable=True))
    op.add_column("outbox", sa.Column("claimed_by", sa.String(length=80), nullable=True))
    op.add_column("outbox", sa.Column("claimed_at", sa.DateTime(), nullable=True))
    op.add_column("outbox", sa.Column("begun_at", sa.DateTime(), nullable=True))
    op.add_column("outbox", sa.Column("withdrawal", sa.Text(), nullable=True))
    op.create_table(
        "quotas",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("closed_until", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_quotas")),
    )
    op.create_table(
        "provider_calls",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("quota_key", sa.String(length=200), nullable=False),
        sa.Column("outbox_id", sa.Integer(), nullable=False),
        sa.Column("called_at", sa.DateTime(), nullable=False),
        sa.Column("answered_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["quota_key"], ["quotas.key"], name=op.f("fk_provider_calls_quota_key_quotas")),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_provider_calls_outbox_id_outbox")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_calls")),
    )
    op.create_index("ix_provider_calls_quota_key", "provider_calls", ["quota_key"])
    op.create_index("ix_provider_calls_outbox_id", "provider_calls", ["outbox_id"])


def downgrade() -> None:
    op.drop_index("ix_provider_calls_outbox_id", "provider_calls")
    op.drop_index("ix_provider_calls_quota_key", "provider_calls")
    op.drop_table("provider_calls")
    op.drop_table("quotas")
    # A schema without claims knows no message that is being sent.
    op.execute("UPDATE outbox SET status = 'queued' WHERE status = 'sending' AND begun_at IS NULL")
    op.execute("UPDATE outbox SET status = 'permanent_failure' WHERE status = 'sending'")
    for column in reversed(ADDED):
        op.drop_column("outbox", column)
