# SPDX-License-Identifier: GPL-2.0-only
# Part of the Makefile: what is installed, and how. doc/install.md is for those who install.

##@ Install
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
# What stands for / in what modules_install does.
INSTALL_MOD_PATH ?= $(DESTDIR)
PACKAGING := userspace/packaging

.PHONY: all
all: module userspace man ## build all that is installed

.PHONY: install uninstall
install: userspace man ## install the tool, the library, headers and manual (PREFIX=, DESTDIR=, LIBDIR=)
	$(Q)$(PACKAGING)/install.sh install '$(PREFIX)' '$(DESTDIR)' '$(LIBDIR)'
uninstall: ## remove them again
	$(Q)$(PACKAGING)/install.sh uninstall '$(PREFIX)' '$(DESTDIR)'

.PHONY: modules_install modules_uninstall
modules_install: module ## install the modules, loaded at boot (KDIR=, INSTALL_MOD_PATH=, MODULE_SIG_KEY=, MODULE_SIG_CERT=)
	$(Q)MODULE_SIG_KEY='$(MODULE_SIG_KEY)' MODULE_SIG_CERT='$(MODULE_SIG_CERT)' \
		$(PACKAGING)/modules.sh install '$(PREFIX)' '$(INSTALL_MOD_PATH)'
modules_uninstall: ## remove them again
	$(Q)$(PACKAGING)/modules.sh uninstall '$(PREFIX)' '$(INSTALL_MOD_PATH)'

.PHONY: install-dkms uninstall-dkms
install-dkms: ## have DKMS build and install the modules, now and for each new kernel (DESTDIR=)
	$(Q)$(PACKAGING)/dkms.sh install '$(DESTDIR)'
uninstall-dkms: ## remove them again
	$(Q)$(PACKAGING)/dkms.sh uninstall '$(DESTDIR)'

.PHONY: install-replica uninstall-replica
install-replica: ## install the headers of the core and the replica, for programs (PREFIX=, DESTDIR=)
	$(Q)userspace/replica/install.sh install '$(PREFIX)' '$(DESTDIR)'
uninstall-replica: ## remove them again
	$(Q)userspace/replica/install.sh uninstall '$(PREFIX)' '$(DESTDIR)'

.PHONY: deb
deb: userspace man | install-packages ## build the Debian packages, into build/deb
	$(Q)$(PACKAGING)/deb.sh '$(BUILD)/deb'

##@ Document
# The tool says itself what its verbs and options are.
MAN_TEXTS := $(wildcard doc/man/*)
$(BUILD)/man.made: $(BUILD)/cnx $(PACKAGING)/man.py $(MAN_TEXTS) include/cnx/version.h
	$(call say,MAN,$(BUILD)/man)
	$(Q)rm -rf $(BUILD)/man && $(PACKAGING)/man.py make $(BUILD)/cnx doc/man $(BUILD)/man
	@touch $@
.PHONY: man
man: $(BUILD)/man.made ## make the pages of the manual, into build/man

.PHONY: tool-doc
tool-doc: module userspace | packages kernel-image ## run each verb of the tool in the VM, and write doc/tool.md
	$(Q)userspace/vm/tool_doc.py doc/tool.md

.PHONY: install-packages
install-packages: | packages
ifneq ($(PACKAGES),no)
	$(Q)userspace/vm/packages.sh install
endif

TEST_STEPS += install dkms deb manual
TEST_install = $(PACKAGING)/install_checks.sh
TEST_dkms = $(PACKAGING)/dkms_checks.sh
TEST_deb = $(PACKAGING)/deb_checks.sh
TEST_manual = $(PACKAGING)/manual_checks.sh
test: man install-packages
