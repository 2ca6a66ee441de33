"""How fast goroom is, beside others: see docs/internals/benchmarks.md."""
