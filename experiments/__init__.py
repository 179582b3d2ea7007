"""Benchmarks, validation against other simulators, sweeps and studies."""
