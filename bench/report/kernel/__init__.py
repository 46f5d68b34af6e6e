# SPDX-License-Identifier: GPL-2.0-only
"""What bench/plots.py makes of what the in-kernel benchmark measured, one idea a module."""
