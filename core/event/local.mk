belfryinclude_HEADERS += core/event/event.h core/event/fields.h core/event/json.h core/event/severity.h
libcore_la_SOURCES += core/event/event_private.h core/event/id.h core/event/parse.h
libbelfry_la_SOURCES += core/event/json_private.h core/event/event.c core/event/fields.c \
	core/event/id.c core/event/json.c core/event/json_print.c \
	core/event/severity.c core/event/timestamp.c
libbelfry_la_LIBADD += -lm
libcore_la_SOURCES += core/event/parse.c

# For tests that compare with other programs (tests/scenario/test_canonical.py).
noinst_PROGRAMS += tests/unit/canonicalise
tests_unit_canonicalise_SOURCES = tests/unit/canonicalise.c
tests_unit_canonicalise_LDADD = libbelfry.la $(CJSON_LIBS)

if CMOCKA
check_PROGRAMS += tests/unit/id_test tests/unit/json_test tests/unit/parse_test
tests_unit_id_test_SOURCES = tests/unit/id_test.c
tests_unit_id_test_LDADD = $(UNIT_LIBS)
tests_unit_json_test_SOURCES = tests/unit/json_test.c
tests_unit_json_test_LDADD = $(UNIT_LIBS)
tests_unit_parse_test_SOURCES = tests/unit/parse_test.c
tests_unit_parse_test_LDADD = $(UNIT_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += tests/fuzz/event_fuzz tests/fuzz/json_fuzz
tests_fuzz_event_fuzz_SOURCES = tests/fuzz/event_fuzz.c
tests_fuzz_event_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_event_fuzz_LDADD = $(UNIT_LIBS)
tests_fuzz_json_fuzz_SOURCES = tests/fuzz/json_fuzz.c
tests_fuzz_json_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_json_fuzz_LDADD = $(UNIT_LIBS)
endif
EXTRA_DIST += tests/fuzz/corpus/event tests/fuzz/corpus/json
