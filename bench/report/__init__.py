# SPDX-License-Identifier: GPL-2.0-only
"""What bench/plots.py makes of the JSON of the benchmarks, one idea a module."""
