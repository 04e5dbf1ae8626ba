"""The tables of the control database, in SQL that SQLite and PostgreSQL both speak.

Owns names, types and constraints. The migrations bring an older database to exactly this; a test
proves that both agree. Secrets and environment variables are columns of sealed bytes (see `sealing`).
"""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

HEAD = "0008"
"""The revision that `metadata` describes: the newest file in ``migrations/versions``."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


# Alembic's own table, as Alembic makes it: a fresh database needs no Alembic to stand at head.
alembic_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime: SQLite forgets the zone, PostgreSQL answers in the session's."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store in UTC whatever zone the value came in."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give an aware value back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


settings = Table(
    "settings",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

# One row: the number of the last change. Other gateways poll it.
epochs = Table(
    "epochs",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("number", BigInteger, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("user_id", String(32), primary_key=True),
    Column("account_id", String(12), nullable=False),
    Column("name", String(64), nullable=False),
    # "Names are not distinguished by case" (IAM API Reference, CreateUser).
    Column("name_folded", String(64), nullable=False),
    Column("path", String(512), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("account_id", "name_folded"),
)

user_policies = Table(
    "user_policies",
    metadata,
    Column("user_id", ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("document", Text, nullable=False),
)

# A key hangs on the user's id, never on the name: a user made again inherits nothing.
access_keys = Table(
    "access_keys",
    metadata,
    Column("access_key_id", String(128), primary_key=True),
    Column("user_id", ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime, nullable=True),
    Column("used_service", String(32), nullable=True),
    Column("used_region", String(32), nullable=True),
)

roles = Table(
    "roles",
    metadata,
    Column("role_id", String(32), primary_key=True),
    Column("account_id", String(12), nullable=False),
    Column("name", String(64), nullable=False),
    Column("name_folded", String(64), nullable=False),
    Column("path", String(512), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("description", Text, nullable=False),
    Column("trust_policy", Text, nullable=False),
    Column("longest_session_seconds", Integer, nullable=False),
    UniqueConstraint("account_id", "name_folded"),
)

role_policies = Table(
    "role_policies",
    metadata,
    Column("role_id", ForeignKey("roles.role_id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("document", Text, nullable=False),
)

managed_policies = Table(
    "managed_policies",
    metadata,
    Column("policy_id", String(32), primary_key=True),
    Column("account_id", String(12), nullable=False),
    Column("name", String(128), nullable=False),
    Column("name_folded", String(128), nullable=False),
    Column("path", String(512), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("description", Text, nullable=False),
    Column("default_version", Integer, nullable=False),
    # "Version numbers are never used again" (IAM User Guide, "Versioning IAM policies").
    Column("last_version", Integer, nullable=False),
    UniqueConstraint("account_id", "name_folded"),
)

managed_policy_versions = Table(
    "managed_policy_versions",
    metadata,
    Column("policy_id", ForeignKey("managed_policies.policy_id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

# What hangs on a user, a role or a managed policy alike goes by its unique id, and is removed with it by
# `metadata.belongings`. AWS's own managed policies have an ARN and no row, so the ARN is no foreign key.
policy_attachments = Table(
    "policy_attachments",
    metadata,
    Column("entity_id", String(32), primary_key=True),
    Column("policy_arn", String(768), primary_key=True),
    Column("is_boundary", Boolean, primary_key=True),
)

identity_tags = Table(
    "identity_tags",
    metadata,
    Column("entity_id", String(32), primary_key=True),
    # "Tag keys are case insensitive, but case is preserved" (IAM User Guide, "Rules for tagging").
    Column("name_folded", String(128), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("value", String(256), nullable=False),
)

access_points = Table(
    "access_points",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(32), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("bucket", String(64), nullable=False),
    Column("alias", String(64), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("policy", Text),
    Column("public_access_block", Text, nullable=False),
    Column("tags", Text, nullable=False, server_default="{}"),
)

# Block Public Access of whole accounts; one that was never set has no row.
account_public_access_blocks = Table(
    "account_public_access_blocks",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("blocks", Text, nullable=False),
)

object_lambda_access_points = Table(
    "object_lambda_access_points",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(32), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("alias", String(64), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("configuration", Text, nullable=False),
    Column("policy", Text),
    # Taken from the configuration, so that the database itself keeps what is in use.
    Column("supporting_access_point", String(64), nullable=False),
    ForeignKeyConstraint(
        ["account_id", "region", "supporting_access_point"],
        ["access_points.account_id", "access_points.region", "access_points.name"],
    ),
)

# onread's own settings, JSON by AWS-like member names; one that was never set has no row.
object_lambda_settings = Table(
    "object_lambda_settings",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(32), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("settings", Text, nullable=False),
    ForeignKeyConstraint(
        ["account_id", "region", "name"],
        [
            "object_lambda_access_points.account_id",
            "object_lambda_access_points.region",
            "object_lambda_access_points.name",
        ],
        ondelete="CASCADE",
    ),
)

function_code = Table(
    "function_code",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("stored_at", UtcDateTime, nullable=False),
)

functions = Table(
    "functions",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(32), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("runtime", String(64), nullable=False),
    Column("handler", String(128), nullable=False),
    Column("role", String(512), nullable=False),
    Column("code_sha256", ForeignKey("function_code.sha256"), nullable=False),
    Column("code_size_bytes", BigInteger, nullable=False),
    Column("modified_at", UtcDateTime, nullable=False),
    Column("revision_id", String(36), nullable=False),
    Column("description", Text, nullable=False),
    Column("timeout_seconds", Integer, nullable=False),
    Column("memory_mb", Integer, nullable=False),
    Column("sealed_environment", LargeBinary, nullable=False),
    Column("tags", Text, nullable=False),
    Column("warm_environments", Integer, nullable=False),
    Column("state_reason", Text),
    Column("unzipped_bytes", BigInteger, nullable=False, server_default="0"),
    Column("ephemeral_storage_mb", Integer, nullable=False, server_default="512"),
    # What the function needs of its layers, as JSON: a layer may be deleted while functions use it.
    Column("layers", Text, nullable=False, server_default="[]"),
    Column("further", Text, nullable=False, server_default="{}"),
    Column("last_version", Integer, nullable=False, server_default="0"),
    Column("reserved_concurrency", Integer),
    Column("min_environments", Integer, nullable=False, server_default="0"),
    Column("sealed_webhook", LargeBinary),
)


def _of_function() -> ForeignKeyConstraint:
    names = ("account_id", "region", "name")
    return ForeignKeyConstraint(names, [f"functions.{name}" for name in names], ondelete="CASCADE")


function_versions = Table(
    "function_versions",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(32), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("runtime", String(64), nullable=False),
    Column("handler", String(128), nullable=False),
    Column("role", String(512), nullable=False),
    Column("code_sha256", ForeignKey("function_code.sha256"), nullable=False),
    Column("code_size_bytes", BigInteger, nullable=False),
    Column("modified_at", UtcDateTime, nullable=False),
    Column("revision_id", String(36), nullable=False),
    Column("description", Text, nullable=False),
    # The description of $LATEST when this was published: a version may have been given its own.
    Column("latest_description", Text, nullable=False),
    Column("timeout_seconds", Integer, nullable=False),
    Column("memory_mb", Integer, nullable=False),
    Column("sealed_environment", LargeBinary, nullable=False),
    Column("state_reason", Text),
    Column("unzipped_bytes", BigInteger, nullable=False),
    Column("ephemeral_storage_mb", Integer, nullable=False),
    Column("layers", Text, nullable=False),
    Column("further", Text, nullable=False),
    Column("sealed_webhook", LargeBinary),
    _of_function(),
)

function_aliases = Table(
    "function_aliases",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(32), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("alias", String(128), primary_key=True),
    Column("version", String(16), nullable=False),
    Column("description", Text, nullable=False),
    Column("weights", Text, nullable=False),
    Column("revision_id", String(36), nullable=False),
    _of_function(),
)

# What is set of the buckets of upstream stores and decides about requests. Those of the embedded store have
# theirs in its own index.
bucket_settings = Table(
    "bucket_settings",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(32), primary_key=True),
    Column("bucket", String(255), primary_key=True),
    Column("settings", Text, nullable=False),
)

# Documents that hang on a function, or on one version or alias of it: its policies, for example.
function_attachments = Table(
    "function_attachments",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(32), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("qualifier", String(128), primary_key=True),
    Column("document", Text, nullable=False),
    Column("revision_id", String(36), nullable=False),
    Column("modified_at", UtcDateTime, nullable=False),
    _of_function(),
)

# A layer stays known when all its versions are gone: their numbers are never used again.
layers = Table(
    "layers",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(32), primary_key=True),
    Column("name", String(140), primary_key=True),
    Column("last_number", Integer, nullable=False),
)

layer_versions = Table(
    "layer_versions",
    metadata,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(32), primary_key=True),
    Column("name", String(140), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("code_sha256", ForeignKey("function_code.sha256"), nullable=False),
    Column("code_size_bytes", BigInteger, nullable=False),
    Column("unzipped_bytes", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("description", Text, nullable=False),
    Column("license", Text, nullable=False),
    Column("runtimes", Text, nullable=False),
    Column("architectures", Text, nullable=False),
    ForeignKeyConstraint(
        ["account_id", "region", "name"], ["layers.account_id", "layers.region", "layers.name"]
    ),
)
