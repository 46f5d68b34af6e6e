# SPDX-License-Identifier: GPL-2.0-only
"""What bench/plots.py makes of Google Benchmark's JSON, one idea a module."""
