# SPDX-License-Identifier: GPL-2.0-only
#
# How Kbuild compiles C++ here. A Kbuild file that includes this says cnx-cxx-objects := NAME.o ... first.
#
# A C++ unit is compiled with every code generation flag of the kernel's own C files, so that mitigations, tracing and
# unwinding are the same in it; what only C knows is left out.
CXX := $(CROSS_COMPILE)g++
cnx-c-only := -std=% -fconserve-stack%
cnx-codegen = $(filter-out $(cnx-c-only),$(filter -f% -m% -O% -pg --param%,\
	$(KBUILD_CFLAGS) $(KBUILD_CFLAGS_MODULE) $(CFLAGS_MODULE)))
# KASAN would register each global by a constructor, which cannot be told from one of ours.
cnx-sanitizers = $(if $(CONFIG_KASAN),$(CFLAGS_KASAN) --param asan-globals=0) $(if $(CONFIG_UBSAN),$(CFLAGS_UBSAN)) \
	$(if $(CONFIG_KCSAN),$(CFLAGS_KCSAN)) $(if $(CONFIG_KCOV),$(CFLAGS_KCOV))
# What they add is unlikely and would go to a part of its own, named after the function; objtool takes no such name of more
# than 128 characters.
cnx-sanitized = $(if $(strip $(cnx-sanitizers)),$(cnx-sanitizers) -fno-reorder-blocks-and-partition)
# KCSAN's calls bring a constructor of their own, at this priority, in C as well: it calls a function that does nothing.
# pahole of Debian 12 cannot read C++ debug information, so there is none unless a debugger is wanted (CNX_DEBUG=1).
cnx-cxx-flags = $(cnx-codegen) $(cnx-sanitized) $(if $(CNX_DEBUG),-g,-g0) \
	-std=gnu++23 -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-use-cxa-atexit -fcheck-new \
	-D__KERNEL__ -DMODULE -D_GLIBCXX_ASSERTIONS -include $(objtree)/include/generated/autoconf.h \
	-I$(CNX_SRC)/include -I$(CNX_SRC)/kernel -Wall -Wextra -Werror -Wno-missing-field-initializers

quiet_cmd_cnx_cxx = CXX [M]  $@
      cmd_cnx_cxx = $(CXX) -Wp,-MMD,$(depfile) $(cnx-cxx-flags) -c -o $@ $< $(cmd_objtool) ; \
	if $(OBJDUMP) -h $@ | $(if $(CONFIG_KCSAN),grep -vF .init_array.00099 |) grep -q -E '\.(init_array|ctors|fini_array|dtors)'; then \
		echo '$<: a static constructor or destructor, which the module loader never runs: make it constinit' >&2; \
		rm -f $@; false; fi

$(addprefix $(obj)/,$(cnx-cxx-objects)): $(obj)/%.o: $(src)/%.cpp FORCE
	$(call if_changed_dep,cnx_cxx)
