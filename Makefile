# SPDX-License-Identifier: GPL-2.0-only
# The front door: make help lists what there is. Everything that is built lies in build/.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -ec
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(filter -j%,$(MAKEFLAGS))$(filter-out 0,$(MAKELEVEL)),)
MAKEFLAGS += -j$(shell nproc)
endif

BUILD := build
export CNX_BUILD := $(CURDIR)/$(BUILD)
VM := userspace/vm/vm

# The kernels that the module supports: the one place that says so.
KERNEL_MIN := 6.1
KERNEL_MAX := 7.2
# KDIR= names a prepared kernel tree. Without it, the stock kernel's headers are used.
KDIR ?=
MODULE_VARIABLES := $(foreach name,ARCH CROSS_COMPILE LLVM V,$(if $(filter command environment,$(firstword $(origin $(name)))),$(name)=$($(name))))
# With a debugger in prospect the C++ core gets debug information too (see kernel/cxx.mk).
ifneq ($(GDB)$(CNX_DEBUG),)
MODULE_VARIABLES += CNX_DEBUG=1
endif

# make V=1 shows the commands.
Q := $(if $(filter 1,$(V)),,@)
say = @printf '  %-7s %s\n' '$(1)' '$(2)'

CXX := g++
CC := gcc
AR := ar
# What was compiled before from the same text by the same compiler, in whatever checkout, comes out of the cache.
CACHED = $(if $(shell command -v ccache),ccache )
export CCACHE_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cnx/ccache
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
export CCACHE_MAXSIZE ?= 1G
CXXFLAGS ?= -O2 -g
override CXXFLAGS += -std=c++23 -Wall -Wextra -Werror -fstack-protector-strong
CFLAGS ?= -O2 -g
override CFLAGS += -std=c11 -Wall -Wextra -Wpedantic -Werror
# Debian has {fmt} as a shared library only, and the guest has no shared libraries.
CPPFLAGS := -Iinclude -Iuserspace -Iuserspace/replica/include -D_GLIBCXX_ASSERTIONS -DFMT_HEADER_ONLY
CPPFLAGS += -I$(BUILD)/generated -DCNX_KERNEL_MIN=$(KERNEL_MIN) -DCNX_KERNEL_MAX=$(KERNEL_MAX)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

