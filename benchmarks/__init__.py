"""Benchmarks against the peers; run from the repository's root, as `python -m benchmarks.lenet`."""
