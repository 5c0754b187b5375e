belfryinclude_HEADERS += core/event/event.h core/event/json.h core/event/severity.h
libcore_la_SOURCES += core/event/event_private.h core/event/id.h core/event/parse.h
libbelfry_la_SOURCES += core/event/event.c core/event/json.c \
	core/event/severity.c core/event/timestamp.c
libbelfry_la_LIBADD += -lm
libcore_la_SOURCES += core/event/id.c core/event/parse.c

# For tests that compare with other programs (tests/scenario/test_canonical.py).
noinst_PROGRAMS += tests/unit/canonicalise
tests_unit_canonicalise_SOURCES = tests/unit/canonicalise.c
tests_unit_canonicalise_LDADD = libbelfry.la $(CJSON_LIBS)
