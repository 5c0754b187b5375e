libcore_la_SOURCES += core/intake/api_answers.c \
	core/intake/api_requests.c core/intake/api_schema.c \
	core/intake/api_schema.h core/intake/assets.c \
	core/intake/assets.h core/intake/auth.c core/intake/check.c \
	core/intake/command.c \
	core/intake/connection.c core/intake/cors.c core/intake/entity_tag.c \
	core/intake/entity_tag.h core/intake/http.c core/intake/http.h \
	core/intake/intake_private.h core/intake/openapi.c core/intake/post.c \
	core/intake/read.c core/intake/read_audit.c \
	core/intake/read_private.h core/intake/read_query.c \
	core/intake/read_rows.c \
	core/intake/reply.c core/intake/rest.c core/intake/routes.c core/intake/server.c \
	core/intake/session.c core/intake/stream.c core/intake/tls.c core/intake/tls.h \
	core/intake/token_rate.c \
	core/intake/uri.c core/intake/uri.h
libcore_la_LIBADD += -lm

if CMOCKA
check_PROGRAMS += tests/unit/http_test
tests_unit_http_test_SOURCES = tests/unit/http_test.c
tests_unit_http_test_LDADD = $(UNIT_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += tests/fuzz/request_fuzz tests/fuzz/value_fuzz
tests_fuzz_value_fuzz_SOURCES = tests/fuzz/value_fuzz.c
tests_fuzz_value_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_value_fuzz_LDADD = $(UNIT_LIBS) $(CURL_LIBS)
tests_fuzz_request_fuzz_SOURCES = tests/fuzz/request_fuzz.c
tests_fuzz_request_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_request_fuzz_LDADD = $(UNIT_LIBS)
endif
EXTRA_DIST += tests/fuzz/corpus/request tests/fuzz/corpus/value
