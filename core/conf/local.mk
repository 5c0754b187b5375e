belfryinclude_HEADERS += core/conf/directive.h
libcore_la_SOURCES += core/conf/conf.h core/conf/conf_private.h core/conf/describe.h \
	core/conf/dump.h core/conf/ip.h core/conf/keyring.h core/conf/password.h core/conf/seal.h \
	core/conf/settings.h core/conf/url.h
libcore_la_SOURCES += core/conf/conf.c core/conf/describe.c core/conf/dump.c core/conf/file.c \
	core/conf/ip.c core/conf/keyring.c core/conf/lexer.c \
	core/conf/nearest.c core/conf/parser.c core/conf/password.c core/conf/path.c \
	core/conf/schema.c core/conf/schema.h \
	core/conf/seal.c core/conf/secret.c core/conf/settings.c core/conf/types.c core/conf/url.c \
	core/conf/value.c

if CMOCKA
check_PROGRAMS += tests/unit/conf_test tests/unit/ip_test tests/unit/seal_test \
	tests/unit/settings_test
tests_unit_ip_test_SOURCES = tests/unit/ip_test.c
tests_unit_ip_test_LDADD = $(UNIT_LIBS)
tests_unit_seal_test_SOURCES = tests/unit/seal_test.c
tests_unit_seal_test_LDADD = $(UNIT_LIBS)
tests_unit_conf_test_SOURCES = tests/unit/conf_test.c
tests_unit_conf_test_LDADD = $(UNIT_LIBS)
tests_unit_settings_test_SOURCES = tests/unit/settings_test.c
tests_unit_settings_test_LDADD = $(UNIT_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += tests/fuzz/conf_fuzz tests/fuzz/seal_fuzz
tests_fuzz_seal_fuzz_SOURCES = tests/fuzz/seal_fuzz.c
tests_fuzz_seal_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_seal_fuzz_LDADD = $(UNIT_LIBS)
tests_fuzz_conf_fuzz_SOURCES = tests/fuzz/conf_fuzz.c
tests_fuzz_conf_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_conf_fuzz_LDADD = $(UNIT_LIBS)
endif
EXTRA_DIST += tests/fuzz/corpus/conf tests/fuzz/corpus/seal
