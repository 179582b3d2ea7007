"""Fast, pure cost models of hardware: configuration and workload in, metrics with units out."""
