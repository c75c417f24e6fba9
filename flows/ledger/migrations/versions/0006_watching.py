"""The class of a failure beside its outcome, and indexes for whoever looks at ten years of outcomes and pulls."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outcomes", sa.Column("exit_code", sa.Integer(), nullable=True))
    # What is asked of all steps and pulls is read from an index alone.
    op.create_index("ix_outcomes_step_month_subject", "outcomes", ["step", "month", "subject", "ok", "id"])
    op.drop_index("ix_outcomes_step_month", "outcomes")
    op.create_index("ix_pulls_window", "pulls", ["window_to_at", "window_from_at", "platform", "resource", "id"])
    op.create_index(
        "ix_pulls_newest", "pulls", ["platform", "resource", "status", "window_from_at", "window_to_at", "id"]
    )


def downgrade() -> None:
    op.drop_index("ix_pulls_newest", "pulls")
    op.drop_index("ix_pulls_window", "pulls")
    op.create_index("ix_outcomes_step_month", "outcomes", ["step", "month"])
    op.drop_index("ix_outcomes_step_month_subject", "outcomes")
    op.drop_column("outcomes", "exit_code")
