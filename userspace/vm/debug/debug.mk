# SPDX-License-Identifier: GPL-2.0-only
# make test-debug: the guest's suite and a stress mix on the debug kernels, which tree.sh builds. Everything of a kind lies
# in build/debug-KIND, so that the ordinary build stays as it is.

KIND := kasan kcsan
DEBUG_STRESS_TIME := $(or $(TIME),60)

.PHONY: debug-kernel-packages
debug-kernel-packages: | packages
ifneq ($(PACKAGES),no)
	$(Q)userspace/vm/packages.sh debug-kernel
endif

.PHONY: $(foreach kind,kasan kcsan,module-$(kind))
module-kasan module-kcsan: module-%: | packages debug-kernel-packages
	+$(Q)tree=$$(userspace/vm/debug/tree.sh $*) && \
	$(MAKE) --no-print-directory module PACKAGES=no BUILD=$(BUILD)/debug-$* KDIR="$$tree"

.PHONY: test-debug
ifneq ($(filter-out kasan kcsan,$(KIND))$(if $(KIND),,none),)
test-debug:
	@echo "cnx: there is no KIND="'$(KIND)'" of debug kernel; use KIND=kasan or KIND=kcsan, or leave it away for both." >&2; exit 1
else
# In a debug kernel a guest is silent for long at times.
test-debug: $(KIND:%=module-%) userspace guest examples | packages ## run the guest's suite and a stress mix on kernels that look for mistakes (KIND=kasan or kcsan, TIME=seconds of stress)
	$(Q)userspace/vm/suite.py --only '$(ONLY)' --patience 3000 $(foreach kind,$(KIND),\
		'$(kind)_wrong=userspace/vm/debug/checks.sh $(kind) wrong' \
		'$(kind)=userspace/vm/debug/checks.sh $(kind) suite' \
		'$(kind)_stress=userspace/vm/debug/checks.sh $(kind) stress $(DEBUG_STRESS_TIME)')
endif
