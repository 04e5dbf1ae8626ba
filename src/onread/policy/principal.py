"""Who asks, as every later stage sees it."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from onread.wire.frozen import frozen


class PrincipalKind(StrEnum):
    """The ``type`` of ``userIdentity``, in AWS's words."""

    ROOT = "Root"
    USER = "IAMUser"
    ASSUMED_ROLE = "AssumedRole"
    ANONYMOUS = "Anonymous"


@frozen(kw_only=True)
class InputGrant:
    """The bounds of an ``inputS3Url``: one method, one object (or one list) through one access point."""

    request_id: str
    method: str
    access_point_arn: str
    key: str | None
    version_id: str | None = None


@frozen(kw_only=True)
class FunctionSession:
    """The credentials in a function's environment: good for that function while that environment lives."""

    function_arn: str
    environment_id: str


@frozen(kw_only=True)
class TemporarySession:
    """What is particular to temporary credentials, of a role or of a user.

    Attributes:
        expires_at: aware UTC; None: with the environment whose credentials they are.
        parent_key_id: the permanent key that asked for them; they end with it. None for roles.
        policies: session policies as text; with ``policy_arns`` they limit, together, what is allowed.
        policy_arns: managed policies used as session policies.
        tags: session tags, which stand before those of the role.
        source_identity: as it was set when the first role of a chain was assumed.
    """

    expires_at: datetime | None
    parent_key_id: str | None = None
    policies: tuple[str, ...] = ()
    policy_arns: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    source_identity: str | None = None


@frozen(kw_only=True)
class Principal:
    """An authenticated (or anonymous) identity and the facts about it.

    Attributes:
        arn: ``arn:aws:iam::ACCOUNT:root``, ``:user/NAME`` or
            ``arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION``.
        principal_id: the account id (root), ``AIDA...`` or ``AROA...:session``.
        user_name: set for users only.
        role_arn: of the role of a session, as policies name it.
        role_id: its unique id; None: a function's role that did not exist when its environment began.
        issued_at: when a session began; None for permanent keys.
        session: set for temporary credentials only.
        chain: the ARNs of the functions in whose runs this call is made, the outermost first.
        called_via: services through which the call travelled, ``aws:CalledVia``.
        input_grant: set when the request carries an ``inputS3Url``'s signature; narrows what is allowed.
        function_session: set for credentials of a function's environment.
    """

    kind: PrincipalKind
    account_id: str
    arn: str
    principal_id: str
    access_key_id: str | None = None
    user_name: str | None = None
    role_arn: str | None = None
    role_id: str | None = None
    issued_at: datetime | None = None
    session: TemporarySession | None = None
    chain: tuple[str, ...] = ()
    called_via: tuple[str, ...] = ()
    input_grant: InputGrant | None = None
    function_session: FunctionSession | None = None
