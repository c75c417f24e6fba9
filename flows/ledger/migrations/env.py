"""Alembic's entry: the ledger hands over the connection that it has open."""

from alembic import context

from flows.ledger.columns import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
