belfryinclude_HEADERS += core/conf/directive.h
libcore_la_SOURCES += core/conf/conf.h core/conf/conf_private.h core/conf/dump.h \
	core/conf/settings.h core/conf/url.h
libcore_la_SOURCES += core/conf/conf.c core/conf/dump.c core/conf/file.c core/conf/lexer.c \
	core/conf/nearest.c core/conf/parser.c core/conf/path.c \
	core/conf/secret.c core/conf/settings.c core/conf/types.c core/conf/url.c \
	core/conf/value.c

if CMOCKA
check_PROGRAMS += tests/unit/conf_test
tests_unit_conf_test_SOURCES = tests/unit/conf_test.c
tests_unit_conf_test_LDADD = $(UNIT_LIBS)
endif
