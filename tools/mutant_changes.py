"""The changes that mutation tests make: one operator, bound, condition or call of a module at a time.

Left out, because no behaviour hangs on them: docstrings, annotations, types, decorators, lines of the log,
`__all__`, `assert_never`, the `strict` of a `zip`, and the tables that a tool writes (between `# begin of what …` and `# end of what …`).
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

LONGEST_TEXT = 90
Change = tuple[str, ast.AST]

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a tree a node is, in which lines its statement runs, and whether in the body of a function."""

    parent: ast.AST
    field: str
    number: int | None
    lines: range
    in_function: bool


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: of which module, in which line, and what it does."""

    module: str
    path: Path
    line: int
    change: str
    place: _Place
    node: ast.AST
    replacement: ast.AST
    tree: ast.Module

    @property
    def name(self) -> str:
        """As it is named in the file of accepted ones: without its line, which other changes move."""
        around = self.place.parent if isinstance(self.node, ast.Constant) else self.node
        text = " ".join(ast.unparse(around).split())
        return f"{self.module}: {self.change} in `{text[:LONGEST_TEXT]}`"

    def compiled(self) -> CodeType:
        """The changed module."""
        _put(self.place, ast.fix_missing_locations(ast.copy_location(self.replacement, self.node)))
        code = compile(self.tree, str(self.path), "exec")
        _put(self.place, self.node)
        return code


def mutants_of(path: Path, package: Path) -> list[Mutant]:
    """Every mutant of a module."""
    source = path.read_text(encoding="utf-8")
    tree, written_by_a_tool = ast.parse(source), _written_by_a_tool(source)
    module = path.relative_to(package).with_suffix("").as_posix().removesuffix("/__init__")
    return [
        Mutant(module, path, line, change, place, node, replacement, tree)
        for place, node in list(_places(tree))
        for line in [getattr(node, "lineno", place.lines.start)]
        if line not in written_by_a_tool
        for change, replacement in _changes(node)
    ]


def _written_by_a_tool(source: str) -> range:
    lines = source.splitlines()
    begins = [number for number, line in enumerate(lines, 1) if line.startswith("# begin of what tools/")]
    ends = [number for number, line in enumerate(lines, 1) if line.startswith("# end of what tools/")]
    return range(begins[0], ends[0]) if begins and ends else range(0)


def _changes(node: ast.AST) -> Iterator[Change]:  # a list of kinds of changes
    """What a node may become, with a word on it."""
    if isinstance(node, ast.Compare):
        yield from _compared(node)
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        other = _ARITHMETIC[type(node.op)]
        yield f"{type(node.op).__name__} -> {other.__name__}", ast.BinOp(node.left, other(), node.right)
    elif isinstance(node, ast.BoolOp):
        junction = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield (
            f"{type(node.op).__name__} -> {type(junction).__name__}",
            ast.BoolOp(junction, node.values),
        )
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not removed", node.operand
    elif isinstance(node, ast.IfExp):
        yield "always the first", node.body
        yield "always the second", node.orelse
    else:
        yield from _calls(node)


def _calls(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"min", "max"}:
        other = "max" if node.func.id == "min" else "min"
        yield f"{node.func.id} -> {other}", ast.Call(ast.Name(other, ast.Load()), node.args, node.keywords)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "call removed", ast.Pass()
    elif isinstance(node, ast.keyword) and node.arg and isinstance(node.value, ast.Name | ast.Attribute):
        yield f"{node.arg}=None", ast.keyword(node.arg, ast.Constant(None))


def _compared(node: ast.Compare) -> Iterator[Change]:
    for number, operator in enumerate(node.ops):
        changed = copy.copy(node)
        other = _COMPARISONS[type(operator)]
        changed.ops = [*node.ops[:number], other(), *node.ops[number + 1 :]]
        yield f"{type(operator).__name__} -> {other.__name__}", changed


def _constants(node: ast.Constant) -> Iterator[Change]:
    if isinstance(node.value, bool):
        yield f"{node.value} -> {not node.value}", ast.Constant(not node.value)
    elif isinstance(node.value, int | float):
        yield f"{node.value} -> {node.value + 1}", ast.Constant(node.value + 1)


def _places(tree: ast.Module) -> Iterator[tuple[_Place, ast.AST]]:
    """Every node with its place."""
    waiting: list[tuple[ast.AST, range, bool]] = [(tree, range(0), False)]
    while waiting:
        parent, lines, in_function = waiting.pop()
        for field, value in ast.iter_fields(parent):
            if field in {"annotation", "returns", "decorator_list", "bases", "type_comment"}:
                continue
            inside = in_function or (isinstance(parent, ast.FunctionDef) and field == "body")
            for number, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(node, ast.AST) and not _says_only_something(node):
                    own = _lines(parent, node, lines)
                    waiting.append((node, own, inside))
                    yield _Place(parent, field, number, own, inside), node


def _lines(parent: ast.AST, node: ast.AST, around: range) -> range:
    """The lines of a node's statement; of one with a body only those of the node in its head."""
    if isinstance(node, ast.stmt) or (isinstance(parent, ast.stmt) and hasattr(parent, "body")):
        end = getattr(node, "end_lineno", None)
        return range(getattr(node, "lineno", 0), end + 1) if end else around
    return around


def _says_only_something(node: ast.AST) -> bool:
    """Whether a node is a docstring, a line of the log, what a module exports, a type, or a `strict`."""
    if isinstance(node, ast.keyword):
        return node.arg == "strict"
    if isinstance(node, ast.Assign):
        is_type = ast.unparse(node.value).startswith(("TypedDict(", "TypeVar("))
        return is_type or ast.unparse(node.targets[0]) == "__all__"
    if not isinstance(node, ast.Expr):
        return False
    value = node.value
    return isinstance(value, ast.Constant) or (
        isinstance(value, ast.Call)
        and ast.unparse(value.func).startswith(("_log.", "log.", "logging.", "assert_never"))
    )


def _put(place: _Place, node: ast.AST) -> None:
    if place.number is None:
        setattr(place.parent, place.field, node)
    else:
        getattr(place.parent, place.field)[place.number] = node
