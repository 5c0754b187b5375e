belfryinclude_HEADERS += core/lib/encode.h core/lib/hmac.h core/lib/html.h core/lib/markup.h core/lib/outcome.h core/lib/rate_limit.h core/lib/request.h core/lib/response.h core/lib/retry_after.h core/lib/shorten.h core/lib/value.h core/lib/task.h core/lib/verdict.h
belfryinclude_HEADERS += core/lib/blank.h
libbelfry_la_SOURCES += core/lib/blank.c
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = core/lib/belfry.pc
libbelfry_la_SOURCES += core/lib/encode.c core/lib/hmac.c core/lib/outcome.c \
	core/lib/rate_limit.c core/lib/request.c core/lib/response.c core/lib/retry_after.c core/lib/task.c core/lib/verdict.c

if CMOCKA
check_PROGRAMS += tests/unit/lib_test
tests_unit_lib_test_SOURCES = tests/unit/lib_test.c
tests_unit_lib_test_LDADD = $(UNIT_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += tests/fuzz/retry_after_fuzz
tests_fuzz_retry_after_fuzz_SOURCES = tests/fuzz/retry_after_fuzz.c
tests_fuzz_retry_after_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_retry_after_fuzz_LDADD = $(UNIT_LIBS)
endif
EXTRA_DIST += tests/fuzz/corpus/retry_after
