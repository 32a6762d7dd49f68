# factstr -- an append-only fact store with query-defined consistency
#
# The PostgreSQL extension is built by PGXS:
#
#     make && make install && make installcheck     [PG_CONFIG=/path/to/pg_config]
#
# test, demo, bench and lint need none of that: they install the Debian packages
# they use, and build into a private PostgreSQL installation.

PG_CONFIG ?= pg_config

EXTENSION  = factstr
MODULE_big = factstr
PGFILEDESC = "factstr - fact store with query-defined consistency"

# The control file is the only place that knows the version.
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" factstr.control)

OBJS := $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))

# src/match/ is written to be included, so everything in it counts as a header.
INCLUDED := $(wildcard src/*.h src/match/*)

# The full script is a copy of sql/factstr.sql, made here and not committed.
# Upgrade scripts are committed, one for every release.
SCRIPT     := sql/$(EXTENSION)--$(EXTVERSION).sql
DATA_built  = $(SCRIPT)
DATA       := $(sort $(wildcard sql/$(EXTENSION)--*--*.sql))

# expected/ lies at the top: pg_regress looks for it both in its input and in
# its output directory, and the latter is the current one.  The isolation
# tester's output directory has to be set to the current one for that.
REGRESS       := $(sort $(basename $(notdir $(wildcard test/sql/*.sql))))
REGRESS_OPTS   = --inputdir=test --encoding=UTF8
ISOLATION     := $(sort $(basename $(notdir $(wildcard test/specs/*.spec))))
ISOLATION_OPTS = --inputdir=test --outputdir=. --encoding=UTF8

PG_CPPFLAGS = -I$(srcdir)/src

# What our own tests build with.  The exceptions are what PostgreSQL's headers
# do not keep to.
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

$(SCRIPT): sql/$(EXTENSION).sql $(EXTENSION).control
	cp $< $@

clean: clean-memstore

clean-memstore:
	@if test -f memstore/Makefile; then $(MAKE) -C memstore clean; fi

# make soak [SOAK="cuts fuzz"]: the long versions of the tests; scripts/soak tells which there are.
soak:
	@scripts/soak $(SOAK)

# make test [SUITES="regress tap"] [PROVE_TESTS="test/t/001_restart.pl"]: make puts what
# is set on its command line into the environment of these.
test:
	@scripts/test

demo:
	@scripts/demo

bench:
	@scripts/bench

lint:
	@scripts/lint

.PHONY: clean-memstore test soak demo bench lint
