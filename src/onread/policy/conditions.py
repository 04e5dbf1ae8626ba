"""The condition operators of the policy language over one request's condition keys.

Owns what each operator means, for present, absent and many-valued keys. Refuses to know where the
values come from: whether a caller can spoof them is decided where the context is built.

Source: IAM User Guide, "IAM JSON policy elements: Condition operators" and "Conditions with multiple
context keys or values".
"""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from onread.errors import MalformedPolicy
from onread.policy import values
from onread.policy.patterns import Context
from onread.policy.values import Build, Wanted

EXISTING_OBJECT_TAG = "s3:existingobjecttag/"
"""How the condition keys begin whose values stand with the object: to know them, its store is asked."""


class Condition(Protocol):
    """One key under one operator of a statement."""

    @property
    def key(self) -> str:
        """The condition key in lower case."""
        ...

    def holds(self, context: Context, *, grants: bool) -> bool:
        """Whether the request fulfils it. ``grants``: whether the statement is an Allow."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """An operator other than Null.

    Without a quantifier, a positive operator needs one of the request's values to fit and a negated one
    needs all of them to differ. A variable without value fits nothing; and in an Allow it does not
    "differ" either, so that a negation never turns the unknown into a grant.

    ``only`` is the one of ``wanted``, where it is one.
    """

    operator: str
    key: str
    wanted: tuple[Wanted, ...]
    negated: bool
    every_value: bool
    when_absent: bool
    only: Wanted | None = None

    def holds(self, context: Context, *, grants: bool) -> bool:
        """Whether the request's values fulfil the operator."""
        actual = context.get(self.key)
        if not actual:
            return self.when_absent
        if len(actual) == 1:
            if self.only is not None:  # most conditions: one value against one
                fits = self.only.matches(actual[0], context)
                return not self.negated if fits else self.negated and not (grants and fits is None)
            return self._fulfils(actual[0], context, grants=grants)
        together = all if self.every_value else any
        return together(self._fulfils(value, context, grants=grants) for value in actual)

    def _fulfils(self, value: str, context: Context, *, grants: bool) -> bool:
        unknown = False
        for wanted in self.wanted:
            fits = wanted.matches(value, context)
            if fits:
                return not self.negated
            if fits is None:
                unknown = True
        return self.negated and not (unknown and grants)


@dataclass(frozen=True, slots=True, kw_only=True)
class NullCheck:
    """``Null``: whether the key is absent (an empty set of values is absent too)."""

    key: str
    absent: frozenset[bool]

    def holds(self, context: Context, *, grants: bool) -> bool:
        """Whether the key is absent or present, as the policy says."""
        return (not context.get(self.key)) in self.absent


_EQUALS: Mapping[str, Build] = {
    "String": values.read_text,
    "Numeric": partial(values.read_number, operator.eq),
    "Date": partial(values.read_date, operator.eq),
    "Arn": values.read_arn_like,
}
_ORDERINGS = {
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
_OPERATORS: Mapping[str, tuple[bool, Build]] = {
    **{f"{kind}Equals": (False, build) for kind, build in _EQUALS.items()},
    **{f"{kind}NotEquals": (True, build) for kind, build in _EQUALS.items()},
    **{
        f"Numeric{name}": (False, partial(values.read_number, compare))
        for name, compare in _ORDERINGS.items()
    },
    **{f"Date{name}": (False, partial(values.read_date, compare)) for name, compare in _ORDERINGS.items()},
    "StringEqualsIgnoreCase": (False, values.read_folded_text),
    "StringNotEqualsIgnoreCase": (True, values.read_folded_text),
    "StringLike": (False, values.read_like),
    "StringNotLike": (True, values.read_like),
    "Bool": (False, values.read_boolean),
    "BinaryEquals": (False, values.read_binary),
    "IpAddress": (False, values.read_network),
    "NotIpAddress": (True, values.read_network),
    "ArnLike": (False, values.read_arn_like),
    "ArnNotLike": (True, values.read_arn_like),
}
"""Each operator: whether it is negated, and how its values are read."""


def compile_condition(name: str, key: str, wanted: Sequence[str], *, variables: bool) -> Condition:
    """One key under one operator, ready to be asked.

    Args:
        name: the operator as written, ``ForAnyValue:StringLikeIfExists``.
        wanted: the policy's values, at least one.
        variables: whether policy variables are replaced (string and ARN operators alone).

    Raises:
        MalformedPolicy: no such operator, or a value that it cannot compare with.
    """
    quantifier, colon, rest = name.rpartition(":")
    if quantifier not in (("ForAnyValue", "ForAllValues") if colon else ("",)):
        raise MalformedPolicy(f"{name[:100]!r} is no condition operator.")
    if name == "Null":
        return NullCheck(
            key=key.lower(), absent=frozenset(values.parse_boolean(value) == "true" for value in wanted)
        )
    if_exists = rest.endswith("IfExists")
    entry = _OPERATORS.get(rest.removesuffix("IfExists"))
    if entry is None:
        raise MalformedPolicy(f"{name[:100]!r} is no condition operator.")
    negated, build = entry
    built = tuple(build(value, variables) for value in wanted)
    every = quantifier == "ForAllValues" or (not quantifier and negated)
    return Comparison(
        operator=name,
        key=key.lower(),
        wanted=built,
        only=built[0] if len(built) == 1 else None,
        negated=negated,
        every_value=every,
        when_absent=if_exists or every,
    )
