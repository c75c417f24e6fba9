"""How far each pull has read its source, and what each rule found."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("pulls", schema=None) as batch_op:
        batch_op.add_column(sa.Column("checks", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("newest_at", sa.DateTime(), nullable=True))


def downgrade() -> None:
    # In place: SQLite can't rebuild a table that others refer to.
    op.drop_column("pulls", "newest_at")
    op.drop_column("pulls", "checks")