CLIENT := $(wildcard userspace/client/*.cpp)
CLI := $(wildcard userspace/cli/*.cpp userspace/stress/*.cpp userspace/stress/scenarios/*.cpp userspace/measure/*.cpp)
UNIT := $(wildcard userspace/test/*.cpp)
# What the unit tests need of the tool's larger verbs.
VERBS := $(wildcard userspace/stress/*.cpp userspace/measure/*.cpp)
# The parts of the tool that decide and compute, and that unit tests therefore have.
CLI_TESTED := $(patsubst %,userspace/cli/%.cpp,command_words gate load_plan modinfo parse prometheus rates recording top_model)
CLI_LIBS := -lncursesw -ltinfo -lz
GUEST := $(wildcard userspace/test/guest/*.cpp)
EXAMPLES := $(wildcard userspace/examples/*.cpp userspace/examples/*.c)

object = $(patsubst %,$(BUILD)/$(1)/%.o,$(basename $(2)))
CLIENT_OBJECTS := $(call object,plain,$(CLIENT))
SHARED_OBJECTS := $(call object,pic,$(CLIENT))
CLI_OBJECTS := $(call object,plain,$(CLI))
UNIT_OBJECTS := $(call object,asan,$(UNIT) $(CLIENT) $(VERBS) $(CLI_TESTED))
GUEST_OBJECTS := $(call object,plain,$(GUEST))
GUEST_PROGRAMS := $(patsubst userspace/test/guest/%.cpp,$(BUILD)/guest/%,$(GUEST))
EXAMPLE_PROGRAMS := $(patsubst userspace/examples/%,$(BUILD)/examples/%,$(basename $(EXAMPLES)))

# The core's tests over each RCU of the replica but the one that unit has: under ThreadSanitizer over the one that it can
# see through, and over liburcu's others.
VARIANTS := tsan mb qsbr
VARIANT_FLAGS_tsan := -fsanitize=thread -DCNX_REPLICA_FLAVOUR=plain
VARIANT_FLAGS_mb := -DCNX_REPLICA_FLAVOUR=mb
VARIANT_LIBS_mb := -lurcu-mb -lurcu-common
VARIANT_FLAGS_qsbr := -DCNX_REPLICA_FLAVOUR=qsbr
VARIANT_LIBS_qsbr := -lurcu-qsbr -lurcu-common
variant_objects = $(call object,$(1),$(wildcard userspace/test/core_*.cpp))

# The headers of the tool's libraries take twice as long at -O2, and the tool does nothing that would repay it.
$(CLI_OBJECTS) $(call object,asan,$(CLI_TESTED)): override CXXFLAGS := $(patsubst -O2,-O1,$(patsubst -g,-g1,$(CXXFLAGS)))

# What make test runs, in this order. To add a step: name it here, give its command (which prints GoogleTest's output,
# TAP or KTAP, and heeds CNX_ONLY), and let the step's files be made through TEST_NEEDS.
TEST_STEPS := unit tsan flavour_mb flavour_qsbr compile_fail safety clang_safety exceptions references models bench plots replica suite remedies build_checks snippets c_library fuzz tool guest bench_kernel bench_uml harness
# Of these, what takes long and tells no time: it runs beside the others, with what they leave of the processors.
TEST_BESIDE := fuzz bench_kernel
TEST_unit = $(if $(UNIT),$(BUILD)/unit --gtest_filter="*$$CNX_ONLY*",true)
# Some kernels lay memory out so randomly that ThreadSanitizer finds no room; some containers forbid to ask for less.
TEST_tsan = TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1" \
	$$(setarch -R true 2>/dev/null && echo setarch -R) $(BUILD)/unit-tsan --gtest_filter="*$$CNX_ONLY*"
TEST_flavour_mb = $(BUILD)/unit-mb --gtest_filter="*$$CNX_ONLY*"
TEST_flavour_qsbr = $(BUILD)/unit-qsbr --gtest_filter="*$$CNX_ONLY*"
TEST_compile_fail = userspace/vm/compile_fail.py
TEST_suite = userspace/vm/suite_checks.sh
TEST_remedies = userspace/vm/remedy_checks.sh
TEST_tool = userspace/cli/checks.sh
TEST_build_checks = userspace/vm/build_checks.sh
TEST_snippets = .ci/snippets.py doc/client.md
TEST_c_library = userspace/test/c_library/checks.sh
TEST_fuzz = userspace/fuzz/checks.sh
TEST_safety = .ci/safety.py --self-test
TEST_clang_safety = .ci/clang_safety.py
TEST_exceptions = .ci/exceptions.py
TEST_references = .ci/references.py doc/safety.md doc/memory-model.md
TEST_models = $(BUILD)/models/models doc/memory-model.md
TEST_bench = bench/checks.sh
TEST_plots = python3 bench/plots.py --self-test
TEST_replica = userspace/replica/checks.sh
TEST_bench_kernel = bench/kernel/checks.sh icount
TEST_bench_uml = bench/kernel/checks.sh uml
TEST_guest = $(VM) test --only "$$CNX_ONLY"
TEST_harness = $(VM) selftest --only "$$CNX_ONLY"
TEST_NEEDS := module module-uml userspace guest examples c-library-stub fuzz-programs unit-program unit-variants bench-program $(BUILD)/models/models

##@ Use
.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-zA-Z_.-]+:.*## / { printf "  %-22s %s\n", $$1, $$2 }' $(filter Makefile %.mk,$(MAKEFILE_LIST))

.PHONY: demo
demo: module userspace | packages kernel-image ## install, build, boot a VM and show messages going both ways
	$(Q)$(VM) demo

.PHONY: vm
vm: module userspace guest examples | packages kernel-image ## a shell in the VM with everything loaded (GDB=1 waits for a debugger)
	$(if $(and $(GDB),$(filter-out nox,$(PACKAGES)x)),$(Q)userspace/vm/packages.sh debug)
	$(Q)$(VM) shell $(if $(GDB),--gdb)

.PHONY: test
test: $(TEST_NEEDS) | packages kernel-image ## run all tests (ONLY=pattern: the steps, files and tests of that name)
	$(Q)userspace/vm/suite.py --only '$(ONLY)' $(TEST_BESIDE:%=--beside %) $(foreach step,$(TEST_STEPS),'$(step)=$(TEST_$(step))')

# TIME= in seconds; MIX= as `cnx stress --mix` takes it; SEED= repeats a run.
TIME :=
STRESS_TIME := $(or $(TIME),120)
MIX := all
SEED :=
.PHONY: stress
stress: module userspace | packages kernel-image ## strain cnx in a VM with two CPUs (TIME=seconds MIX=scenarios SEED=number)
	$(Q)$(VM) run stress userspace/vm/stress.sh --timeout $$(( $(STRESS_TIME) + 180 )) --append 'cnx_stress=$(STRESS_TIME):$(MIX):$(SEED)'

include userspace/vm/debug/debug.mk

##@ Measure
# What is measured: the commit, and whether the tree differs from it.
COMMIT = $$(git describe --always --dirty 2>/dev/null || echo unknown)
.PHONY: bench-dispatch
bench-dispatch: bench-program ## benchmark the dispatch against its peers (BENCH_ARGS="--flavour qsbr", see --help)
	$(Q)$(BENCH) --out $(BUILD)/bench/dispatch.json --commit "$(COMMIT)" $(BENCH_ARGS)
	$(call say,JSON,$(BUILD)/bench/dispatch.json)

# How the in-kernel benchmark is timed, each with its needs: CONTRIBUTING.md says what it shows. UML_TREE= names the kernel
# of user-mode Linux, as userspace/vm/uml/tree.sh takes it.
MODE := icount
UML_TREE := stock
BENCH_NEEDS_icount := module kernel-image
BENCH_NEEDS_kvm := module kernel-image
BENCH_NEEDS_uml := module-uml
BENCH_KERNEL_JSON := $(BUILD)/bench/kernel$(if $(filter-out icount,$(MODE)),-$(MODE))$(if $(filter uml,$(MODE)),$(if $(filter-out stock,$(UML_TREE)),-smp)).json
.PHONY: bench-kernel
bench-kernel: ## measure cnx and the kernel's own connector in the same boot (MODE=icount, uml or kvm)
ifneq ($(BENCH_NEEDS_$(MODE)),)
bench-kernel: $(BENCH_NEEDS_$(MODE)) guest | packages
	$(Q)$(VM) bench $(BENCH_KERNEL_JSON) --mode $(MODE) $(if $(filter uml,$(MODE)),--tree "$$(cut -d' ' -f1 $(BUILD)/uml/module.settings)")
else
	@echo "cnx: there is no MODE="'$(MODE)'" of bench-kernel; use MODE=icount, MODE=uml or MODE=kvm." >&2; exit 1
endif

# One for each way to run the in-kernel benchmark. Those that are not there are left out.
KERNEL_RESULTS := kernel kernel-uml kernel-uml-smp kernel-kvm
.PHONY: plots
plots: | plot-packages ## turn the last benchmarks' figures into doc/benchmarks.md and doc/plots
	$(Q)/usr/bin/python3 bench/plots.py $(BUILD)/bench/dispatch.json $(KERNEL_RESULTS:%=$(BUILD)/bench/%.json) doc/benchmarks.md doc/plots

##@ Build
.PHONY: module
module: | packages ## build the kernel modules (KDIR=prepared kernel tree, ARCH=...)
.PHONY: userspace
userspace: $(BUILD)/libcnx.a $(BUILD)/libcnx.so.0 $(BUILD)/cnx ## build the client library and the cnx tool
.PHONY: unit-program unit-variants guest
unit-program: $(if $(UNIT),$(BUILD)/unit)
unit-variants: $(VARIANTS:%=$(BUILD)/unit-%)
guest: $(GUEST_PROGRAMS) $(BUILD)/guest/bench_kernel
.PHONY: examples
examples: $(EXAMPLE_PROGRAMS) ## build the examples of the client library, into build/examples

.PHONY: packages
packages: ## install the Debian packages that are missing
ifneq ($(PACKAGES),no)
	$(Q)userspace/vm/packages.sh build vm
endif

.PHONY: kernel-image
kernel-image: | packages ## fetch the stock kernel image into the cache (nothing is installed)
	$(Q)userspace/vm/kernel.sh image >/dev/null

.PHONY: clean
clean: ## remove what was built, and leave the cache
	$(Q)rm -rf $(BUILD) compile_commands.json

.PHONY: distclean
distclean: clean ## remove what was built, and the cache with the kernel image
	$(Q)rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/cnx"

include userspace/packaging/install.mk
include userspace/vm/matrix/matrix.mk
include userspace/vm/soak/soak.mk

##@ Check
.PHONY: unit
unit: unit-program | packages ## run the unit tests alone, under ASan and UBSan
	$(if $(UNIT),$(Q)$(BUILD)/unit --gtest_brief=1 $(if $(ONLY),--gtest_filter='*$(ONLY)*'))

include userspace/fuzz/fuzz.mk
include userspace/coverage/coverage.mk
include userspace/mutants/mutants.mk

.PHONY: lint
lint: compile_commands.json module | packages lint-packages uml-packages ## clang-format, clang-tidy, cppcheck, sparse, checkpatch, shellcheck, spelling, SAFETY comments
	$(Q)CNX_BUILD=. CNX_MODULE=$(BUILD) .ci/lint.sh

.PHONY: format
format: | lint-packages ## apply clang-format to all sources
	$(Q)find include kernel userspace bench -name '*.[ch]' -o -name '*.[ch]pp' | xargs -r clang-format-14 -i

.PHONY: lint-packages
lint-packages: | packages
ifneq ($(PACKAGES),no)
	$(Q)userspace/vm/packages.sh lint
endif

include userspace/test/models/models.mk

# ---------------------------------------------------------------------------------------------------- the module

MODULE_SOURCES := $(shell find kernel include bench/kernel/module -type f 2>/dev/null) userspace/vm/build-module.sh

# The settings of the last build, rewritten only when they change, so that a change of KDIR builds again.
$(BUILD)/module.settings: FORCE | packages
	@mkdir -p $(BUILD)
	@kdir='$(KDIR)'; [ -n "$$kdir" ] || kdir=$$(userspace/vm/kernel.sh headers); \
	userspace/vm/kernel.sh check "$$kdir" $(KERNEL_MIN) $(KERNEL_MAX); \
	echo "$$kdir $(MODULE_VARIABLES)" | cmp -s - $@ || echo "$$kdir $(MODULE_VARIABLES)" >$@

$(BUILD)/module.built: $(BUILD)/module.settings $(MODULE_SOURCES) | packages
	@printf '  %-7s %s\n' MODULE "for $$(cut -d' ' -f1 $<)"
	+$(Q)userspace/vm/build-module.sh $(BUILD) $$(cat $<)
	@touch $@

module: $(BUILD)/module.built

# The same for user-mode Linux, whose tree is made first where it is not in the cache.
.PHONY: module-uml
module-uml: | packages uml-packages
	+$(Q)tree=$$(userspace/vm/uml/tree.sh '$(UML_TREE)') && \
	$(MAKE) --no-print-directory module PACKAGES=no BUILD=$(BUILD)/uml KDIR="$$tree" ARCH=um

# ---------------------------------------------------------------------------------------------------- user space

$(BUILD)/plain/%.o: %.cpp Makefile | packages
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)$(CACHED)$(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/plain/%.o: %.c Makefile | packages
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CACHED)$(CC) -Iinclude $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/pic/%.o: %.cpp Makefile | packages
	$(call say,CXX,$< (shared))
	@mkdir -p $(@D)
	$(Q)$(CACHED)$(CXX) $(CPPFLAGS) $(CXXFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<

$(BUILD)/asan/%.o: %.cpp Makefile | packages
	$(call say,CXX,$< (sanitized))
	@mkdir -p $(@D)
	$(Q)$(CACHED)$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(SANITIZE) -MMD -MP -c -o $@ $<

$(BUILD)/libcnx.a: $(CLIENT_OBJECTS) | packages
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $(CLIENT_OBJECTS)

# For programs in C and what can call C; its number changes when they would have to be built again.
$(BUILD)/libcnx.so.0: $(SHARED_OBJECTS) userspace/client/libcnx.map | packages
	$(call say,LINK,$@)
	$(Q)$(CXX) $(CXXFLAGS) -shared -Wl,-soname,libcnx.so.0 -Wl,--version-script,userspace/client/libcnx.map -Wl,-z,defs -o $@ $(SHARED_OBJECTS)

# Static, so that the guest needs no libraries.
$(BUILD)/cnx: $(CLI_OBJECTS) $(BUILD)/libcnx.a
	$(call say,LINK,$@)
	$(Q)$(CXX) $(CXXFLAGS) -static -o $@ $^ $(CLI_LIBS)

# A description of the terminal that nearly all others understand, for machines that have no such descriptions.
$(BUILD)/generated/vt100.inc: Makefile | packages
	@mkdir -p $(@D)
	$(Q)infocmp -0 -Q2 vt100 | sed -n 's/^b64:.*/"&"/p' >$@
	@test -s $@
$(BUILD)/plain/userspace/cli/screen.o: $(BUILD)/generated/vt100.inc

$(BUILD)/guest/%: $(BUILD)/plain/userspace/test/guest/%.o $(BUILD)/libcnx.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CXXFLAGS) -static -pthread -o $@ $^

