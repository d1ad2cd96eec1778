# SPDX-License-Identifier: Apache-2.0
#
# cattach. Plain GNU make, non-recursive but for the other modes, everything below build/.
#
#   make [MODE=release|debug|asan|cov] [LINK=static|dynamic] [V=1] [WERROR=1]
#
# A packager's CC, CFLAGS, CPPFLAGS, LDFLAGS, LDLIBS, PREFIX and DESTDIR are honoured; flags that
# the code cannot do without are added before them. "make help" lists the targets.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.SUFFIXES:
.DELETE_ON_ERROR:

MODE ?= release
LINK ?= static
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBEXECDIR ?= $(PREFIX)/libexec
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
DOCDIR ?= $(DATADIR)/doc/cattach
UNITDIR ?= $(PREFIX)/lib/systemd

ifeq ($(origin CC),default)
CC := gcc
endif
CC ?= gcc
AR ?= gcc-ar
ifeq ($(origin AR),default)
AR := ar
endif
INSTALL ?= install
CLANG_FORMAT ?= clang-format
CLANG_TIDY ?= clang-tidy
CPPCHECK ?= cppcheck

ifeq ($(filter $(MODE),release debug asan cov),)
$(error MODE=$(MODE): not a mode; use release, debug, asan or cov)
endif
ifeq ($(filter $(LINK),static dynamic),)
$(error LINK=$(LINK): not a way of linking; use static or dynamic)
endif

# V=1 shows the commands.
ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n'
endif

