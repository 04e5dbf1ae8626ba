"""A second evaluator, slow and written from the public documentation, that shares no code with the first.

It reads the JSON document as it stands for every question. Only well-formed documents are given to it.
"""

import base64
import ipaddress
import json
import re
from datetime import datetime
from fractions import Fraction
from operator import eq, ge, gt, le, lt

UNKNOWN = object()


def fits(pattern, text):
    """Dynamic programming over (pattern, text); pattern is a list of characters, wildcards as tuples."""
    row = [True] + [False] * len(text)
    for token in pattern:
        if token == ("*",):
            row = [any(row[: place + 1]) for place in range(len(row))]
        else:
            row = [False] + [
                reached and token in (("?",), each) for reached, each in zip(row, text, strict=False)
            ]
    return row[-1]


def expand(text, context, version, wildcards=True):
    """The characters of a pattern with variables replaced; UNKNOWN when one has no single value."""
    result = []
    for name, character in re.findall(
        r"\$\{(.*?)\}|(.)" if version == "2012-10-17" else r"(\Z)|(.)", text, re.DOTALL
    ):
        if character:
            result.append((character,) if wildcards and character in "*?" else character)
        elif name in ("*", "?", "$"):
            result.append(name)
        elif name:
            key, _, default = name.partition(",")
            values = context.get(key.strip().lower(), ()) or ((default.strip()[1:-1],) if default else ())
            if len(values) != 1:
                return UNKNOWN
            result.extend(values[0])
    return result


def arn_fits(pattern, arn):
    if pattern == [("*",)]:
        return True
    parts = [[]]
    for token in pattern:
        if token == ":" and len(parts) < 6:
            parts.append([])
        else:
            parts[-1].append(token)
    given = arn.split(":", 5)
    return len(parts) == len(given) == 6 and all(fits(*pair) for pair in zip(parts, given, strict=True))


def as_list(value):
    return value if isinstance(value, list) else [value]


def negate(outcomes, allow):
    """None of them, where an unknown one spoils an Allow."""
    return not any(each is True for each in outcomes) and not (allow and UNKNOWN in outcomes)


ORDER = ["Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"]
RELATIONS = dict(zip(ORDER, (eq, lt, le, gt, ge), strict=True))


def number(text):
    return Fraction(text) if re.fullmatch(r"[+-]?\d+(\.\d+)?", text) else None


def moment(text):
    """Seconds; the tests write dates in one of two forms only."""
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text):
        return Fraction(datetime.fromisoformat(text).timestamp())
    return number(text)


def ordered(kind, relation, actual, wanted):
    left, right = kind(actual), kind(wanted)
    return left is not None and RELATIONS[relation](left, right)


def compare(name, actual, wanted, context, version):
    """One value against one, by the positive form of the operator."""
    if name.startswith("Numeric"):
        return ordered(number, name.removeprefix("Numeric"), actual, wanted)
    if name.startswith("Date"):
        return ordered(moment, name.removeprefix("Date"), actual, wanted)
    if name == "Bool":
        return actual.lower() == wanted.lower()
    if name == "BinaryEquals":
        return base64.b64decode(actual) == base64.b64decode(wanted)
    if name == "IpAddress":
        return actual != "x" and ipaddress.ip_address(actual) in ipaddress.ip_network(wanted, strict=False)
    characters = expand(wanted, context, version, wildcards=not name.startswith("StringEquals"))
    if characters is UNKNOWN:
        return UNKNOWN
    if name == "StringLike":
        return fits(characters, actual)
    if name == "StringEquals":
        return "".join(characters) == actual
    if name == "StringEqualsIgnoreCase":
        return "".join(characters).casefold() == actual.casefold()
    return arn_fits(characters, actual)  # ArnEquals and ArnLike are one


