# SPDX-License-Identifier: GPL-2.0-only
# How much of include/cnx/core the unit tests and the fuzzers' corpus reach. clang's own counting is used, since gcc's
# has branches for exceptions that the core cannot throw; report.py adds up what the instantiations of a template reach.

COVERAGE_FLAGS := -std=c++23 -O1 -fprofile-instr-generate -fcoverage-mapping -fprofile-update=atomic
COVERAGE_TESTS := $(wildcard userspace/test/core_*.cpp)
COVERAGE_PROGRAMS := $(BUILD)/coverage/unit $(FUZZ_CORE:userspace/fuzz/%.cpp=$(BUILD)/coverage/%)

.PHONY: coverage coverage-packages
coverage: $(COVERAGE_PROGRAMS) ## the line and branch coverage of the core by unit tests and corpus; fails below 95 % and 85 %
	$(Q)userspace/coverage/run.sh $(BUILD)/coverage

$(BUILD)/coverage/%.o: %.cpp Makefile userspace/coverage/coverage.mk | packages coverage-packages
	$(call say,CXX,$< (coverage))
	@mkdir -p $(@D)
	$(Q)$(CACHED)$(FUZZ_CXX) $(CPPFLAGS) $(COVERAGE_FLAGS) $(if $(filter userspace/fuzz/%,$<),-fsanitize=fuzzer-no-link) -MMD -MP -c -o $@ $<

$(BUILD)/coverage/unit: $(call object,coverage,$(COVERAGE_TESTS))
	$(call say,LINK,$@)
	$(Q)$(FUZZ_CXX) -fprofile-instr-generate -pthread -o $@ $^ -lgtest_main -lgmock -lgtest -lurcu-memb -lurcu-common

$(filter-out %/unit,$(COVERAGE_PROGRAMS)): $(BUILD)/coverage/%: $(BUILD)/coverage/userspace/fuzz/%.o
	$(call say,LINK,$@)
	$(Q)$(FUZZ_CXX) -fprofile-instr-generate -fsanitize=fuzzer -o $@ $^

coverage-packages: | packages fuzz-packages
ifneq ($(PACKAGES),no)
	$(Q)userspace/vm/packages.sh coverage
endif

-include $(patsubst %.o,%.d,$(call object,coverage,$(COVERAGE_TESTS) $(FUZZ_CORE)))
