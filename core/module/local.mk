belfryinclude_HEADERS += core/module/module.h
libcore_la_SOURCES += core/module/loader.h core/module/loader.c \
	core/module/settings.c

if CMOCKA
check_PROGRAMS += tests/unit/loader_test
tests_unit_loader_test_SOURCES = tests/unit/loader_test.c
tests_unit_loader_test_LDADD = $(UNIT_LIBS)
EXTRA_tests_unit_loader_test_DEPENDENCIES = webhook.la $(check_LTLIBRARIES)

# One source, a module for each fault.
check_LTLIBRARIES += \
	tests/modules/good.la \
	tests/modules/large.la \
	tests/modules/abi_new.la \
	tests/modules/abi_none.la \
	tests/modules/small.la \
	tests/modules/symbol.la \
	tests/modules/directives.la \
	tests/modules/compose.la tests/modules/deliver.la \
	tests/modules/name_none.la \
	tests/modules/name_bad.la \
	tests/modules/name_long.la \
	tests/modules/twin.la
tests_modules_good_la_SOURCES = tests/modules/bad.c
tests_modules_good_la_CPPFLAGS = $(AM_CPPFLAGS)
tests_modules_good_la_LDFLAGS = $(LINK_AS_FIXTURE)
tests_modules_large_la_SOURCES = tests/modules/bad.c
tests_modules_large_la_CPPFLAGS = $(AM_CPPFLAGS) -DSIZE=4096
tests_modules_large_la_LDFLAGS = $(LINK_AS_FIXTURE)
tests_modules_abi_new_la_SOURCES = tests/modules/bad.c
tests_modules_abi_new_la_CPPFLAGS = $(AM_CPPFLAGS) -DABI=2
tests_modules_abi_new_la_LDFLAGS = $(LINK_AS_FIXTURE)
tests_modules_abi_none_la_SOURCES = tests/modules/bad.c
tests_modules_abi_none_la_CPPFLAGS = $(AM_CPPFLAGS) -DABI=0
tests_modules_abi_none_la_LDFLAGS = $(LINK_AS_FIXTURE)
tests_modules_small_la_SOURCES = tests/modules/bad.c
tests_modules_small_la_CPPFLAGS = $(AM_CPPFLAGS) -DSIZE=16
tests_modules_small_la_LDFLAGS = $(LINK_AS_FIXTURE)
tests_modules_symbol_la_SOURCES = tests/modules/bad.c
tests_modules_symbol_la_CPPFLAGS = $(AM_CPPFLAGS) -DSYMBOL=other_name
tests_modules_symbol_la_LDFLAGS = $(LINK_AS_FIXTURE)
tests_modules_directives_la_SOURCES = tests/modules/bad.c
tests_modules_directives_la_CPPFLAGS = $(AM_CPPFLAGS) -DDIRECTIVES=0
tests_modules_directives_la_LDFLAGS = $(LINK_AS_FIXTURE)
tests_modules_compose_la_SOURCES = tests/modules/bad.c
tests_modules_compose_la_CPPFLAGS = $(AM_CPPFLAGS) -DCOMPOSE=0
tests_modules_compose_la_LDFLAGS = $(LINK_AS_FIXTURE)
tests_modules_deliver_la_SOURCES = tests/modules/bad.c
tests_modules_deliver_la_CPPFLAGS = $(AM_CPPFLAGS) -DDELIVER=1
tests_modules_deliver_la_LDFLAGS = $(LINK_AS_FIXTURE)
tests_modules_name_none_la_SOURCES = tests/modules/bad.c
tests_modules_name_none_la_CPPFLAGS = $(AM_CPPFLAGS) -DNAME=NULL
tests_modules_name_none_la_LDFLAGS = $(LINK_AS_FIXTURE)
tests_modules_name_bad_la_SOURCES = tests/modules/bad.c
tests_modules_name_bad_la_CPPFLAGS = $(AM_CPPFLAGS) -DNAME='"Web Hook"'
tests_modules_name_bad_la_LDFLAGS = $(LINK_AS_FIXTURE)
tests_modules_name_long_la_SOURCES = tests/modules/bad.c
tests_modules_name_long_la_CPPFLAGS = $(AM_CPPFLAGS) -DNAME='"a-name-of-thirty-three-characters"'
tests_modules_name_long_la_LDFLAGS = $(LINK_AS_FIXTURE)
tests_modules_twin_la_SOURCES = tests/modules/bad.c
tests_modules_twin_la_CPPFLAGS = $(AM_CPPFLAGS) -DNAME='"webhook"'
tests_modules_twin_la_LDFLAGS = $(LINK_AS_FIXTURE)
endif
