"""Statements whose text is made once, and the rows that they give as they are: peewee takes longer than SQLite."""

from __future__ import annotations

import functools
from collections.abc import Callable

import peewee

from fitferry.storage.database import SQL, Field, Row, Select, database, run


def tuples(query: Select) -> list[Row]:
    return list(query.tuples())


def raw(query: Select) -> list[Row]:
    """The rows of a query as SQLite gives them: for very many, peewee's conversions take most of the time."""
    sql, values = query.sql()
    return run(sql, *values)


_GIVEN = object()
PARAMETER = SQL("?", (_GIVEN,))
"""Stands in a `Statement` for a value that is given when it runs."""


class Statement:
    """A query whose text is made once: peewee takes longer to make it than SQLite to answer it.

    `query`: makes it, when it first runs. Its PARAMETERs are given, in their order, each time.
    """

    def __init__(self, query: Callable[[], Select]) -> None:
        self._made = functools.cache(lambda: query().sql())

    def __call__(self, *given: object) -> list[Row]:
        """The rows, as SQLite gives them."""
        text, values = self._made()
        left = iter(given)
        return run(text, *[next(left) if value is _GIVEN else value for value in values])


def update(table: type[peewee.Model], condition: str, *given: object, **columns: object) -> int:
    """Change named columns of the rows that a condition in SQL finds; how many."""
    text, fields = _update_text(table, condition, tuple(columns))
    values = [*_stored(fields, columns), *given]
    return int(database.execute_sql(text, values).rowcount)  # type: ignore[no-untyped-call]  # peewee's stubs leave it out


def put(table: type[peewee.Model], **columns: object) -> None:
    """Write a whole row, in place of the one with the same key."""
    _insert("INSERT OR REPLACE", table, columns)


def insert(table: type[peewee.Model], **columns: object) -> int:
    """Write a new row; its id."""
    return _insert("INSERT", table, columns)


def _insert(verb: str, table: type[peewee.Model], columns: dict[str, object]) -> int:
    text, fields = _insert_text(verb, table, tuple(columns))
    return int(database.execute_sql(text, _stored(fields, columns)).lastrowid or 0)  # type: ignore[no-untyped-call]  # as above


def _stored(fields: tuple[Field, ...], columns: dict[str, object]) -> list[object]:
    """The columns' values as SQLite keeps them."""
    return [field.db_value(value) for field, value in zip(fields, columns.values(), strict=True)]  # type: ignore[no-untyped-call]  # as above


@functools.cache
def _insert_text(
    verb: str, table: type[peewee.Model], names: tuple[str, ...]
) -> tuple[str, tuple[Field, ...]]:
    fields = tuple(getattr(table, name) for name in names)
    columns = ", ".join(field.column_name for field in fields)
    places = ", ".join("?" for _ in fields)
    return f"{verb} INTO {table._meta.table_name} ({columns}) VALUES ({places})", fields  # noqa: SLF001  # where peewee keeps it


@functools.cache
def _update_text(
    table: type[peewee.Model], condition: str, names: tuple[str, ...]
) -> tuple[str, tuple[Field, ...]]:
    fields = tuple(getattr(table, name) for name in names)
    columns = ", ".join(f"{field.column_name} = ?" for field in fields)
    return f"UPDATE {table._meta.table_name} SET {columns} WHERE {condition}", fields  # noqa: S608, SLF001  # names and words of ours; where peewee keeps it