B := build/$(MODE)
init_program := $(if $(wildcard src/init/*.c),$(B)/cattach-init)
layers := base ns cgroups oci conmon copy container dropin cli

# ---- which targets build nothing themselves (they work before the compiler is installed) -------

house_targets := help deps deps-check deps-vm deps-all run check check-vm check-all clean dist uninstall format \
	cppcheck asan cov examples
goals := $(or $(MAKECMDGOALS),all)
ifneq ($(filter-out $(house_targets) build/%,$(goals))$(filter $(B)/%,$(goals)),)
building := yes
endif

other_names := $(B)/cattach-oci $(B)/cattach-conmon
all: $(B)/cattach $(other_names) $(init_program) examples ## build the program, its init and the example rootfs
.PHONY: all

# ---- what the compiler and the libraries can do ------------------------------------------------

empty :=
config := build/config-$(LINK)-$(subst /,_,$(subst $(empty) $(empty),_,$(strip $(CC)))).mk
ifdef building
include $(config)
endif

$(config): tools/probe.sh
	@mkdir -p build
	@tools/probe.sh $(LINK) $(CC) > $@.$$$$ && mv $@.$$$$ $@ || { rm -f $@.$$$$; exit 1; }

# ---- flags -------------------------------------------------------------------------------------

warnings := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
	-Wpointer-arith -Wswitch-enum -Wundef -Wcast-align $(probed_warnings)
ifeq ($(WERROR),1)
warnings += -Werror
endif

# Packagers who set the level of _FORTIFY_SOURCE get theirs.
ifeq ($(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),)
fortify := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(probed_fortify)
endif

release_cflags := -O2 -g
debug_cflags := -Og -g3 -DCT_DEBUG=1
asan_cflags := -O1 -g1 -fno-omit-frame-pointer -DCT_DEBUG=1
cov_cflags := -O0 -g -DCT_DEBUG=1
release_instrument :=
debug_instrument :=
asan_instrument := -fsanitize=address,undefined -fno-sanitize-recover=all
cov_instrument := --coverage
ifneq ($(filter asan cov,$(MODE)),)
fortify :=
endif

# A packager's CFLAGS stand in for optimisation and debug information alone.
ifneq ($(filter environment command\ line,$(origin CFLAGS)),)
release_cflags :=
endif

# The same source gives the same bytes wherever it is built.
reproducible := -ffile-prefix-map=$(CURDIR)=. -Wdate-time

ct_cppflags := -D_GNU_SOURCE -Iinclude -I$(B)/gen $(lib_cflags) $(fortify)
ct_cflags := -std=gnu11 -fPIE $(warnings) $(probed_cflags) $(reproducible) $($(MODE)_cflags)
compile = $(CC) $(ct_cppflags) $(CPPFLAGS) $(ct_cflags)
ct_ldflags := -pie $(probed_ldflags) -Wl,--as-needed

# $(call update,COMMAND): the target is what COMMAND prints, and is touched only when that changed.
update = @mkdir -p $(@D) && { $(1); } > $@.$$$$ && \
	if cmp -s $@.$$$$ $@; then rm -f $@.$$$$; else mv -f $@.$$$$ $@; fi

# ---- version -----------------------------------------------------------------------------------

# A checkout says how far it is from the release; a tarball says the release.
version := $(shell cat VERSION)
ifneq ($(wildcard .git),)
described := $(shell git describe --tags --always --dirty --match 'v[0-9]*' 2> /dev/null)
commit := $(if $(described),$(shell git rev-parse --short=12 HEAD 2> /dev/null))
endif
full_version := $(version)$(if $(commit),+g$(commit)$(if $(findstring -dirty,$(described)),.dirty))
ifeq ($(described),v$(version))
full_version := $(version)
endif

$(B)/gen/cattach/version.h: FORCE
	$(call update,printf '%s\n' '/* Made by the Makefile from the file VERSION. */' \
		'#define CT_VERSION "$(version)"' \
		'#define CT_VERSION_FULL "$(full_version)"' \
		'#define CT_COMMIT "$(commit)"')

# ---- objects -----------------------------------------------------------------------------------

sources := $(wildcard $(layers:%=src/%/*.c))
main_source := src/cli/main.c
lib_objects := $(patsubst %.c,$(B)/obj/%.o,$(filter-out $(main_source),$(sources)))
main_object := $(patsubst %.c,$(B)/obj/%.o,$(filter $(main_source),$(sources)))
init_sources := $(wildcard src/init/*.c)
init_objects := $(patsubst %.c,$(B)/obj/%.o,$(init_sources))
all_objects := $(lib_objects) $(main_object) $(init_objects)

# Changed flags rebuild: the file holds the command line of the last build.
flags_now := $(compile) $(CFLAGS) | $(ct_ldflags) $(LDFLAGS) $(lib_ldlibs) $(LDLIBS)
$(B)/flags: FORCE
	$(call update,printf '%s\n' '$(subst ','\'',$(flags_now))')

instrument := $($(MODE)_instrument)

$(B)/obj/%.o: %.c $(B)/flags | $(B)/gen/cattach/version.h
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(compile) $(instrument) $(CFLAGS) -MMD -MP -c -o $@ $<

# The archive is made anew: ar would keep the object of a source that is gone.
$(B)/libcattach.a: $(lib_objects) $(B)/sources
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcsD $@ $(lib_objects)

$(B)/sources: FORCE
	$(call update,printf '%s\n' $(sources) $(init_sources))

$(B)/cattach: $(main_object) $(B)/libcattach.a
	$(say) LD $@
	$(Q)$(CC) $(instrument) $(ct_cflags) $(CFLAGS) $(ct_ldflags) $(LDFLAGS) -o $@ $^ \
		$(lib_ldlibs) $(LDLIBS)

# The init is linked statically, for it runs in any rootfs: no sanitizer there, no coverage.
ifneq ($(instrument),)
$(B)/cattach-init: build/release/cattach-init
	$(Q)mkdir -p $(@D) && install -m 755 $< $@
else
$(B)/cattach-init: $(init_objects) $(B)/libcattach.a
	$(say) LD $@
	$(Q)$(CC) $(ct_cflags) $(CFLAGS) $(probed_ldflags) $(LDFLAGS) $(probed_static) -o $@ $^
endif

# ---- unit tests --------------------------------------------------------------------------------

# tests/unit/test_json.c has suite_json(); the table of all of them is made from the names.
unit_sources := $(sort $(wildcard tests/unit/test_*.c))
unit_helpers := $(filter-out $(unit_sources),$(wildcard tests/unit/*.c))
unit_objects := $(patsubst %.c,$(B)/obj/%.o,$(unit_sources) $(unit_helpers))
unit_names := $(patsubst tests/unit/test_%.c,%,$(unit_sources))

# Asked for each time, not kept with the other answers: "make" may have been run before Check was
# installed ("make run" first and "make check" after it).
have_check = $(shell pkg-config --exists check 2> /dev/null && echo yes)
check_cflags = $(eval check_cflags := $(shell pkg-config --cflags check 2> /dev/null))$(check_cflags)
check_ldlibs = $(shell pkg-config --libs check 2> /dev/null)

$(B)/gen/suites.h: FORCE
	$(call update,printf 'SUITE(%s)\n' $(unit_names))

$(B)/obj/tests/%.o: tests/%.c $(B)/flags | $(B)/gen/cattach/version.h $(B)/gen/suites.h
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(compile) -Isrc $(check_cflags) -Wno-missing-prototypes $(instrument) $(CFLAGS) \
		-MMD -MP -c -o $@ $<

$(B)/unit-tests: $(unit_objects) $(B)/libcattach.a
	$(if $(have_check),,$(error Check not found: apt-get install check (or: make deps-check)))
	$(say) LD $@
	$(Q)$(CC) $(instrument) $(ct_cflags) $(CFLAGS) $(ct_ldflags) $(LDFLAGS) -o $@ $^ \
		$(lib_ldlibs) $(check_ldlibs) $(LDLIBS)

unit-tests: $(B)/unit-tests ## build the unit tests of this mode (run: build/MODE/unit-tests)
.PHONY: unit-tests

# ---- programs that tests use -------------------------------------------------------------------

# Each corpus is fed to its target by tests/fuzz/replay.c; with CC=clang a fuzzer can link instead.
fuzz_targets := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
$(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(B)/obj/tests/fuzz/replay.o $(B)/libcattach.a
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) $(instrument) $(ct_cflags) $(CFLAGS) $(ct_ldflags) $(LDFLAGS) -o $@ $^ \
		$(lib_ldlibs) $(LDLIBS)

# Small static programs that command tests run inside containers: tests/cli/probe/NAME.c.
probes := $(patsubst tests/cli/probe/%.c,$(B)/probe/%,$(wildcard tests/cli/probe/*.c))
$(B)/probe/%: tests/cli/probe/%.c $(B)/flags
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(compile) $(CFLAGS) $(LDFLAGS) -static -no-pie -o $@ $<

fuzz-replay: $(fuzz_targets)
test-probes: $(probes)
.PHONY: fuzz-replay test-probes
.SECONDARY:

# ---- the other modes ---------------------------------------------------------------------------

# "make build/debug/cattach" works whatever MODE is.
other_modes := $(filter-out $(MODE),release debug asan cov)
$(foreach m,$(other_modes),$(eval build/$(m)/%: FORCE ; @$$(MAKE) --no-print-directory MODE=$(m) $$@))

asan: ## build with AddressSanitizer and UndefinedBehaviorSanitizer
	$(Q)$(MAKE) --no-print-directory MODE=asan build/asan/cattach build/asan/cattach-init
cov: ## build for coverage
	$(Q)$(MAKE) --no-print-directory MODE=cov build/cov/cattach build/cov/cattach-init
.PHONY: asan cov

# ---- example bundles ---------------------------------------------------------------------------

examples: ## assemble examples/bundles/rootfs from busybox-static
	$(Q)tools/make-rootfs.sh examples/bundles/rootfs
.PHONY: examples

# ---- set-up, tests -----------------------------------------------------------------------------

deps: ## install what building and running need (apt-get, through sudo when not root)
	@tools/deps.sh build
deps-check: ## the same, and what the tests need
	@tools/deps.sh build check
run: deps ## set up, build and run an example bundle as an unprivileged user
	$(Q)$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc)) all
	$(Q)tools/demo.sh
check: deps-check ## every test that needs nothing but this machine
	$(Q)tests/run.sh check
deps-vm: ## what building, testing and virtual machines for tests need
	@tools/deps.sh build check vm
check-vm: deps-vm ## tests in virtual machines: limits, and systemd (tests/vm)
	$(Q)tests/run.sh vm
deps-all: ## all of it, and what analysis and comparisons need
	@tools/deps.sh build check analysis podman vm
check-all: deps-check ## what "make check" leaves out: static analysis, virtual machines, a storm
	-$(Q)tools/deps.sh analysis
	-$(Q)tools/deps.sh podman
	-$(Q)tools/deps.sh vm
	$(Q)tests/run.sh all
acceptance: all $(B)/probe/lines ## gigabytes, thousands of runs, hundreds of kills: nothing is lost, nothing stays
	$(Q)tests/acceptance/run.sh full
soak: ## ten minutes of commands of every kind on twenty names at a time (deps-check installs what it needs)
	$(Q)tests/run.sh storm 600
bench: all $(addprefix $(B)/bench/,floor timer confine conmon_client) $(B)/probe/lines ## what things cost, beside floors and peers
	$(Q)bench/run.sh $(B)
	$(Q)bench/exec.sh $(B)
.PHONY: deps deps-check deps-vm deps-all run check check-vm check-all acceptance soak bench

$(other_names): $(B)/cattach
	$(Q)ln -sf cattach $@

$(B)/bench/%: bench/%.c $(B)/libcattach.a
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(compile) -Isrc $(CFLAGS) $(ct_ldflags) $(LDFLAGS) -o $@ $^ $(lib_ldlibs) $(LDLIBS)

# ---- installation ------------------------------------------------------------------------------

man_pages := $(wildcard man/*.1)
man_pages_8 := $(wildcard man/*.8)

install: all ## install below $(DESTDIR)$(PREFIX)
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBEXECDIR)/cattach $(DESTDIR)$(DOCDIR)
	$(INSTALL) -m 755 $(B)/cattach $(DESTDIR)$(BINDIR)/cattach
	ln -sf cattach $(DESTDIR)$(BINDIR)/cattach-oci
	ln -sf cattach $(DESTDIR)$(BINDIR)/cattach-conmon
	$(if $(init_program),$(INSTALL) -m 755 $(init_program) $(DESTDIR)$(LIBEXECDIR)/cattach/cattach-init)
	$(INSTALL) -m 644 LICENSE $(wildcard *.md) $(DESTDIR)$(DOCDIR)
	$(INSTALL) -d $(DESTDIR)$(UNITDIR)/user $(DESTDIR)$(UNITDIR)/system
	for kind in user system; do sed 's,@BINDIR@,$(BINDIR),' contrib/systemd/cattach-restart.service.in \
		> $(DESTDIR)$(UNITDIR)/$$kind/cattach-restart.service; done
	chmod 644 $(DESTDIR)$(UNITDIR)/*/cattach-restart.service
ifneq ($(man_pages),)
	$(INSTALL) -d $(DESTDIR)$(MANDIR)/man1
	$(INSTALL) -m 644 $(man_pages) $(DESTDIR)$(MANDIR)/man1
	$(INSTALL) -d $(DESTDIR)$(MANDIR)/man8
	$(INSTALL) -m 644 $(man_pages_8) $(DESTDIR)$(MANDIR)/man8
endif

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(BINDIR)/cattach $(DESTDIR)$(BINDIR)/cattach-oci \
		$(DESTDIR)$(BINDIR)/cattach-conmon $(DESTDIR)$(LIBEXECDIR)/cattach/cattach-init
	rm -f $(man_pages:man/%=$(DESTDIR)$(MANDIR)/man1/%) $(man_pages_8:man/%=$(DESTDIR)$(MANDIR)/man8/%)
	rm -f $(DESTDIR)$(UNITDIR)/user/cattach-restart.service $(DESTDIR)$(UNITDIR)/system/cattach-restart.service
	rm -rf $(DESTDIR)$(DOCDIR)
	-rmdir $(DESTDIR)$(LIBEXECDIR)/cattach 2> /dev/null
.PHONY: install uninstall

# ---- upkeep ------------------------------------------------------------------------------------

c_sources := $(sources) $(init_sources)
c_tests := $(unit_sources) $(filter tests/unit/%.c,$(unit_helpers)) $(wildcard tests/fuzz/*.c)

# $(call need,COMMAND): say which package has it.
need = @command -v $(firstword $(1)) > /dev/null || \
	{ echo "error: $(firstword $(1)) not found: apt-get install $(firstword $(1)) (or: make deps-all)" >&2; exit 1; }

# Only what was changed: tables and comments that somebody aligned by hand stay as they are.
format: ## format the lines that you changed since the last commit (FILES="..." for whole files)
	$(call need,$(CLANG_FORMAT))
ifdef FILES
	$(Q)$(CLANG_FORMAT) -i $(FILES)
else
	$(Q)git diff -U0 --no-color HEAD -- '*.[ch]' | $(CLANG_FORMAT)-diff -p1 -i
endif

# One process per file, as many as there are processors.
tidy: compdb ## clang-tidy over the sources (FILES="..." for some of them)
	$(call need,$(CLANG_TIDY))
	$(Q)printf '%s\n' $(or $(FILES),$(c_sources)) | \
		CLANG_TIDY='$(CLANG_TIDY)' xargs -P $$(nproc) -n 1 tools/tidy.sh

cppcheck: ## cppcheck over the sources
	$(call need,$(CPPCHECK))
	$(Q)$(CPPCHECK) --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
		--error-exitcode=1 --suppressions-list=tools/cppcheck.txt -j $$(nproc) \
		-D_GNU_SOURCE -D__linux__ -D__x86_64__ -Iinclude $(or $(FILES),$(c_sources))

# Without the flags that not every compiler knows.
compdb: $(B)/gen/cattach/version.h $(B)/gen/suites.h ## write compile_commands.json for editors and clang-tidy
	$(Q)tools/compdb.py '$(filter-out $(probed_cflags) $(probed_warnings),$(compile)) -Isrc' $(c_sources) $(c_tests) > compile_commands.json
.PHONY: format tidy cppcheck compdb

# A tarball of what is committed, or of this tree when it is a tarball's. The same bytes each time.
DISTDIR ?= build
dist_name := cattach-$(version)
dist: ## write build/cattach-VERSION.tar.gz, which builds without .git
	@mkdir -p $(DISTDIR)
ifneq ($(wildcard .git),)
	$(Q)git archive --format=tar --prefix=$(dist_name)/ HEAD | gzip -n > $(DISTDIR)/$(dist_name).tar.gz
else
	$(Q)tar --sort=name --owner=0 --group=0 --numeric-owner --exclude=./build \
		--exclude=./examples/bundles/rootfs --transform='s,^\.,$(dist_name),' -cf - . | \
		gzip -n > $(DISTDIR)/$(dist_name).tar.gz
endif
	$(say) DIST $(DISTDIR)/$(dist_name).tar.gz
.PHONY: dist

clean: ## remove everything that was built
	rm -rf build examples/bundles/rootfs compile_commands.json
.PHONY: clean

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16
	@echo
	@echo 'Variables: MODE=release|debug|asan|cov LINK=static|dynamic V=1 WERROR=1 CC CFLAGS'
	@echo '           CPPFLAGS LDFLAGS DESTDIR PREFIX'
.PHONY: help

FORCE:
.PHONY: FORCE

-include $(all_objects:.o=.d) $(unit_objects:.o=.d)
