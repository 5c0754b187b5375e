libcore_la_SOURCES += core/wire/attempt.c core/wire/attempt.h
libcore_la_SOURCES += core/wire/codec.h core/wire/control.h core/wire/link.h core/wire/message.h core/wire/program.h \
	core/wire/values.h
libcore_la_SOURCES += core/wire/codec.c core/wire/control.c core/wire/link.c \
	core/wire/message.c core/wire/program.c core/wire/values.c

DESCRIPTORS = tests/unit/descriptors.c tests/unit/descriptors.h

if CMOCKA
check_PROGRAMS += tests/unit/link_test tests/unit/message_test \
	tests/unit/program_test
tests_unit_program_test_SOURCES = tests/unit/program_test.c
tests_unit_program_test_LDADD = $(UNIT_LIBS)
tests_unit_link_test_SOURCES = tests/unit/link_test.c $(DESCRIPTORS)
tests_unit_link_test_LDADD = $(UNIT_LIBS)
tests_unit_message_test_SOURCES = tests/unit/message_test.c
tests_unit_message_test_LDADD = $(UNIT_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += tests/fuzz/message_fuzz tests/fuzz/packet_fuzz
tests_fuzz_packet_fuzz_SOURCES = tests/fuzz/packet_fuzz.c $(DESCRIPTORS)
tests_fuzz_packet_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_packet_fuzz_LDADD = $(UNIT_LIBS)
tests_fuzz_message_fuzz_SOURCES = tests/fuzz/message_fuzz.c
tests_fuzz_message_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_message_fuzz_LDADD = $(UNIT_LIBS)
endif
EXTRA_DIST += tests/fuzz/corpus/message tests/fuzz/corpus/packet
