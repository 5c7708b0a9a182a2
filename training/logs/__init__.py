"""The service's logs as Parquet files: exported without gaps or repeats, and read again."""
