"""What Alembic runs: the migrations, on the connection and in the transaction that `migrate` opened."""

from __future__ import annotations

from alembic import context

from assessments.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
