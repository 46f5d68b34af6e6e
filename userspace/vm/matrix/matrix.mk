# SPDX-License-Identifier: GPL-2.0-only
# Part of the Makefile: the kernels that cnx is built for and tested on, beside the stock one.

MATRIX := userspace/vm/matrix

.PHONY: test-matrix build-matrix matrix-packages
test-matrix: userspace guest examples ## build for many kernels, boot some, and keep README's table (ONLY=kernel)
build-matrix: ## the same without booting any
test-matrix build-matrix: | packages uml-packages matrix-packages
	$(Q)$(MATRIX)/fetch.sh update
	$(Q)status=0; userspace/vm/suite.py --patience 1800 --only '$(ONLY)' $(foreach name,$(shell $(MATRIX)/matrix.py names), \
		'$(name)=$(MATRIX)/matrix.py $(if $(filter build-matrix,$@),build,run) $(name)') || status=$$?; \
	$(MATRIX)/matrix.py table; exit $$status

matrix-packages: | packages
ifneq ($(PACKAGES),no)
	$(Q)userspace/vm/packages.sh matrix
endif
