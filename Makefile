# pm - see README.md. Two commands to begin with: `make run` and `make test`.
#
# Everything built goes into $(BUILD), which may be given: `make BUILD=build/mine`. The flavours (asan, ubsan, ...) are this
# file called again with a BUILD and flags of their own. Every .c and .cc below cmd/ and lib*/ is taken up by itself, as is
# each tests/unit/test_*.c, tests/fuzz/fuzz_*.c and bench/bench_*.c as a program.

BUILD    ?= build
CC       := $(if $(filter default,$(origin CC)),gcc,$(CC))
CXX      := $(if $(filter default,$(origin CXX)),g++,$(CXX))
OPT      ?= -O2 -g
SAN      ?=
# Warnings that follow the flow of values see other code under a sanitizer: there they do not stop the build.
WERROR   ?= $(if $(SAN),,-Werror)
WARN     := -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
            -Wvla -Wwrite-strings -Wundef -Wformat=2 -Wno-unused-parameter $(WERROR)
WARNXX   := -Wall -Wextra -Wno-unused-parameter $(WERROR)
CPPFLAGS_PM := -D_GNU_SOURCE -I. $(CPPFLAGS)
CFLAGS_PM   := -std=gnu17 -fno-strict-aliasing -pthread $(WARN) $(OPT) $(SAN) $(CFLAGS)
CXXFLAGS_PM := -std=gnu++17 -fno-exceptions -pthread $(WARNXX) $(OPT) $(SAN) $(CXXFLAGS)
BANNED   := -include libtsdb/base/banned.h

# RE2 and the C++ library are linked in: loading them costs a short command more than its work does.
LINK     = $(CXX) $(OPT) $(SAN) -pthread $(LDFLAGS) -o $@ $(filter %.o %.a,$^)
LDLIBS   := -Wl,-Bstatic -lre2 -lyaml -lz -ljansson -lsnappy -lzstd -Wl,-Bdynamic -lroaring -static-libstdc++ -static-libgcc -lm -ldl -lpthread

PREFIX   ?= /usr/local
LISTEN   ?= 127.0.0.1:9090
VERSION  := $(shell sed -n 's/.*define PM_VERSION "\(.*\)".*/\1/p' libtsdb/pm.h)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

# What is done is named in one short line; V=1 shows the commands.
Q        := $(if $(V),,@)
say       = $(if $(V),,@printf '  %-5s %s\n' $(1) $(@:$(BUILD)/%=%))

# ---- what there is -------------------------------------------------------------------------------

src        = $(shell find $(1) \( -name '*.c' -o -name '*.cc' \) | LC_ALL=C sort)
objs       = $(patsubst %,$(BUILD)/obj/%.o,$(1))
TSDB_OBJ   := $(call objs,$(call src,libtsdb))
PROMQL_OBJ := $(call objs,$(call src,libpromql))
SCRAPE_OBJ := $(call objs,$(call src,libscrape))
CMD_OBJ    := $(call objs,$(filter-out cmd/main.c,$(call src,cmd)))
LIBS       := $(BUILD)/libpromql.a $(BUILD)/libscrape.a $(BUILD)/libtsdb.a

