"""One worker a contender: `python -m benchmarks.peers.NAME --batch 64 --threads 1 --task step`."""
