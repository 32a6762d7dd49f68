# factstr -- an append-only fact store with query-defined consistency
#
# The PostgreSQL extension is built by PGXS:
#
#     make && make install && make installcheck     [PG_CONFIG=/path/to/pg_config]
#
# Also in another directory, with make -f /path/to/this/Makefile; the products are then in that directory.
#
# test, demo, bench and lint need none of that: they install the Debian packages
# they use, and build into a private PostgreSQL installation.

PG_CONFIG ?= pg_config

# Where the sources are, before PGXS says so in srcdir.
TOP := $(patsubst %/,%,$(dir $(firstword $(MAKEFILE_LIST))))
sources = $(patsubst $(TOP)/%,%,$(sort $(wildcard $(addprefix $(TOP)/,$(1)))))

EXTENSION  = factstr
MODULE_big = factstr
PGFILEDESC = "factstr - fact store with query-defined consistency"

# The control file is the only place that knows the version.
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" $(TOP)/factstr.control)

OBJS := $(patsubst %.c,%.o,$(call sources,src/*.c src/*/*.c))

INCLUDED := $(call sources,src/*.h src/*/*.h)

# The full script is a copy of sql/factstr.sql, made here and not committed.
# Upgrade scripts are committed, one for every release.
SCRIPT     := sql/$(EXTENSION)--$(EXTVERSION).sql
DATA_built  = $(SCRIPT)
DATA       := $(call sources,sql/$(EXTENSION)--*--*.sql)

# Where installcheck leaves its results: here, or, if another user has built the
# tree and it is not writable, in a new directory below TMPDIR.
RESULTS = .
ifneq ($(filter installcheck,$(MAKECMDGOALS)),)
ifneq ($(shell test -w . && echo writable),writable)
RESULTS := $(shell mktemp -d "$${TMPDIR:-/tmp}/factstr-results.XXXXXX")
$(info The results will be in $(RESULTS), since this directory is not writable.)
endif
$(shell test -e "$(RESULTS)/expected" || ln -s "$(abspath $(TOP))/expected" "$(RESULTS)/expected")
endif

# expected/ lies at the top: pg_regress looks for it both in its input and in
# its output directory.
REGRESS       := $(basename $(notdir $(call sources,test/sql/*.sql)))
REGRESS_OPTS   = --inputdir=$(TOP)/test --outputdir=$(RESULTS) --encoding=UTF8
# pg_regress does this itself from 15 on.
export PG_ABS_SRCDIR = $(abspath $(srcdir)/test)
ISOLATION     := $(basename $(notdir $(call sources,test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=$(TOP)/test --outputdir=$(RESULTS) --encoding=UTF8

PG_CPPFLAGS = -I$(srcdir)/src

# The warnings with which our own tests build, except those that PostgreSQL's
# headers cause.
ifeq ($(WERROR),1)
PG_CFLAGS += -Werror -Wextra -Wshadow -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers
endif

EXTRA_CLEAN = $(SCRIPT)

# An absent pg_config is no error yet: test, demo and bench install it.
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(wildcard $(PGXS)),)
include $(PGXS)
else
all install uninstall installcheck:
	@echo "PostgreSQL's server development files were not found: '$(PG_CONFIG) --pgxs' must name a file." >&2
	@echo "Install them (Debian: apt-get install postgresql-server-dev-15) or set PG_CONFIG." >&2
	@exit 1

clean:
	rm -rf $(OBJS) $(OBJS:.o=.bc) $(MODULE_big).so $(EXTRA_CLEAN)
endif

$(OBJS) $(OBJS:.o=.bc): $(INCLUDED)

# By their full names, or make would find those of the sources.
DIRECTORIES := $(addprefix $(CURDIR)/,$(sort $(dir $(OBJS) $(SCRIPT))))

$(OBJS) $(OBJS:.o=.bc) $(SCRIPT): | $(DIRECTORIES)

$(DIRECTORIES):
	mkdir -p $@

$(SCRIPT): sql/$(EXTENSION).sql $(EXTENSION).control
	cp $< $@

# The extension alone, as a directory that a server of PostgreSQL 18 or newer can mount anywhere: its share/ belongs
# into extension_control_path, its lib/ into dynamic_library_path.
extension-image: all
	@test -n "$(DESTDIR)" || { echo "make extension-image needs DESTDIR=directory" >&2; exit 1; }
	$(INSTALL) -d "$(DESTDIR)/lib" "$(DESTDIR)/share/extension"
	$(INSTALL_SHLIB) $(MODULE_big)$(DLSUFFIX) "$(DESTDIR)/lib/"
	$(INSTALL_DATA) $(EXTENSION).control $(DATA) $(DATA_built) "$(DESTDIR)/share/extension/"

# The archive for PGXN: the files of HEAD, the same bytes on every machine.
dist:
	@test/run/metadata >/dev/null || { test/run/metadata | grep -A9 '^not ok' >&2; exit 1; }
	TZ=UTC git archive --format=zip --prefix=$(EXTENSION)-$(EXTVERSION)/ -o $(EXTENSION)-$(EXTVERSION).zip HEAD

clean: clean-memstore

clean-memstore:
	@if test -f memstore/Makefile; then $(MAKE) -C memstore clean; fi

# make soak [SOAK="cuts fuzz"]: the long versions of the tests; scripts/soak tells which there are.
soak:
	@$(TOP)/scripts/soak $(SOAK)

# make test [SUITES="regress tap"] [TESTS="test/t/005_crash.pl"]: make puts the
# variables of its command line into the environment of these.
test:
	@$(TOP)/scripts/test

demo:
	@$(TOP)/scripts/demo

bench:
	@$(TOP)/scripts/bench

lint:
	@$(TOP)/scripts/lint

docs:
	@$(TOP)/scripts/install-packages docs
	@$(TOP)/scripts/site

.PHONY: extension-image dist clean-memstore test soak demo bench lint docs
