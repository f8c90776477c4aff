"""The benchmarks, each beside its peer. See README.md, and `python -m bench --help`."""
