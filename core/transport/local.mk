libcore_la_SOURCES += core/transport/dialogue.c core/transport/dialogue.h \
	core/transport/hints.c core/transport/hints.h \
	core/transport/hints_http.c core/transport/hints_network.c \
	core/transport/hints_private.h core/transport/hints_smtp.c \
	core/transport/mask.c core/transport/mask.h
libcore_la_SOURCES += core/transport/libraries.c \
	core/transport/libraries.h core/transport/transport.h \
	core/transport/transport_private.h core/transport/reason.c \
	core/transport/easy.c core/transport/smtp.c \
	core/transport/smtp_open.c core/transport/smtp_pool.c \
	core/transport/smtp_session_private.h \
	core/transport/smtp_private.h core/transport/smtp_reply.c \
	core/transport/smtp_reply.h core/transport/smtp_session.c \
	core/transport/sockets.c core/transport/stream.c \
	core/transport/stream.h core/transport/symptom.c \
	core/transport/transcript.c core/transport/transcript.h \
	core/transport/transcript_tls.c \
	core/transport/transport.c

# What libcurl alone does with a message, run by hand.
noinst_PROGRAMS += tests/bench/mailload
tests_bench_mailload_SOURCES = tests/bench/mailload.c
tests_bench_mailload_LDADD = $(CURL_LIBS)

if CMOCKA
TRANSPORT_FIXTURE = tests/unit/transport_fixture.c \
	tests/unit/transport_fixture.h
check_PROGRAMS += tests/unit/transport_test
tests_unit_transport_test_SOURCES = tests/unit/transport_test.c \
	$(TRANSPORT_FIXTURE)
tests_unit_transport_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/transcript_test
tests_unit_transcript_test_SOURCES = tests/unit/transcript_test.c \
	$(TRANSPORT_FIXTURE)
tests_unit_transcript_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/smtp_reply_test
tests_unit_smtp_reply_test_SOURCES = tests/unit/smtp_reply_test.c
tests_unit_smtp_reply_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/hints_test
tests_unit_hints_test_SOURCES = tests/unit/hints_test.c \
	tests/unit/talk.c tests/unit/talk.h
tests_unit_hints_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/dialogue_test
tests_unit_dialogue_test_SOURCES = tests/unit/dialogue_test.c \
	tests/unit/talk.c tests/unit/talk.h
tests_unit_dialogue_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/mask_test
tests_unit_mask_test_SOURCES = tests/unit/mask_test.c
tests_unit_mask_test_LDADD = $(UNIT_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += tests/fuzz/dialogue_fuzz tests/fuzz/smtp_reply_fuzz
tests_fuzz_smtp_reply_fuzz_SOURCES = tests/fuzz/smtp_reply_fuzz.c
tests_fuzz_smtp_reply_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_smtp_reply_fuzz_LDADD = $(UNIT_LIBS)
tests_fuzz_dialogue_fuzz_SOURCES = tests/fuzz/dialogue_fuzz.c
tests_fuzz_dialogue_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_dialogue_fuzz_LDADD = $(UNIT_LIBS)
endif
EXTRA_DIST += tests/fuzz/corpus/dialogue tests/fuzz/corpus/smtp_reply
