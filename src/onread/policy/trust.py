"""Whether a role trusts a service.

Source: IAM User Guide, "IAM roles: trust policies"; AWS Lambda Developer Guide, "Execution role".
"""

from onread.policy.patterns import Context
from onread.policy.principal import Principal, PrincipalKind
from onread.policy.statement import Policy, Question

ASSUME_ROLE = "sts:AssumeRole"
LAMBDA = "lambda.amazonaws.com"


def service_may_assume(trust: Policy, service: str, context: Context) -> bool:
    """Whether the policy lets the service assume its role; a Deny that names it wins.

    Args:
        trust: a trust policy.
        service: ``lambda.amazonaws.com``.
        context: condition keys in lower case: ``aws:sourceaccount`` and ``aws:sourcearn``.
    """
    nobody = Principal(kind=PrincipalKind.ANONYMOUS, account_id="", arn=service, principal_id=service)
    question = Question(nobody, ASSUME_ROLE.lower(), "sts", context)
    allowed = False
    for statement in trust.statements:
        principals = statement.principals
        if principals is None or not statement.actions.include(question.action):
            continue
        named = service in principals.services or principals.everyone
        if named is statement.not_principals:
            continue
        if not all(each.holds(context, grants=statement.allows) for each in statement.conditions):
            continue
        if not statement.allows:
            return False
        allowed = True
    return allowed
