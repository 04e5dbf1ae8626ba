"""Shapes: what an operation's input and output are made of, as views over the service model.

Owns the reading of a shape's traits: names on the wire, places in the message, required members.
Refuses to know bytes. A view is made when it is first asked for and kept, for a process serves few of
the thousands of shapes; views do not change afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Member:
    """A member of a structure, the element of a list, or the key or value of a map.

    Attributes:
        name: AWS's name, the key in params and outputs; empty for elements, keys and values.
        wire_name: the name in the message: of a header, query parameter, label or element.
        location: ``uri``, ``querystring``, ``header``, ``headers``, ``statusCode``, or None when the
            member stands in the document.
        traits: what the model says of this member alone.
    """

    name: str
    wire_name: str
    location: str | None
    traits: Document
    shape: "Shape"

    def trait(self, name: str) -> Any:
        """What the model says of this member, or else of its shape; None when it says nothing."""
        value = self.traits.get(name)
        return value if value is not None else self.shape.traits.get(name)


class Shape:
    """A named type of the service model. ``kind`` is ``structure``, ``list``, ``map``, ``string``,
    ``integer``, ``long``, ``boolean``, ``timestamp``, ``blob``, ``double`` or ``float``."""

    def __init__(self, name: str, traits: Document, shapes: "Shapes") -> None:
        self.name = name
        self.kind: str = traits["type"]
        self.traits = traits
        self._shapes = shapes

    @cached_property
    def members(self) -> Mapping[str, Member]:
        """A structure's members by AWS's name, in the model's order; empty for other kinds."""
        return {name: self._member(name, entry) for name, entry in self.traits.get("members", {}).items()}

    @cached_property
    def required(self) -> frozenset[str]:
        """The members that must be there."""
        return frozenset(self.traits.get("required", ()))

    @cached_property
    def element(self) -> Member:
        """A list's element or a map's value."""
        return self._member("", self.traits["value" if self.kind == "map" else "member"])

    @cached_property
    def key(self) -> Member:
        """A map's key."""
        return self._member("", self.traits["key"])

    @cached_property
    def payload(self) -> Member | None:
        """The one member that is the whole body, when the model names one."""
        name = self.traits.get("payload")
        return self.members[name] if name else None

    @cached_property
    def document_members(self) -> tuple[Member, ...]:
        """The members that stand in the document beside each other; none when there is a payload."""
        if self.payload is not None:
            return ()
        return tuple(member for member in self.members.values() if member.location is None)

    def _member(self, name: str, entry: Document) -> Member:
        shape = self._shapes[entry["shape"]]
        wire_name = entry.get("locationName") or _element_name_of(shape, entry) or name
        return Member(
            name=name, wire_name=wire_name, location=entry.get("location"), traits=entry, shape=shape
        )


def _element_name_of(shape: Shape, entry: Document) -> str | None:
    """A flattened list without a name of its own bears the name of its element."""
    if shape.kind == "list" and (entry.get("flattened") or shape.traits.get("flattened")):
        name: str | None = shape.traits["member"].get("locationName")
        return name
    return None


class Shapes:
    """All shapes of one service model, by name."""

    def __init__(self, documents: Mapping[str, Document]) -> None:
        self._documents = documents
        self._views: dict[str, Shape] = {}

    def __getitem__(self, name: str) -> Shape:
        view = self._views.get(name)
        if view is None:
            view = self._views[name] = Shape(name, self._documents[name], self)
        return view
