libcore_la_SOURCES += core/scheduler/retry.h core/scheduler/due.h \
	core/scheduler/due.c core/scheduler/retry.c

if CMOCKA
check_PROGRAMS += tests/unit/retry_test
tests_unit_retry_test_SOURCES = tests/unit/retry_test.c
tests_unit_retry_test_LDADD = $(UNIT_LIBS)
endif
