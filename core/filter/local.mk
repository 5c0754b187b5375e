libcore_la_SOURCES += core/filter/route.h core/filter/route.c

if CMOCKA
check_PROGRAMS += tests/unit/route_test tests/unit/takers_test
tests_unit_route_test_SOURCES = tests/unit/route_test.c \
	tests/unit/load_fixture.c tests/unit/load_fixture.h
tests_unit_route_test_LDADD = $(UNIT_LIBS)
tests_unit_takers_test_SOURCES = tests/unit/takers_test.c \
	tests/unit/load_fixture.c tests/unit/load_fixture.h
tests_unit_takers_test_LDADD = $(UNIT_LIBS)
endif
