libcore_la_SOURCES += core/scheduler/retry.h core/scheduler/due.h \
	core/scheduler/due.c core/scheduler/retry.c \
	core/scheduler/backlog.c core/scheduler/backlog.h \
	core/scheduler/rates.c core/scheduler/rates.h

if CMOCKA
check_PROGRAMS += tests/unit/backlog_test
tests_unit_backlog_test_SOURCES = tests/unit/backlog_test.c
tests_unit_backlog_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/rates_test
tests_unit_rates_test_SOURCES = tests/unit/rates_test.c
tests_unit_rates_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/retry_test
tests_unit_retry_test_SOURCES = tests/unit/retry_test.c
tests_unit_retry_test_LDADD = $(UNIT_LIBS)
endif
