from pathlib import Path

import pytest

from indexing.evaluation import fingerprint as module
from indexing.evaluation.fingerprint import fingerprint


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "ml" / "inner").mkdir(parents=True)
    (tmp_path / "ml" / "a.py").write_text('"""A."""\nfrom ml import b\nimport ml.inner\n')
    (tmp_path / "ml" / "b.py").write_text("def f():\n    from ml.inner import c\n    return 1\n")
    (tmp_path / "ml" / "inner" / "__init__.py").write_text("import numpy\n")
    (tmp_path / "ml" / "inner" / "c.py").write_text("X = 1\n")
    (tmp_path / "ml" / "other.py").write_text("Y = 1\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    module._parsed.cache_clear()
    return tmp_path / "ml"


def again(code: Path) -> str:
    module._parsed.cache_clear()
    found = fingerprint("ml.a")
    module._parsed.cache_clear()
    return found


def test_words_and_layout_do_not_count(code: Path) -> None:
    before = again(code)
    text = '"""Another."""\n# a comment\nfrom ml import b\n\n\nimport ml.inner\n'
    (code / "a.py").write_text(text)
    assert again(code) == before


@pytest.mark.parametrize("changed", ["a.py", "b.py", "inner/__init__.py", "inner/c.py"])
def test_all_that_is_imported_counts(code: Path, changed: str) -> None:
    before = again(code)
    with (code / changed).open("a") as file:
        file.write("Z = 2\n")
    assert again(code) != before


def test_other_code_does_not_count(code: Path) -> None:
    before = again(code)
    (code / "other.py").write_text("Y = 2\n")
    assert again(code) == before


def test_an_absent_module_is_refused(code: Path) -> None:
    with pytest.raises(ValueError, match=r"no module ml\.nothing"):
        fingerprint("ml.nothing")
