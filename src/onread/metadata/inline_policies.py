"""Inline policies, of users and of roles, as rows."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, delete, exists, insert, select, update

from onread.errors import DeleteConflict, NoSuchEntity


@dataclass(frozen=True, slots=True)
class InlinePolicies:
    """The inline policies of one kind of identity.

    Attributes:
        table: its rows: the owner's id, ``name`` and ``document``.
        owner: the column that holds the owner's id.
        kind: ``user`` or ``role``, as messages have it.
    """

    table: Table
    owner: Column[Any]
    kind: str

    def put(self, connection: Connection, owner_id: str, name: str, document: str) -> None:
        """Set a policy, replacing one of the same name."""
        changed = connection.execute(
            update(self.table).where(*self._at(owner_id, name)).values(document=document)
        )
        if changed.rowcount == 0:
            row = {self.owner.name: owner_id, "name": name, "document": document}
            connection.execute(insert(self.table).values(row))

    def delete(self, connection: Connection, owner_id: str, name: str) -> None:
        """Remove a policy.

        Raises:
            NoSuchEntity: there is none of this name.
        """
        if connection.execute(delete(self.table).where(*self._at(owner_id, name))).rowcount == 0:
            raise NoSuchEntity(f"The {self.kind} policy with name {name} cannot be found.")

    def refuse_while_there(self, connection: Connection, owner_id: str) -> None:
        """Nothing happens where the owner has none left.

        Raises:
            DeleteConflict: there are some.
        """
        if connection.scalar(select(exists().where(self.owner == owner_id))):
            raise DeleteConflict("Cannot delete entity, must delete policies first.")

    def load(self, connection: Connection) -> dict[str, dict[str, str]]:
        """Every document, by the owner's id and the policy's name, names in order."""
        found: dict[str, dict[str, str]] = {}
        rows = select(self.owner, self.table.c.name, self.table.c.document).order_by(self.table.c.name)
        for owner_id, name, document in connection.execute(rows):
            found.setdefault(owner_id, {})[name] = document
        return found

    def _at(self, owner_id: str, name: str) -> tuple[ColumnElement[bool], ...]:
        return self.owner == owner_id, self.table.c.name == name
