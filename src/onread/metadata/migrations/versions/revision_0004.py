"""Roles, managed policies, what is attached to whom, and tags."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables of roles and managed policies."""
    _roles()
    _managed_policies()
    _belongings()


def _roles() -> None:
    op.create_table(
        "roles",
        sa.Column("role_id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(12), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("name_folded", sa.String(64), nullable=False),
        sa.Column("path", sa.String(512), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("trust_policy", sa.Text(), nullable=False),
        sa.Column("longest_session_seconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("role_id", name="pk_roles"),
        sa.UniqueConstraint("account_id", "name_folded", name="uq_roles_account_id_name_folded"),
    )
    op.create_table(
        "role_policies",
        sa.Column("role_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("role_id", "name", name="pk_role_policies"),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.role_id"], name="fk_role_policies_roles", ondelete="CASCADE"
        ),
    )


def _managed_policies() -> None:
    op.create_table(
        "managed_policies",
        sa.Column("policy_id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(12), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("name_folded", sa.String(128), nullable=False),
        sa.Column("path", sa.String(512), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("default_version", sa.Integer(), nullable=False),
        sa.Column("last_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("policy_id", name="pk_managed_policies"),
        sa.UniqueConstraint("account_id", "name_folded", name="uq_managed_policies_account_id_name_folded"),
    )
    op.create_table(
        "managed_policy_versions",
        sa.Column("policy_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("policy_id", "number", name="pk_managed_policy_versions"),
        sa.ForeignKeyConstraint(
            ["policy_id"],
            ["managed_policies.policy_id"],
            name="fk_managed_policy_versions_managed_policies",
            ondelete="CASCADE",
        ),
    )


def _belongings() -> None:
    op.create_table(
        "policy_attachments",
        sa.Column("entity_id", sa.String(32), nullable=False),
        sa.Column("policy_arn", sa.String(768), nullable=False),
        sa.Column("is_boundary", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("entity_id", "policy_arn", "is_boundary", name="pk_policy_attachments"),
    )
    op.create_table(
        "identity_tags",
        sa.Column("entity_id", sa.String(32), nullable=False),
        sa.Column("name_folded", sa.String(128), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("value", sa.String(256), nullable=False),
        sa.PrimaryKeyConstraint("entity_id", "name_folded", name="pk_identity_tags"),
    )