def condition_holds(operator, key, values, context, version, allow):
    actual = context.get(key.lower(), ())
    values = [json.dumps(v) if isinstance(v, bool | int) else v for v in as_list(values)]
    if operator == "Null":
        return ("true" if not actual else "false") in values
    quantifier, _, name = operator.rpartition(":")
    optional = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negated = "Not" in name
    positive = name.replace("Not", "", 1)
    if not actual:
        return optional or quantifier == "ForAllValues" or (negated and not quantifier)
    each = []
    for value in actual:
        outcomes = [compare(positive, value, wanted, context, version) for wanted in values]
        each.append(negate(outcomes, allow) if negated else any(o is True for o in outcomes))
    if quantifier == "ForAllValues" or (negated and not quantifier):
        return all(each)
    return any(each)


def includes(principal, caller):
    """'direct', 'account' or None."""
    listed = [principal] if principal == "*" else as_list(principal.get("AWS", []))
    if "*" in listed:
        return "direct"
    if caller["kind"] == "Anonymous":
        return None
    if caller["arn"] in listed or caller["role_arn"] in listed:
        return "direct"
    if caller["account_id"] in [re.sub(r"^arn:aws:iam::(\d+):root$", r"\1", text) for text in listed]:
        return "direct" if caller["kind"] == "Root" else "account"
    return None


RISKY = {"s3:putbucketpolicy", "s3:deletebucketpolicy", "lambda:addpermission", "s3:putbucketacl"}


def speaks(statement, version, caller, action, resource, context):
    """How the statement includes the question: 'direct', 'account' or None."""
    allow, action = statement["Effect"] == "Allow", action.lower()
    texts = as_list(statement.get("Action", statement.get("NotAction")))
    listed = any(fits(expand(text.lower(), {}, ""), action) for text in texts)
    if listed is ("NotAction" in statement):
        return None
    if allow and "NotAction" in statement and (action in RISKY or action.startswith(("iam:", "onread:"))):
        return None
    outcomes = []
    for text in as_list(statement.get("Resource", statement.get("NotResource", "*"))):  # a trust has none
        pattern = expand(text, context, version)
        outcomes.append(UNKNOWN if pattern is UNKNOWN else arn_fits(pattern, resource))
    if not (negate(outcomes, allow) if "NotResource" in statement else any(o is True for o in outcomes)):
        return None
    conditions = statement.get("Condition", {}).items()
    triples = [(operator, key, values) for operator, keys in conditions for key, values in keys.items()]
    if not all(condition_holds(*triple, context, version, allow) for triple in triples):
        return None
    if "NotPrincipal" in statement:
        return None if includes(statement["NotPrincipal"], caller) == "direct" else "direct"
    return includes(statement["Principal"], caller) if "Principal" in statement else "direct"


def verdict(documents, caller, action, resource, context):
    found = set()
    for document in documents:
        for statement in as_list(document["Statement"]):
            how = speaks(statement, document.get("Version"), caller, action, resource, context)
            if how is not None:
                found.add("deny" if statement["Effect"] == "Deny" else how)
    return found


def is_allowed(caller, action, resource, context, identity, layers, limits, owner):
    """May they, by every policy that has a say.

    ``layers``: (document or None, resource, whether it must include the caller) of every resource on the
    way. ``limits``: lists of documents, each of which together must allow: session policies, a boundary.
    """
    context = {key.lower(): values for key, values in context.items()}
    own = verdict(identity, caller, action, resource, context)
    limited = [verdict(documents, caller, action, resource, context) for documents in limits]
    attached = [verdict([d] if d else [], caller, action, r, context) for d, r, _ in layers]
    if any("deny" in each for each in [own, *limited, *attached]) or not all(limited):
        return False
    if not all(found for found, (_, _, must) in zip(attached, layers, strict=True) if must):
        return False
    if caller["kind"] == "Anonymous":
        return bool(attached) and all("direct" in each for each in attached)
    by_identity = bool(own) or caller["kind"] == "Root"
    if caller["account_id"] == owner:
        return by_identity or (bool(attached) and all("direct" in each for each in attached))
    return by_identity and bool(attached) and all(attached)
