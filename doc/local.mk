dist_man_MANS += doc/belfryctl.1
dist_man_MANS += doc/belfry.conf.5
dist_man_MANS += doc/belfry.8
EXTRA_DIST += doc/manual/conf.md doc/manual/event-types.md

# Keeps the tables in the manual the same as the tables of directives.
noinst_PROGRAMS += doc/reference/reference
doc_reference_reference_SOURCES = doc/reference/main.c \
	doc/reference/conf.c doc/reference/reference.h \
	doc/reference/sections.c doc/reference/write.c
doc_reference_reference_LDADD = libcore.la libbelfry.la
TESTS += doc/reference/reference_test.sh
EXTRA_DIST += doc/reference/reference_test.sh

.PHONY: update-reference
update-reference: doc/reference/reference webhook.la
	doc/reference/reference update $(srcdir)/doc/belfry.conf.5 \
		$(srcdir)/doc/manual/conf.md \
		$(srcdir)/doc/manual/event-types.md -- $(PWD)/.libs/webhook.so
