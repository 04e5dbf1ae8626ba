"""Versions, aliases and attached documents of functions; layers."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_PLACE = ["account_id", "region", "name"]


def upgrade() -> None:
    """New columns of functions, and the tables around them."""
    _functions()
    _versions()
    _aliases()
    _attachments()
    _layers()


def _functions() -> None:
    for column in (
        sa.Column("unzipped_bytes", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("ephemeral_storage_mb", sa.Integer(), nullable=False, server_default="512"),
        sa.Column("layers", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("further", sa.Text(), nullable=False, server_default="{}"),
        sa.Column("last_version", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reserved_concurrency", sa.Integer(), nullable=True),
        sa.Column("min_environments", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("functions", column)


def _place(name_characters: int = 64) -> list[sa.Column[str]]:
    return [
        sa.Column("account_id", sa.String(12), nullable=False),
        sa.Column("region", sa.String(32), nullable=False),
        sa.Column("name", sa.String(name_characters), nullable=False),
    ]


def _of_function(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        _PLACE,
        [f"functions.{name}" for name in _PLACE],
        name=f"fk_{table}_functions",
        ondelete="CASCADE",
    )


def _of_code(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["code_sha256"], ["function_code.sha256"], name=f"fk_{table}_function_code"
    )


def _versions() -> None:
    op.create_table(
        "function_versions",
        *_place(),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("runtime", sa.String(64), nullable=False),
        sa.Column("handler", sa.String(128), nullable=False),
        sa.Column("role", sa.String(512), nullable=False),
        sa.Column("code_sha256", sa.String(64), nullable=False),
        sa.Column("code_size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision_id", sa.String(36), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("latest_description", sa.Text(), nullable=False),
        sa.Column("timeout_seconds", sa.Integer(), nullable=False),
        sa.Column("memory_mb", sa.Integer(), nullable=False),
        sa.Column("sealed_environment", sa.LargeBinary(), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("unzipped_bytes", sa.BigInteger(), nullable=False),
        sa.Column("ephemeral_storage_mb", sa.Integer(), nullable=False),
        sa.Column("layers", sa.Text(), nullable=False),
        sa.Column("further", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(*_PLACE, "number", name="pk_function_versions"),
        _of_code("function_versions"),
        _of_function("function_versions"),
    )


def _aliases() -> None:
    op.create_table(
        "function_aliases",
        *_place(),
        sa.Column("alias", sa.String(128), nullable=False),
        sa.Column("version", sa.String(16), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("weights", sa.Text(), nullable=False),
        sa.Column("revision_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint(*_PLACE, "alias", name="pk_function_aliases"),
        _of_function("function_aliases"),
    )


def _attachments() -> None:
    op.create_table(
        "function_attachments",
        *_place(),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("qualifier", sa.String(128), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("revision_id", sa.String(36), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(*_PLACE, "kind", "qualifier", name="pk_function_attachments"),
        _of_function("function_attachments"),
    )


def _layers() -> None:
    op.create_table(
        "layers",
        *_place(140),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(*_PLACE, name="pk_layers"),
    )
    op.create_table(
        "layer_versions",
        *_place(140),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("code_sha256", sa.String(64), nullable=False),
        sa.Column("code_size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("unzipped_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("license", sa.Text(), nullable=False),
        sa.Column("runtimes", sa.Text(), nullable=False),
        sa.Column("architectures", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(*_PLACE, "number", name="pk_layer_versions"),
        _of_code("layer_versions"),
        sa.ForeignKeyConstraint(
            _PLACE, [f"layers.{name}" for name in _PLACE], name="fk_layer_versions_layers"
        ),
    )
