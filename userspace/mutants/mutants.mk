# SPDX-License-Identifier: GPL-2.0-only
# Whether the tests notice when a check, a guard or a barrier is gone.

.PHONY: test-mutants
test-mutants: | packages fuzz-packages kernel-image ## take checks, guards and barriers away, one by one: a test must notice each (ONLY=pattern)
	$(Q)nice python3 userspace/mutants/run.py $(BUILD)/mutants --only '$(ONLY)'
