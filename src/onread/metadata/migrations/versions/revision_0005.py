"""Tags of access points, and Block Public Access of accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column of access points, and a table of accounts."""
    op.add_column("access_points", sa.Column("tags", sa.Text(), nullable=False, server_default="{}"))
    op.create_table(
        "account_public_access_blocks",
        sa.Column("account_id", sa.String(12), nullable=False),
        sa.Column("blocks", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_account_public_access_blocks"),
    )
