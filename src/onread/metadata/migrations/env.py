"""Alembic's entrance; run by Alembic, with the connection handed in by `upgrade`."""

from alembic import context

from onread.metadata.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter a column in place
)
# The caller's transaction is the only one: a failed migration leaves the database as it was.
context.run_migrations()
