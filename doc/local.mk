dist_man_MANS += doc/belfry-module.1 doc/belfryctl.1
dist_man_MANS += doc/belfry.conf.5
dist_man_MANS += doc/belfry.8

manualdir = $(docdir)/manual
dist_manual_DATA = doc/manual/api.md doc/manual/audit.md doc/manual/conf.md doc/manual/dashboard.md \
	doc/manual/durability.md \
	doc/manual/egress.md doc/manual/event-types.md doc/manual/exec.md doc/manual/index.md doc/manual/metrics.md \
	doc/manual/modules.md doc/manual/performance.md doc/manual/receivers.md \
	doc/manual/secrets.md doc/manual/smtp.md doc/manual/threat-model.md doc/manual/tenants.md \
	doc/manual/troubleshooting.md doc/manual/upgrading.md \
	doc/manual/verifying.md
dist_manual_DATA += doc/manual/discord.md doc/manual/slack.md \
	doc/manual/syslog.md

# What the manual quotes.
examplesdir = $(docdir)/examples
dist_examples_SCRIPTS = doc/examples/annotate.py doc/examples/receiver.py \
	doc/examples/rollback.py doc/examples/sms.py doc/examples/ticket.py \
	doc/examples/verify.js doc/examples/verify.py doc/examples/verify.sh
dist_examples_DATA = doc/examples/belfry-alerts.yml \
	doc/examples/belfry_webhook.py
examplemoduledir = $(examplesdir)/module
dist_examplemodule_DATA = doc/examples/module/Makefile \
	doc/examples/module/ntfy.c

# The manual and the man pages as HTML, with Debian's mandoc and cmark-gfm.
EXTRA_DIST += doc/html.sh
html-local:
	$(srcdir)/doc/html.sh $(srcdir)/doc html
clean-local:
	rm -rf html

# Keeps the tables in the manual the same as the tables of directives.
noinst_PROGRAMS += doc/reference/reference
doc_reference_reference_SOURCES = doc/reference/main.c \
	doc/reference/conf.c doc/reference/hints.c \
	doc/reference/reference.h \
	doc/reference/sections.c doc/reference/write.c
doc_reference_reference_LDADD = libcore.la libbelfry.la
TESTS += doc/reference/reference_test.sh
EXTRA_DIST += doc/reference/reference_test.sh

update-reference: doc/reference/reference webhook.la smtp.la \
	slack-format.la discord-embed.la exec.la syslog.la
	doc/reference/reference update $(srcdir)/doc/belfry.conf.5 \
		$(srcdir)/doc/manual/conf.md \
		$(srcdir)/doc/manual/event-types.md \
		$(srcdir)/doc/manual/troubleshooting.md -- \
		$(PWD)/.libs/webhook.so $(PWD)/.libs/smtp.so \
		$(PWD)/.libs/slack-format.so $(PWD)/.libs/discord-embed.so \
		$(PWD)/.libs/exec.so $(PWD)/.libs/syslog.so
