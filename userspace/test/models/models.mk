# SPDX-License-Identifier: GPL-2.0-only
# The models of the core's protocols, which the step models explores: see doc/memory-model.md.
MODEL_SOURCES := $(wildcard userspace/test/models/*.cpp)
MODEL_OBJECTS := $(call object,models,$(MODEL_SOURCES))

$(BUILD)/models/%.o: %.cpp Makefile userspace/test/models/models.mk | packages
	$(call say,CXX,$< (model))
	@mkdir -p $(@D)
	$(Q)$(CACHED)$(CXX) $(CPPFLAGS) -Iuserspace/test/models $(CXXFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/models/models: $(MODEL_OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CXX) $(CXXFLAGS) -o $@ $^

.PHONY: models
models: $(BUILD)/models/models ## explore every interleaving of the core's protocols (ONLY=pattern)
	$(Q)CNX_ONLY='$(ONLY)' $(BUILD)/models/models doc/memory-model.md

-include $(MODEL_OBJECTS:.o=.d)
