"""Run by the Python of .venv-spark: makes every user's slate on Spark.

python spark_job.py ARTIFACT NOW_MS USERS INTO
"""

import sys
from pathlib import Path

from pyspark.sql import SparkSession  # only in .venv-spark

from service.precompute.spark import SLATES, recommend_partitions


def main() -> None:
    """Read the list of users, four partitions of it, and write Parquet."""
    artifact, now_ms, users, into = sys.argv[1:]
    options = {"spark.ui.enabled": "false", "spark.driver.memory": "1g"}
    spark = SparkSession.builder.master("local[2]").config(map=options).getOrCreate()
    frame = spark.read.text(users).withColumnRenamed("value", "user_id").repartition(4)
    made = frame.mapInPandas(recommend_partitions(Path(artifact), int(now_ms)), SLATES)
    made.write.parquet(into)
    spark.stop()


if __name__ == "__main__":
    main()
