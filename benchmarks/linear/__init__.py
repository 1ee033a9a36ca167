"""Parts of benchmarks/linear.py: the data, the methods, and the process that fits and measures."""
