"""OpenTelemetry spans of finished requests, sent by OTLP over HTTP; docs/tracing.md."""
