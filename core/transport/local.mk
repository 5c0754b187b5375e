libcore_la_SOURCES += core/transport/transport.h \
	core/transport/transport_private.h core/transport/reason.c \
	core/transport/sockets.c core/transport/transcript.c \
	core/transport/transport.c

if CMOCKA
check_PROGRAMS += tests/unit/transport_test
tests_unit_transport_test_SOURCES = tests/unit/transport_test.c
tests_unit_transport_test_LDADD = $(UNIT_LIBS)
endif
