"""How do the figures read? One table in Markdown, with ratios to the first column, and what is better than it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Cells = dict[str, "Figure | str"]
"""What was found, by the name of the row."""
SHOWN = 0.05
"""The least that is not shown as 0.0."""
CLEAR = 0.9
"""A ratio below this counts as better; what lies above may be noise."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, of which less is better, and words before it."""

    value: float
    unit: str
    words: str = ""

    def __str__(self) -> str:
        return f"{self.words} {self.value:,.{0 if self.value >= 100 else 1}f} {self.unit}".strip()

    def ratio(self, first: Figure | str | None) -> float | None:
        """How many times as much it is; None where that cannot be said, as of a first one that is shown as 0.0."""
        return self.value / first.value if isinstance(first, Figure) and first.value >= SHOWN else None

    def is_better(self, first: Figure | str | None) -> bool:
        """Whether it is clearly less than the first, or the first has no figure."""
        return not isinstance(first, Figure) or self.value < CLEAR * first.value - SHOWN


def table(columns: dict[str, Cells | str]) -> Iterator[str]:
    """The lines of the table; the others are compared with the first column. Words stand in all of a column."""
    rows = dict.fromkeys(row for cells in columns.values() if isinstance(cells, dict) for row in cells)
    first, *_ = columns.values()
    yield f"| | {' | '.join(columns)} |"
    yield f"| --- |{' --- |' * len(columns)}"
    for row in rows:
        yield f"| {row} | {' | '.join(_shown(cells, first, row) for cells in columns.values())} |"


def better(columns: dict[str, Cells | str]) -> Iterator[str]:
    """A line for each that has clearly smaller figures than the first, or figures where the first has none."""
    ran = {name: cells for name, cells in columns.items() if isinstance(cells, dict)}
    first, *_ = ran.values()
    for name, cells in list(ran.items())[1:]:
        found = [
            row for row, cell in cells.items() if isinstance(cell, Figure) and cell.is_better(first.get(row))
        ]
        yield f"- {name} is better at: {', '.join(found) or 'nothing that was measured'}"


def _shown(cells: Cells | str, first: Cells | str, row: str) -> str:
    if isinstance(cells, str):
        return cells
    cell = cells.get(row, "broken")
    if cells is first or isinstance(first, str) or isinstance(cell, str):
        return str(cell)
    ratio = cell.ratio(first.get(row))
    return str(cell) if ratio is None else f"{cell} ({ratio:.{1 if ratio >= 10 else 2}f}x)"
