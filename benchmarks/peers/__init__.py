"""The peers: what a good team deploys today, in its best documented configuration."""
