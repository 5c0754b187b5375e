libcore_la_SOURCES += core/dispatch/dispatch.h core/dispatch/bucket.h \
	core/dispatch/bucket.c core/dispatch/dispatch.c \
	core/dispatch/dispatch_private.h \
	core/dispatch/pace.h core/dispatch/pace.c core/dispatch/turn.c \
	core/dispatch/window.h core/dispatch/window.c

if CMOCKA
check_PROGRAMS += tests/unit/dispatch_test
tests_unit_dispatch_test_SOURCES = tests/unit/dispatch_test.c
tests_unit_dispatch_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/window_test
tests_unit_window_test_SOURCES = tests/unit/window_test.c
tests_unit_window_test_LDADD = $(UNIT_LIBS)
endif
