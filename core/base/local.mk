belfryinclude_HEADERS += core/base/api.h core/base/buf.h core/base/clock.h core/base/error.h core/base/memory.h core/base/strings.h
libcore_la_SOURCES += core/base/hash.h core/base/log.h core/base/counters.h core/base/gcra.h
libbelfry_la_SOURCES += core/base/buf.c core/base/clock.c core/base/error.c \
	core/base/memory.c core/base/strings.c
libcore_la_SOURCES += core/base/gcra.c core/base/log.c

if CMOCKA
check_PROGRAMS += tests/unit/base_test
tests_unit_base_test_SOURCES = tests/unit/base_test.c
tests_unit_base_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/gcra_test
tests_unit_gcra_test_SOURCES = tests/unit/gcra_test.c
tests_unit_gcra_test_LDADD = $(UNIT_LIBS)
check_LTLIBRARIES += tests/scenario/no_memory.la
tests_scenario_no_memory_la_SOURCES = tests/scenario/no_memory.c
tests_scenario_no_memory_la_LDFLAGS = -module -avoid-version -shared \
	-rpath /nowhere
check_PROGRAMS += tests/unit/memory_test
tests_unit_memory_test_SOURCES = tests/unit/memory_test.c \
	tests/unit/failing_malloc.c tests/unit/failing_malloc.h \
	tests/unit/load_fixture.c tests/unit/load_fixture.h
tests_unit_memory_test_LDADD = $(UNIT_LIBS)
endif
