"""HOW WE SERVE IT: settings, wire types, routes, the pipeline, threads, clocks, metrics, the CLI."""
