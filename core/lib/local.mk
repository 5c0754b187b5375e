belfryinclude_HEADERS += core/lib/encode.h core/lib/hmac.h core/lib/html.h core/lib/markup.h core/lib/outcome.h core/lib/rate_limit.h core/lib/request.h core/lib/response.h core/lib/retry_after.h core/lib/shorten.h core/lib/value.h core/lib/task.h core/lib/verdict.h
belfryinclude_HEADERS += core/lib/blank.h
libbelfry_la_SOURCES += core/lib/blank.c
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = core/lib/belfry.pc
libbelfry_la_SOURCES += core/lib/encode.c core/lib/hmac.c core/lib/outcome.c \
	core/lib/rate_limit.c core/lib/request.c core/lib/response.c core/lib/retry_after.c core/lib/task.c core/lib/verdict.c

# HTML in other markups; apart, for the fuzz target that looks inside.
noinst_LTLIBRARIES += libmarkup.la
libmarkup_la_SOURCES = core/lib/arena.c core/lib/arena.h core/lib/escape.c \
	core/lib/escape.h core/lib/fit.c core/lib/fit.h core/lib/html.c \
	core/lib/html_dialect.c core/lib/html_dialect.h \
	core/lib/html_element.c core/lib/html_element.h \
	core/lib/html_filter.c core/lib/html_filter.h \
	core/lib/html_parse.c core/lib/html_parse.h \
	core/lib/html_reference.c core/lib/html_reference.h \
	core/lib/html_table.c \
	core/lib/html_token.c core/lib/html_token.h core/lib/html_tree.c \
	core/lib/html_tree.h core/lib/html_well_formed.c \
	core/lib/html_well_formed.h core/lib/html_writer.c \
	core/lib/html_writer.h core/lib/html_writer_link.c \
	core/lib/html_writer_private.h core/lib/html_writer_style.c \
	core/lib/link.c core/lib/link.h \
	core/lib/markup.c core/lib/shorten.c
libmarkup_la_CFLAGS = $(GUMBO_CFLAGS) $(IDN2_CFLAGS) -fPIC
libbelfry_la_LIBADD += libmarkup.la $(GUMBO_LIBS) $(IDN2_LIBS) -lunistring

if CMOCKA
check_PROGRAMS += tests/unit/lib_test
tests_unit_lib_test_SOURCES = tests/unit/lib_test.c
tests_unit_lib_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/html_test tests/unit/markup_test
tests_unit_html_test_SOURCES = tests/unit/html_test.c
tests_unit_html_test_LDADD = $(UNIT_LIBS)
tests_unit_markup_test_SOURCES = tests/unit/markup_test.c
tests_unit_markup_test_LDADD = $(UNIT_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += tests/fuzz/html_fuzz tests/fuzz/retry_after_fuzz
tests_fuzz_html_fuzz_SOURCES = tests/fuzz/html_fuzz.c
tests_fuzz_html_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_html_fuzz_LDADD = libmarkup.la $(UNIT_LIBS) $(GUMBO_LIBS) \
	$(IDN2_LIBS) -lunistring
tests_fuzz_retry_after_fuzz_SOURCES = tests/fuzz/retry_after_fuzz.c
tests_fuzz_retry_after_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_retry_after_fuzz_LDADD = $(UNIT_LIBS)
endif
EXTRA_DIST += tests/fuzz/corpus/html tests/fuzz/corpus/retry_after
