"""Functions that are webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One sealed column of functions and of their versions."""
    for table in ("functions", "function_versions"):
        op.add_column(table, sa.Column("sealed_webhook", sa.LargeBinary(), nullable=True))
