"""What IAM's operations have in common: whom they name, their documents, tags and pages.

Source: IAM API Reference; IAM User Guide, "IAM and AWS STS quotas".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from onread.control.call import ControlCall
from onread.control.identities import check_name
from onread.control.pages import check_page_size, cut_page
from onread.control.policies import check_policy
from onread.errors import (
    InvalidInput,
    LimitExceeded,
    MalformedPolicy,
    MalformedPolicyDocument,
    NoSuchEntity,
    ValidationError,
)
from onread.metadata.belongings import MOST_TAGS
from onread.metadata.facade import Records
from onread.metadata.identity_records import ManagedPolicy, Role
from onread.metadata.lookups import Lookups
from onread.metadata.records import User

DEFAULT_ITEMS, MOST_ITEMS = 100, 1000
# Quotas count a document without its white space.
LONGEST_USER_POLICIES, LONGEST_ROLE_POLICIES = 2_048, 10_240
LONGEST_MANAGED_POLICY, LONGEST_TRUST_POLICY = 6_144, 2_048

_TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")
_WHITE_SPACE = re.compile(r"\s+")
_POLICY_ARN = re.compile(r"arn:aws:iam::(?:[0-9]{12}|aws):policy/[!-~]{1,640}")

Item = TypeVar("Item")


def find_user(records: Lookups, call: ControlCall) -> User:
    """The user in ``UserName``; without one, the caller.

    Raises:
        NoSuchEntity: there is none.
        ValidationError: the name has another form, or none is given and the caller is no user.
    """
    given = call.params.get("UserName") or call.principal.user_name
    if given is None:
        raise ValidationError("UserName is required: the caller is not a user.")
    name = check_name(given, member="UserName", longest=64)
    user = records.user(call.account_id, name)
    if user is None:
        raise NoSuchEntity(f"The user with name {name} cannot be found.")
    return user


def find_role(records: Records, call: ControlCall) -> Role:
    """The role in ``RoleName``.

    Raises:
        NoSuchEntity: there is none.
        ValidationError: the name has another form.
    """
    name = check_name(call.params.get("RoleName"), member="RoleName", longest=64)
    role = records.identities.role(call.account_id, name)
    if role is None:
        raise NoSuchEntity(f"The role with name {name} cannot be found.")
    return role


def find_policy(records: Records, call: ControlCall, arn: object) -> ManagedPolicy:
    """The managed policy with this ARN: the account's own, or one of AWS's.

    Raises:
        NoSuchEntity: there is none, or it is another account's.
        ValidationError: it is no policy's ARN.
    """
    if not isinstance(arn, str) or _POLICY_ARN.fullmatch(arn) is None:
        raise ValidationError("PolicyArn must have the form arn:aws:iam::ACCOUNT:policy/PATH/NAME.")
    policy = records.identities.policy(arn)
    if policy is None or policy.account_id not in (call.account_id, "aws"):
        raise NoSuchEntity(f"Policy {arn} does not exist or is not attachable.")
    return policy


def policy_name(call: ControlCall) -> str:
    """``PolicyName``.

    Raises:
        ValidationError: absent or of another form.
    """
    return check_name(call.params.get("PolicyName"), member="PolicyName", longest=128)


def check_document(text: object) -> str:
    """An identity policy that may be stored.

    Raises:
        MalformedPolicyDocument: the message says where it is wrong.
    """
    try:
        return check_policy(text, resource_policy=False)
    except MalformedPolicy as error:
        raise MalformedPolicyDocument(error.text) from error


def check_inline_quota(owner: User | Role, name: str, document: str) -> None:
    """All inline policies of a user or role together have a limit.

    Raises:
        LimitExceeded: they would be longer.
    """
    kind, longest = (
        ("user", LONGEST_USER_POLICIES) if isinstance(owner, User) else ("role", LONGEST_ROLE_POLICIES)
    )
    others = (text for other, text in owner.policies.items() if other != name)
    if size_of(document) + sum(map(size_of, others)) > longest:
        raise LimitExceeded(
            f"Maximum policy size of {longest} bytes exceeded for {kind} {owner.name}. "
            "Put statements into managed policies."
        )


def size_of(document: str) -> int:
    """The characters of a document as IAM counts them: without white space."""
    return len(_WHITE_SPACE.sub("", document))


def encode_document(text: str) -> str:
    """A document as IAM's answers carry it: percent-encoded (RFC 3986)."""
    return quote(text, safe="")


def inline_policy(owner: User | Role, name: str) -> dict[str, Any]:
    """The members that show an inline policy.

    Raises:
        NoSuchEntity: there is none of this name.
    """
    kind = "User" if isinstance(owner, User) else "Role"
    document = owner.policies.get(name)
    if document is None:
        raise NoSuchEntity(f"The {kind.lower()} policy with name {name} cannot be found.")
    return {f"{kind}Name": owner.name, "PolicyName": name, "PolicyDocument": encode_document(document)}


def read_tags(given: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    """``Tags`` as a mapping.

    Raises:
        InvalidInput: a key stands twice, or begins with ``aws:``.
        ValidationError: a key or value is too long or holds other characters.
    """
    tags: dict[str, str] = {}
    folded = set()
    for tag in given or ():
        name, value = tag.get("Key", ""), tag.get("Value", "")
        if not 1 <= len(name) <= 128 or len(value) > 256 or not _TAG_TEXT.fullmatch(name + value):
            raise ValidationError(
                "A tag has a key of 1 to 128 and a value of up to 256 letters, digits, spaces and _.:/=+-@"
            )
        if name.lower().startswith("aws:"):
            raise InvalidInput("Tag keys that begin with aws: are reserved.")
        if name.lower() in folded:
            raise InvalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
        folded.add(name.lower())
        tags[name] = value
    if len(tags) > MOST_TAGS:
        raise LimitExceeded(f"Cannot exceed quota for TagsPerEntity: {MOST_TAGS}")
    return tags


def shown_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags in the form of answers."""
    return [{"Key": name, "Value": value} for name, value in tags.items()]


def page_of(
    call: ControlCall,
    member: str,
    items: Sequence[Item],
    *,
    name_of: Callable[[Item], str],
    show: Callable[[Item], Any],
) -> dict[str, Any]:
    """One page of a list as IAM answers it.

    Args:
        member: under which the items stand.
        items: the whole list.

    Raises:
        ValidationError: ``MaxItems`` or ``Marker`` is not valid.
    """
    page = cut_page(
        sorted(items, key=name_of),
        name_of=name_of,
        token=call.params.get("Marker"),
        most=items_wanted(call),
        refusal=ValidationError,
    )
    return {member: [show(item) for item in page.items], **continuation(page.next_token)}


def items_wanted(call: ControlCall) -> int:
    """How many items a list shall hold.

    Raises:
        ValidationError: ``MaxItems`` is out of range.
    """
    return check_page_size(
        call.params.get("MaxItems"),
        default=DEFAULT_ITEMS,
        largest=MOST_ITEMS,
        member="MaxItems",
        refusal=ValidationError,
    )


def continuation(next_token: str | None) -> dict[str, Any]:
    """The members with which IAM ends a page."""
    return {"IsTruncated": False} if next_token is None else {"IsTruncated": True, "Marker": next_token}
