"""What code a result depends on, so that only results of changed code are computed again."""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("ml", "indexing")


def fingerprint(*modules: str) -> str:
    """Return 16 hexadecimal digits of the modules' code and of all they import from the project.

    Comments, docstrings and layout do not count. `ml.baselines` stands for a package's own file,
    or for a module. Raises ValueError for a module that is not there.
    """
    digest = hashlib.sha256()
    for name in sorted(_closure(modules)):
        digest.update(f"{name} {_parsed(name)[0]}".encode())
    return digest.hexdigest()[:16]


def _closure(modules: Iterable[str]) -> set[str]:
    """The modules and all that they import, directly or not, at their top or in a function."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _parsed(name)[1]
    return found


@cache
def _parsed(module: str) -> tuple[str, tuple[str, ...]]:
    """The digest of a module's code, and the project's modules it imports."""
    path = _path(module)
    if path is None:
        raise ValueError(f"There is no module {module}.")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # What is imported from a package may itself be a module.
            imported += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        _forget_docstring(node)
    own = [name for name in imported if name.split(".")[0] in ROOMS and _path(name)]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), tuple(own)


def _forget_docstring(node: ast.AST) -> None:
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        del node.body[0]


def _path(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None
