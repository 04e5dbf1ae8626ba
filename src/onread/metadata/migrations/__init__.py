"""Alembic migrations of the control records."""