$(BUILD)/examples/%: $(BUILD)/plain/userspace/examples/%.o $(BUILD)/libcnx.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CXXFLAGS) -static -pthread -o $@ $^

$(BUILD)/guest/bench_kernel: $(BUILD)/plain/bench/kernel/bench_kernel.o
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CXXFLAGS) -static -o $@ $^

# The shared library with an echo in the place of the kernel, for programs that are tested without one.
.PHONY: c-library-stub
c-library-stub: $(BUILD)/stub/libcnx.so.0
$(BUILD)/stub/libcnx.so.0: $(filter-out %/c_open.o,$(SHARED_OBJECTS)) $(BUILD)/pic/userspace/test/c_library/echo.o
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CXXFLAGS) -shared -Wl,-soname,libcnx.so.0 -Wl,--version-script,userspace/client/libcnx.map -Wl,-z,defs -o $@ $^

$(BUILD)/unit: $(UNIT_OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(CXXFLAGS) $(SANITIZE) -pthread -o $@ $^ -lgtest_main -lgmock -lgtest -lurcu-memb -lurcu-cds -lurcu-common -lz

# Less optimized, which halves the time to compile them. gcc then takes the error that a std::expected does not hold for
# one that is used; the other builds look for the mistakes that this would hide.
VARIANT_FLAGS = $(patsubst -O2,-O1,$(patsubst -g,-g1,$(CXXFLAGS))) -Wno-maybe-uninitialized
define variant
$(BUILD)/$(1)/%.o: %.cpp Makefile | packages
	$$(call say,CXX,$$< ($(1)))
	@mkdir -p $$(@D)
	$$(Q)$$(CACHED)$$(CXX) $$(CPPFLAGS) $$(VARIANT_FLAGS) $$(VARIANT_FLAGS_$(1)) -MMD -MP -c -o $$@ $$<

$(BUILD)/unit-$(1): $(call variant_objects,$(1))
	$$(call say,LINK,$$@)
	$$(Q)$$(CXX) $$(VARIANT_FLAGS) $$(VARIANT_FLAGS_$(1)) -pthread -o $$@ $$^ -lgtest_main -lgmock -lgtest $$(VARIANT_LIBS_$(1))
endef
$(foreach name,$(VARIANTS),$(eval $(call variant,$(name))))

# ------------------------------------------------------------------------------------------------- the benchmark

# Everything in it is compiled alike, cnx and its peers, as their authors release them. liburcu's per-thread variables
# need no code at the start of a thread, which C++ would otherwise look for before each use.
BENCH_FLAGS := -std=c++23 -O2 -g1 -DNDEBUG -fno-extern-tls-init
BENCH_CPPFLAGS := -Iinclude -Iuserspace/replica/include -I$(BUILD)/bench
BENCH_SOURCES := $(wildcard bench/*.cpp) $(file <$(BUILD)/bench/peers.sources)
BENCH_OBJECTS := $(patsubst bench/%.cpp,$(BUILD)/bench/%.o,$(BENCH_SOURCES))
BENCH := $(BUILD)/bench/dispatch

# Which peers there are is found out first, and decides in a second make what is compiled.
.PHONY: bench-program
bench-program: | packages bench-packages
	$(Q)bench/peers.sh $(CXX) $(BUILD)/bench
	+$(Q)$(MAKE) --no-print-directory PACKAGES=no $(BENCH)

$(BUILD)/bench/%.o: bench/%.cpp Makefile
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)$(CACHED)$(CXX) $(BENCH_CPPFLAGS) $(BENCH_FLAGS) -Wall -Wextra -Werror -DCNX_BENCH_FLAGS='"$(BENCH_FLAGS)"' -MMD -MP -c -o $@ $<

$(BENCH): $(BENCH_OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(BENCH_FLAGS) -pthread -o $@ $^ -lbenchmark -lurcu-memb -lurcu-mb -lurcu-qsbr -lurcu-common $(file <$(BUILD)/bench/peers.libs)

.PHONY: bench-packages plot-packages uml-packages fuzz-packages
bench-packages plot-packages uml-packages fuzz-packages: | packages
ifneq ($(PACKAGES),no)
	$(Q)userspace/vm/packages.sh $(@:-packages=)
endif

USER_SOURCES := $(CLIENT) $(CLI) $(UNIT) $(GUEST) $(filter %.cpp,$(EXAMPLES)) userspace/test/safety/instances.cpp
compile_commands.json: $(USER_SOURCES) $(BUILD)/generated/vt100.inc Makefile $(wildcard $(BUILD)/module.built) | packages ## for editors and clang-tidy (covers the module once it is built)
	$(Q)userspace/vm/compile_commands.py $@ $(BUILD) '$(CXX) $(CPPFLAGS) $(CXXFLAGS)' $(USER_SOURCES)

-include $(patsubst %.o,%.d,$(CLIENT_OBJECTS) $(SHARED_OBJECTS) $(BUILD)/pic/userspace/test/c_library/echo.o $(CLI_OBJECTS) $(UNIT_OBJECTS) $(GUEST_OBJECTS) $(call object,plain,$(EXAMPLES)) $(BUILD)/plain/bench/kernel/bench_kernel.o $(BENCH_OBJECTS) $(foreach name,$(VARIANTS),$(call variant_objects,$(name))))

.PHONY: FORCE
FORCE:
.SECONDARY:
