"""What every thread reads must not have a reference count to fight over."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ASK = """
import sys
import service
import rules

def constants(code):
    for constant in code.co_consts:
        yield from constants(constant) if hasattr(constant, "co_consts") else [constant]

kept = list(constants(rules.score.__code__)) + list(rules.BOOSTS.values())
print(all(map(sys._is_immortal, kept)), len(kept))
"""
RULES = """
BOOSTS = {0: 1.25, 1: 0.875}

def score(x):
    return [0.123456 * value + 7.5 for value in x]
"""


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"),
    reason="with the GIL, counts are not fought over",
)
@pytest.mark.parametrize("cached", ["", "1"], ids=["pyc", "no pyc"])
def test_the_constants_of_a_module_imported_by_the_service_are_immortal(
    tmp_path: Path, cached: str
) -> None:
    (tmp_path / "rules.py").write_text(RULES)
    env = {
        "PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}",
        "PYTHONDONTWRITEBYTECODE": cached,
    }
    for _ in range(2):  # compiled, then from the cache if there is one
        told = subprocess.run(
            [sys.executable, "-c", ASK], env=env, check=True, capture_output=True, text=True
        )
        verdict, count = told.stdout.split()
        assert (verdict, int(count) > 3) == ("True", True)
    assert any(tmp_path.rglob("*.pyc")) is not bool(cached)
