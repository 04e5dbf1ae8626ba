"""onread's own settings of Object Lambda access points."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table beside the access points; it goes with them."""
    op.create_table(
        "object_lambda_settings",
        sa.Column("account_id", sa.String(12), nullable=False),
        sa.Column("region", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "region", "name", name="pk_object_lambda_settings"),
        sa.ForeignKeyConstraint(
            ["account_id", "region", "name"],
            [
                "object_lambda_access_points.account_id",
                "object_lambda_access_points.region",
                "object_lambda_access_points.name",
            ],
            name="fk_object_lambda_settings_object_lambda_access_points",
            ondelete="CASCADE",
        ),
    )
