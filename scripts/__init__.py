"""Programs that prepare, check and measure; nothing here is imported by the service."""
