# SPDX-License-Identifier: GPL-2.0-only
# The fuzzers: libFuzzer's programs, which clang builds. A core_NAME.cpp needs nothing but the core's headers, a
# client_NAME.cpp the client library too; each has its corpus in corpus/NAME, and is found by its name.

FUZZ_CORE := $(wildcard userspace/fuzz/core_*.cpp)
FUZZ_CLIENT := $(wildcard userspace/fuzz/client_*.cpp)
FUZZ := $(FUZZ_CORE) $(FUZZ_CLIENT)
FUZZ_PROGRAMS := $(FUZZ:userspace/fuzz/%.cpp=$(BUILD)/fuzz/%)
FUZZ_TIME := $(or $(TIME),60)
FUZZ_CXX := clang++-19
FUZZ_FLAGS := -std=c++23 -O1 -g -Wall -Wextra -Werror -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

.PHONY: fuzz-programs fuzz
fuzz-programs: $(FUZZ_PROGRAMS)
fuzz: fuzz-programs ## fuzz the core and the client library, each program for TIME= seconds (60); what is found stays in build/fuzz
	$(Q)userspace/fuzz/run.sh $(BUILD) '$(FUZZ_TIME)' '$(ONLY)'

$(BUILD)/fuzz/%.o: %.cpp Makefile userspace/fuzz/fuzz.mk | packages fuzz-packages
	$(call say,CXX,$< (fuzzed))
	@mkdir -p $(@D)
	$(Q)$(CACHED)$(FUZZ_CXX) $(CPPFLAGS) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

$(FUZZ_CLIENT:userspace/fuzz/%.cpp=$(BUILD)/fuzz/%): $(call object,fuzz,$(CLIENT))
$(FUZZ_PROGRAMS): $(BUILD)/fuzz/%: $(BUILD)/fuzz/userspace/fuzz/%.o
	$(call say,LINK,$@)
	$(Q)$(FUZZ_CXX) -fsanitize=fuzzer,address,undefined -o $@ $^

-include $(patsubst %.o,%.d,$(call object,fuzz,$(FUZZ) $(CLIENT)))

.PHONY: fuzz-kernel
fuzz-kernel: module userspace guest | packages kernel-image ## fuzz the modules through sockets in a VM for TIME= seconds (60), SEED=number; CNX_KERNEL= names one with KCOV
	$(Q)$(VM) run fuzz userspace/vm/fuzz.sh --timeout $$(( $(FUZZ_TIME) + 180 )) --append 'cnx_fuzz=$(FUZZ_TIME):$(SEED)'
