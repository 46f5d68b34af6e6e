# SPDX-License-Identifier: GPL-2.0-only
"""All tests of the report."""

from . import dispatch_tests, file_tests, testing
from .kernel import tests as kernel_tests


def self_test():
    """The number of tests that failed."""
    return testing.run((*dispatch_tests.TESTS, *kernel_tests.TESTS, *file_tests.TESTS))