TEST_SRC   := $(wildcard tests/unit/test_*.c)
TEST_BIN   := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(TEST_SRC))
FUZZ_SRC   := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN   := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzzers/%,$(FUZZ_SRC))
SEEDS_BIN  := $(patsubst tests/fuzz/%.c,$(BUILD)/seeds/%,$(FUZZ_SRC))
BENCH_SRC  := $(wildcard bench/bench_*.c)
BENCH_BIN  := $(patsubst bench/%.c,$(BUILD)/bench/%,$(BENCH_SRC))
# Programs in C that the tests of other folders run beside pm, such as one that holds the writers' lock.
HELPER_SRC := $(wildcard tests/crash/*.c tests/stress/*.c tests/http/*.c tests/cli/*.c tests/format/*.c)
HELPER_BIN := $(patsubst tests/%.c,$(BUILD)/helpers/%,$(HELPER_SRC))
SUPPORT    := $(call objs,$(filter-out tests/support/fuzz_main.c,$(wildcard tests/support/*.c)))
BENCH_SUPPORT := $(call objs,$(filter-out $(BENCH_SRC),$(wildcard bench/*.c)))
PROGRAMS   := $(BUILD)/pm $(TEST_BIN) $(SEEDS_BIN) $(BENCH_BIN) $(HELPER_BIN)

# ---- building ------------------------------------------------------------------------------------

all: $(BUILD)/pm $(LIBS) ## build pm and the three libraries

# Objects depend on the flags they were made with, and archives on the list of their members: a stamp is written
# again only when its content changes.
define stamp
$(BUILD)/$(1).stamp: FORCE
	@mkdir -p $$(@D)
	@echo '$$($(2))' | cmp -s - $$@ || echo '$$($(2))' >$$@
endef
FLAGS_C  := $(CC) $(CPPFLAGS_PM) $(BANNED) $(CFLAGS_PM)
FLAGS_CXX:= $(CXX) $(CPPFLAGS_PM) $(CXXFLAGS_PM)
FLAGS_LD := $(CXX) $(OPT) $(SAN) $(LDFLAGS) $(LDLIBS)
$(eval $(call stamp,cc,FLAGS_C))
$(eval $(call stamp,cxx,FLAGS_CXX))
$(eval $(call stamp,link,FLAGS_LD))
$(eval $(call stamp,libtsdb,TSDB_OBJ))
$(eval $(call stamp,libpromql,PROMQL_OBJ))
$(eval $(call stamp,libscrape,SCRAPE_OBJ))
$(eval $(call stamp,libcmd,CMD_OBJ))

$(BUILD)/libtsdb.a: $(TSDB_OBJ) $(BUILD)/libtsdb.stamp
$(BUILD)/libpromql.a: $(PROMQL_OBJ) $(BUILD)/libpromql.stamp
$(BUILD)/libscrape.a: $(SCRAPE_OBJ) $(BUILD)/libscrape.stamp
$(BUILD)/libcmd.a: $(CMD_OBJ) $(BUILD)/libcmd.stamp
%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR)
	$(Q)ar rcs $@ $(filter %.o,$^)

$(BUILD)/obj/%.c.o: %.c $(BUILD)/cc.stamp
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS_PM) $(BANNED) $(CFLAGS_PM) -MMD -MP -c -o $@ $<
$(BUILD)/obj/%.cc.o: %.cc $(BUILD)/cxx.stamp
	@mkdir -p $(@D)
	$(call say,CXX)
	$(Q)$(CXX) $(CPPFLAGS_PM) $(CXXFLAGS_PM) -MMD -MP -c -o $@ $<

$(BUILD)/pm: $(BUILD)/obj/cmd/main.c.o $(BUILD)/libcmd.a $(LIBS) $(BUILD)/link.stamp
	$(call say,LINK)
	$(Q)$(LINK) $(LDLIBS)

# ---- programs of the tests -----------------------------------------------------------------------

# A program links the libraries that it includes headers of, and what these need: a library that does not
# build today stops its own tests, not those of the others.
uses = $(shell grep -slE '^\#include "$(1)/' $(TEST_SRC) $(FUZZ_SRC) $(BENCH_SRC) $(HELPER_SRC) /dev/null)
libs_of = $(if $(filter $(1),$(USES_CMD)),$(BUILD)/libcmd.a) \
          $(if $(filter $(1),$(USES_CMD) $(USES_PROMQL)),$(BUILD)/libpromql.a) \
          $(if $(filter $(1),$(USES_CMD) $(USES_SCRAPE)),$(BUILD)/libscrape.a) $(BUILD)/libtsdb.a
USES_CMD    := $(call uses,cmd)
USES_PROMQL := $(call uses,libpromql)
USES_SCRAPE := $(call uses,libscrape)

.SECONDEXPANSION:
$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.c.o $(SUPPORT) $$(call libs_of,tests/unit/%.c) $(BUILD)/link.stamp
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(LINK) -lcmocka $(LDLIBS)
$(BUILD)/fuzzers/%: $(BUILD)/obj/tests/fuzz/%.c.o $$(call libs_of,tests/fuzz/%.c) $(BUILD)/link.stamp
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(LINK) -fsanitize=fuzzer $(LDLIBS)
$(BUILD)/seeds/%: $(BUILD)/obj/tests/fuzz/%.c.o $(BUILD)/obj/tests/support/fuzz_main.c.o $$(call libs_of,tests/fuzz/%.c) \
		$(BUILD)/link.stamp
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(LINK) $(LDLIBS)
$(BUILD)/bench/%: $(BUILD)/obj/bench/%.c.o $(BENCH_SUPPORT) $$(call libs_of,bench/%.c) $(BUILD)/link.stamp
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(LINK) $(LDLIBS)
$(BUILD)/helpers/%: $(BUILD)/obj/tests/%.c.o $$(call libs_of,tests/%.c) $(BUILD)/link.stamp
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(LINK) $(LDLIBS)

programs: all $(PROGRAMS)

# ---- what people type ----------------------------------------------------------------------------

deps: ## install the packages that building needs, where missing
	@.ci/deps build

run: deps ## build and start pm serve on 127.0.0.1:9090 with its built-in configuration
	@$(MAKE) --no-print-directory -j"$$(nproc)" all
	@echo
	@echo "Starting pm serve; in the shell where you ask it, from this folder: PATH=$$PWD/$(BUILD):\$$PATH"
	@exec $(BUILD)/pm serve --listen $(LISTEN)

test: ## install what the tests need and run all of them (SUITE=unit: one suite)
	@.ci/deps test
	@BUILD=$(BUILD) tests/run $(SUITE)

bench: $(BENCH_BIN) ## build and run the benchmarks
	@for b in $(BENCH_BIN); do echo "== $${b##*/}"; $$b || exit 1; done

