"""Slates made by Spark's workers: those of `braid batch`, from the same artifact."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pyarrow import parquet

from service.commands.batch import batch
from service.precompute.folder import MANIFEST
from service.precompute.job import Job

ROOT = Path(__file__).resolve().parents[3]
PYTHON = ROOT / ".venv-spark" / "bin" / "python"
JOB = Path(__file__).with_name("spark_job.py")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),  # a JVM on a busy machine
    pytest.mark.skipif(
        not PYTHON.exists(), reason="no .venv-spark: python3 -m scripts.bootstrap spark makes it"
    ),
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs a JVM: no java here"),
]


def slates(folder: Path) -> dict[str, dict[str, Any]]:
    """Return rows by user, without the request id: that names the job, and its list of users."""
    rows = [
        row for path in folder.glob("*.parquet") for row in parquet.read_table(path).to_pylist()
    ]
    return {row["user_id"]: {**row, "request_id": ""} for row in rows}


def test_spark_makes_the_slates_of_braid_batch(artifacts: Path, tmp_path: Path) -> None:
    own, theirs, users = tmp_path / "own", tmp_path / "spark", tmp_path / "users.txt"
    users.write_text("\n".join([*map(str, range(1, 944)), "a stranger"]))
    batch(artifact=artifacts, users=users, into=own)
    job = msgspec.json.decode((own / MANIFEST).read_bytes(), type=Job)
    done = subprocess.run(
        [str(PYTHON), str(JOB), str(next(artifacts.iterdir())), str(job.now_ms), users, theirs],
        env={**os.environ, "PYSPARK_PYTHON": str(PYTHON), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert slates(theirs) == slates(own)
    assert len(slates(own)) == 944
