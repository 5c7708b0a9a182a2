"""From MovieLens 100k to an artifact by way of the pipeline: `make offline`.

    python -m training.offline [--engine spark ...]

Every flag is the pipeline's. What it computes is in build/offline, the artifact in artifacts/.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

from training.datasets import movielens

ROOT: Final = Path(__file__).parents[2]
PYTHON: Final = ROOT / ".venv-offline" / "bin" / "python"
INTO: Final = ROOT / "build" / "offline"


def main() -> int:
    """Run the pipeline in its environment, then `braid train`; return an exit status."""
    movielens.fetch()
    source = movielens.default_folder() / "ml-100k.inter"
    pipeline = [PYTHON, "-m", "training.pipeline", "--interactions", source, "--into", INTO]
    train = [sys.executable, "-m", "service.cli", "train", "--from-pipeline", INTO]
    for command in ([*pipeline, *sys.argv[1:]], train):
        status = subprocess.run([str(word) for word in command], cwd=ROOT, check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