bench-peers: all $(BENCH_BIN) ## the same work by the peers (Debian's packages), for the ratios (PEERS="--full": all of it)
	@BUILD=$(BUILD) bench/against/run $(PEERS)

mutants: ## break the code in one place after the other and see the tests fail
	@BUILD=$(BUILD) tests/mutants/run

stress: all $(HELPER_BIN) ## many processes on one directory for STRESS_SECONDS (60)
	@BUILD=$(BUILD) STRESS_SECONDS=$${STRESS_SECONDS:-60} tests/stress/run

soak: all $(HELPER_BIN) $(BUILD)/tests/test_recover_crash $(BUILD)/tests/test_tsdb_damage ## thousands of kills (CRASH_KILLS, 3000) and of simulated machine crashes (CRASH_SEEDS, 3000), every byte damaged, then the stress test for STRESS_SECONDS (600)
	@CRASH_SEEDS=$${CRASH_SEEDS:-3000} $(BUILD)/tests/test_recover_crash
	@DAMAGE_ALL=1 $(BUILD)/tests/test_tsdb_damage
	@BUILD=$(BUILD) CRASH_KILLS=$${CRASH_KILLS:-3000} tests/crash/run
	@BUILD=$(BUILD) STRESS_SECONDS=$${STRESS_SECONDS:-600} tests/stress/run

ASAN  := -fsanitize=address -fno-sanitize-recover=all
UBSAN := -fsanitize=undefined -fno-sanitize-recover=all
TSAN  := -fsanitize=thread
FUZZ  := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
SAN_SUITES := $(if $(SUITE),$(SUITE),unit seeds script cli http format crash stress bench)

asan: ## the tests under AddressSanitizer, in build/asan
	@BUILD=build/asan SAN='$(ASAN)' OPT="-O1 -g -fno-omit-frame-pointer" tests/run $(SAN_SUITES)
ubsan: ## the tests under UndefinedBehaviorSanitizer, in build/ubsan
	@BUILD=build/ubsan SAN='$(UBSAN)' OPT="-O1 -g -fno-omit-frame-pointer" tests/run $(SAN_SUITES)
tsan: ## the tests under ThreadSanitizer, in build/tsan
	@BUILD=build/tsan SAN='$(TSAN)' OPT="-O1 -g -fno-omit-frame-pointer" tests/run $(SAN_SUITES)
valgrind: ## the tests under valgrind
	@.ci/deps dev
	@PM_VALGRIND=1 tests/run $(if $(SUITE),$(SUITE),unit seeds script cli)

fuzz: ## build the fuzz targets in build/fuzz and run each for FUZZ_SECONDS (60)
	@$(MAKE) --no-print-directory BUILD=build/fuzz CC=clang CXX=clang++ SAN='$(FUZZ)' OPT='-O1 -g' fuzzers
	@BUILD=build/fuzz tests/fuzz/run
fuzzers: $(FUZZ_BIN)

cover: ## line coverage of the test suite, in build/cover
	@find build/cover -name '*.gcda' -delete 2>/dev/null || true
	@BUILD=build/cover SAN=--coverage OPT='-O0 -g' tests/run $(SAN_SUITES) || true
	@tests/support/cover build/cover

tidy: hdr-check ## checks that no compiler makes: layers, banned words, sizes, dead files
	@tests/tidy

hdr-check: ## each header compiles alone, with gcc and clang, the public ones as C++ too
	@tests/support/hdr-check

format: ## lay out the sources with clang-format
	@.ci/deps dev
	clang-format -i $$(git ls-files '*.c' '*.cc' '*.h')

compdb: ## write compile_commands.json
	@{ echo '['; sep=; for f in $(call src,libtsdb libpromql libscrape cmd tests bench); do \
		case $$f in *.c) c='$(FLAGS_C)';; *) c='$(FLAGS_CXX)';; esac; \
		printf '%s{"directory":"%s","file":"%s","command":"%s -c %s"}' "$$sep" "$$PWD" "$$f" "$$c" "$$f"; \
		sep=','; done; echo; echo ']'; } >compile_commands.json

install: all ## install pm, the libraries, headers, pkg-config files and manual pages (PREFIX, DESTDIR)
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' BUILD='$(BUILD)' VERSION='$(VERSION)' .ci/install
uninstall: ## remove what install put there
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' BUILD='$(BUILD)' VERSION='$(VERSION)' .ci/install --remove

clean: ## remove all that was built
	rm -rf build compile_commands.json

help: ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS="$$(printf '\t')" read -r t d; do printf '  make %-12s %s\n' "$$t" "$$d"; done

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
.PHONY: all programs fuzzers deps run test bench bench-peers mutants stress soak asan ubsan tsan valgrind fuzz cover tidy hdr-check format \
	compdb install uninstall clean help FORCE
