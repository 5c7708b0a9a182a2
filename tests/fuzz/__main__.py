"""Start a service and fire at it: requests of our own, garbage, and Schemathesis'.

    python -m tests.fuzz [COUNT]

Schemathesis makes its requests from the OpenAPI document, with what each property may be and what
it may not; `make fuzz` gives it an environment of its own. The status is 1 where anything failed.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console

from tests.faults.serving import served
from tests.fuzz.barrage import barrage
from tests.fuzz.garbage import garbage
from training.datasets import movielens
from training.train import train

SEED: Final = 20261123
SCHEMATHESIS: Final = Path(__file__).resolve().parents[2] / ".venv-fuzz" / "bin" / "schemathesis"
CHECKS: Final = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance"
)


def main() -> int:
    """Fire, and print what came of it."""
    count = int(sys.argv[1]) if sys.argv[1:] else 20_000
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        train(movielens.fetch(), Path(folder))
        with served(Path(folder), "--patience-s", "1") as (_, url):
            console.print(f"{count} requests of our own")
            tolls = [barrage(url, count, SEED), garbage(url, count // 100, SEED)]
            for toll in tolls:
                console.print(str(toll))
                for fault in toll.faults[:20]:
                    console.print(fault, markup=False)
            document = f"{url}/schema/openapi.json"
            ended = subprocess.run(
                [SCHEMATHESIS, "run", document, "--checks", CHECKS, "--max-examples", "50"],
                check=False,
            )
    return 1 if ended.returncode or any(toll.faults for toll in tolls) else 0


if __name__ == "__main__":
    raise SystemExit(main())
