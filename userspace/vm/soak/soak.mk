# SPDX-License-Identifier: GPL-2.0-only
# Part of the Makefile: straining for hours, and what is left in the kernel afterwards.

# HOURS= may be a fraction; MIX= and SEED= are those of make stress.
HOURS :=
.PHONY: soak soak-table
soak: module userspace | packages kernel-image ## strain cnx in a VM for HOURS=, and watch memory and counters; build/soak.json
	$(Q)userspace/vm/soak/soak.py $(HOURS) --mix '$(MIX)' $(if $(SEED),--seed '$(SEED)')
soak-table: ## write what the last soak came to into doc/reliability.md
	$(Q)userspace/vm/soak/soak.py --table

TEST_STEPS += soak
TEST_soak = userspace/vm/soak/soak.py --self-test
