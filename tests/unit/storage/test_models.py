"""The models name the tables as the migrations make them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from fitferry.storage import models


def test_the_tables_are_what_the_models_say(ledger: Path) -> None:
    """The migrations and the models name the same columns."""
    with closing(sqlite3.connect(ledger)) as raw:
        found = {
            table._meta.table_name: {
                row[1] for row in raw.execute(f"PRAGMA table_info({table._meta.table_name})")
            }
            for table in models.TABLES
        }

    assert found == {
        table._meta.table_name: {field.column_name for field in table._meta.sorted_fields}
        for table in models.TABLES
    }
