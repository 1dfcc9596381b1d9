# pm - see README.md. Two commands to begin with: `make run` and `make test`.

BUILD   ?= build
CC      ?= gcc
CXX     ?= g++
OPT     ?= -O2 -g
WARN    := -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
           -Wvla -Wwrite-strings -Wundef -Wformat=2 -Wno-unused-parameter -Werror
WARNXX  := -Wall -Wextra -Wshadow -Wno-unused-parameter -Werror
CFLAGS  := -std=gnu17 -fno-strict-aliasing -pthread -D_GNU_SOURCE -I. -MMD -MP $(WARN) $(OPT) $(SAN)
CXXFLAGS:= -std=gnu++17 -fno-exceptions -pthread -D_GNU_SOURCE -I. -MMD -MP $(WARNXX) $(OPT) $(SAN)

src      = $(shell find $(1) -name '*.c' -o -name '*.cc' | sort)
objs     = $(patsubst %,$(BUILD)/obj/%.o,$(1))

TSDB_OBJ   := $(call objs,$(call src,libtsdb))
PROMQL_OBJ := $(call objs,$(call src,libpromql))
SCRAPE_OBJ := $(call objs,$(call src,libscrape))
CMD_OBJ    := $(call objs,$(filter-out cmd/main.c,$(call src,cmd)))
LIBS       := $(BUILD)/libpromql.a $(BUILD)/libscrape.a $(BUILD)/libtsdb.a
# RE2 and the C++ library are linked in: loading them costs a short command more than its work does.
LDLIBS     := -Wl,-Bstatic -lre2 -Wl,-Bdynamic -static-libstdc++ -static-libgcc -lm -ldl -lpthread

TEST_SRC := $(wildcard tests/unit/test_*.c)
TEST_BIN := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(TEST_SRC))
SUPPORT  := $(call objs,$(wildcard tests/support/*.c))

all: $(BUILD)/pm $(LIBS) ## build pm and the three libraries

$(BUILD)/libtsdb.a: $(TSDB_OBJ)
$(BUILD)/libpromql.a: $(PROMQL_OBJ)
$(BUILD)/libscrape.a: $(SCRAPE_OBJ)
$(BUILD)/libcmd.a: $(CMD_OBJ)
%.a:
	@mkdir -p $(@D)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/obj/%.c.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<
$(BUILD)/obj/%.cc.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) -c -o $@ $<

$(BUILD)/pm: $(BUILD)/obj/cmd/main.c.o $(BUILD)/libcmd.a $(LIBS)
	$(CXX) $(OPT) $(SAN) -pthread -o $@ $^ $(LDLIBS)

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.c.o $(SUPPORT) $(BUILD)/libcmd.a $(LIBS)
	@mkdir -p $(@D)
	$(CXX) $(OPT) $(SAN) -pthread -o $@ $^ -lcmocka $(LDLIBS)

unit: $(TEST_BIN)
	@for t in $(TEST_BIN); do $$t || exit 1; done

clean: ## remove what was built
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all clean unit
