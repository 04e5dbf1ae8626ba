"""When, for which service and in which Region an access key was used last."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three columns of access keys, empty as long as a key has not been used."""
    op.add_column("access_keys", sa.Column("used_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("access_keys", sa.Column("used_service", sa.String(32), nullable=True))
    op.add_column("access_keys", sa.Column("used_region", sa.String(32), nullable=True))
