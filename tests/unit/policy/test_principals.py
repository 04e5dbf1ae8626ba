from onread.policy.principals import Principals, Reach, read_principals
from policy.callers import ACCOUNT, ANONYMOUS, FOREIGNER, OTHER_ACCOUNT, ROLE, ROOT, USER

CALLERS = (USER, ROLE, ROOT, FOREIGNER, ANONYMOUS)


def reaches(*texts):
    principals = read_principals(texts)
    return [principals.reach(caller) for caller in CALLERS]


def test_everyone_is_everyone():
    assert reaches("*") == [Reach.DIRECT] * 5


def test_an_account_delegates_to_its_users_and_is_its_root():
    for text in (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"):
        assert reaches(text) == [Reach.DELEGATED, Reach.DELEGATED, Reach.DIRECT, Reach.NONE, Reach.NONE]
    assert reaches(OTHER_ACCOUNT)[3] is Reach.DELEGATED


def test_users_roles_and_sessions_are_named_by_their_arns():
    assert reaches(USER.arn) == [Reach.DIRECT, *[Reach.NONE] * 4]
    assert reaches(ROLE.arn)[1] is Reach.DIRECT
    assert reaches(ROLE.role_arn)[1] is Reach.DIRECT
    assert reaches(USER.arn, ACCOUNT)[0] is Reach.DIRECT
    assert reaches(USER.arn.replace("alice", "Alice"))[0] is Reach.NONE


def test_services_are_no_callers():
    principals = read_principals((), services=("lambda.amazonaws.com",))
    assert all(principals.reach(caller) is Reach.NONE for caller in CALLERS)


def test_an_exception_for_an_account_spares_its_root_alone():
    spared = read_principals([ACCOUNT, USER.arn])
    assert [spared.spares(caller) for caller in CALLERS] == [True, False, True, False, False]
    assert Principals(everyone=True).spares(ANONYMOUS)
