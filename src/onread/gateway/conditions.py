"""The condition keys of a request: what policies may ask about it.

Source: AWS global condition context keys; Service Authorization Reference, S3 and S3 Object Lambda.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from onread.gateway.call import AuthenticatedCall
from onread.policy.principal import Principal, PrincipalKind, TemporarySession
from onread.wire.dates import format_iso8601

# Source: Amazon S3 actions, "s3:prefix", "s3:delimiter", "s3:max-keys", "s3:VersionId", "s3:if-match".
# A header that the operation does not take says nothing: DeleteObjects has its ETags in its document.
_FROM_PARAMS = {
    "IfMatch": "s3:if-match",
    "IfNoneMatch": "s3:if-none-match",
    "Prefix": "s3:prefix",
    "Delimiter": "s3:delimiter",
    "MaxKeys": "s3:max-keys",
    "VersionId": "s3:versionid",
}
# Source: Service Authorization Reference, Amazon S3: the keys that are a request's headers by name.
_FROM_HEADERS = {
    "x-amz-object-ownership": "s3:x-amz-object-ownership",
    **{
        f"x-amz-{name}": f"s3:x-amz-{name}"
        for name in (
            "acl",
            "copy-source",
            "grant-full-control",
            "grant-read",
            "grant-read-acp",
            "grant-write",
            "grant-write-acp",
            "metadata-directive",
            "server-side-encryption",
            "server-side-encryption-aws-kms-key-id",
            "server-side-encryption-customer-algorithm",
            "storage-class",
            "website-redirect-location",
        )
    },
    "user-agent": "aws:useragent",
    "referer": "aws:referer",
}
_PRINCIPAL_TYPES = {
    PrincipalKind.ROOT: "Account",
    PrincipalKind.USER: "User",
    PrincipalKind.ASSUMED_ROLE: "AssumedRole",
    PrincipalKind.ANONYMOUS: "Anonymous",
}

# Source: Amazon S3 User Guide, "Enforce conditional writes": parts of an upload take no condition.
_CREATES_OBJECT = {
    "PutObject": "true",
    "CopyObject": "true",
    "CompleteMultipartUpload": "true",
    "CreateMultipartUpload": "false",
    "UploadPart": "false",
    "UploadPartCopy": "false",
}

Conditions = dict[str, tuple[str, ...]]


def request_conditions(
    known: AuthenticatedCall,
    *,
    now: datetime,
    account_id: str,
    region: str,
    tags: Mapping[str, str] | None = None,
) -> Conditions:
    """Every key that is known of this request, names in lower case; unknown ones are absent.

    Args:
        tags: the principal's.
    """
    request, claim = known.routed.request, known.claim
    conditions = {
        "aws:sourceip": (request.peer,),
        "aws:securetransport": ("true" if request.scheme == "https" else "false",),
        "aws:currenttime": (format_iso8601(now),),
        "aws:epochtime": (str(int(now.timestamp())),),
        "aws:requestedregion": (region,),
        "aws:resourceaccount": (account_id,),
        "s3:resourceaccount": (account_id,),
        **_of_principal(known.principal),
        **{f"aws:principaltag/{name.lower()}": (value,) for name, value in (tags or {}).items()},
        **_of_params(known.routed.params),
    }
    if (creates := _CREATES_OBJECT.get(known.routed.operation.name)) is not None:
        conditions["s3:objectcreationoperation"] = (creates,)
    for header, key in _FROM_HEADERS.items():
        if (value := request.headers.get(header)) is not None:
            conditions[key] = (value,)
    if claim is not None:
        kind = "REST-QUERY-STRING" if claim.form == "query" else "REST-HEADER"
        age = str(max(0, int((now - claim.timestamp).total_seconds() * 1000)))
        for service in ("s3", "s3-object-lambda"):
            conditions[f"{service}:authtype"] = (kind,)
            conditions[f"{service}:signatureage"] = (age,)
        conditions["s3:signatureversion"] = ("AWS4-HMAC-SHA256",)
        if claim.payload_hash is not None:
            conditions["s3:x-amz-content-sha256"] = (claim.payload_hash,)
    return conditions


def _of_principal(principal: Principal) -> Conditions:
    conditions: Conditions = {
        "aws:principaltype": (_PRINCIPAL_TYPES[principal.kind],),
        "aws:viaawsservice": ("false",),
    }
    if principal.kind is PrincipalKind.ANONYMOUS:
        return conditions
    conditions["aws:principalarn"] = (principal.role_arn or principal.arn,)
    conditions["aws:principalaccount"] = (principal.account_id,)
    conditions["aws:userid"] = (principal.principal_id,)
    if principal.user_name is not None:
        conditions["aws:username"] = (principal.user_name,)
    if principal.session is not None:
        conditions |= _of_session(principal, principal.session)
    if principal.called_via:
        conditions |= called_via(principal.called_via)
    return conditions


def _of_session(principal: Principal, session: TemporarySession) -> Conditions:
    """Present for temporary credentials alone, and so absent for keys: policies ask with BoolIfExists."""
    conditions: Conditions = {"aws:multifactorauthpresent": ("false",)}
    if principal.issued_at is not None:
        conditions["aws:tokenissuetime"] = (format_iso8601(principal.issued_at),)
    if session.source_identity is not None:
        conditions["aws:sourceidentity"] = (session.source_identity,)
    return conditions


def called_via(services: tuple[str, ...]) -> Conditions:
    """The keys of a call that a service makes on its caller's behalf."""
    return {
        "aws:calledvia": services,
        "aws:calledviafirst": services[:1],
        "aws:calledvialast": services[-1:],
        "aws:viaawsservice": ("true",),
    }


def _of_params(params: Mapping[str, Any]) -> Conditions:
    given = ((key, params.get(member)) for member, key in _FROM_PARAMS.items())
    found: Conditions = {key: (str(value),) for key, value in given if value is not None}
    if "s3:versionid" in found:
        found["s3-object-lambda:versionid"] = found["s3:versionid"]
    return found
