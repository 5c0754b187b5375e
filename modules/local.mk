module_LTLIBRARIES += webhook.la
webhook_la_SOURCES = modules/webhook/webhook.c
webhook_la_CFLAGS = -fPIC
webhook_la_CPPFLAGS = -I$(builddir)/include -D_GNU_SOURCE
webhook_la_LDFLAGS = $(LINK_AS_MODULE)
webhook_la_LIBADD = libbelfry.la

module_LTLIBRARIES += exec.la
exec_la_SOURCES = modules/exec/exec.c
exec_la_CFLAGS = -fPIC
exec_la_CPPFLAGS = -I$(builddir)/include -D_GNU_SOURCE
exec_la_LDFLAGS = $(LINK_AS_MODULE)
exec_la_LIBADD = libbelfry.la

module_LTLIBRARIES += syslog.la
syslog_la_SOURCES = modules/syslog/message.c modules/syslog/message.h \
	modules/syslog/syslog.c
syslog_la_CFLAGS = -fPIC
syslog_la_CPPFLAGS = -I$(builddir)/include -I$(srcdir) -D_GNU_SOURCE
syslog_la_LDFLAGS = $(LINK_AS_MODULE)
syslog_la_LIBADD = libbelfry.la

module_LTLIBRARIES += slack-format.la
slack_format_la_SOURCES = modules/slack-format/slack.c \
	modules/slack-format/answer.c modules/slack-format/payload.c \
	modules/slack-format/slack.h
slack_format_la_CFLAGS = -fPIC
slack_format_la_CPPFLAGS = -I$(builddir)/include -D_GNU_SOURCE
slack_format_la_LDFLAGS = $(LINK_AS_MODULE)
slack_format_la_LIBADD = libbelfry.la

module_LTLIBRARIES += discord-embed.la
discord_embed_la_SOURCES = modules/discord-embed/discord.c \
	modules/discord-embed/answer.c modules/discord-embed/discord.h \
	modules/discord-embed/payload.c
discord_embed_la_CFLAGS = -fPIC
discord_embed_la_CPPFLAGS = -I$(builddir)/include -D_GNU_SOURCE
discord_embed_la_LDFLAGS = $(LINK_AS_MODULE)
discord_embed_la_LIBADD = libbelfry.la

# For tests that read what a module makes (tests/scenario/test_payloads.py).
noinst_PROGRAMS += tests/unit/bodies
tests_unit_bodies_SOURCES = tests/unit/bodies.c
tests_unit_bodies_LDADD = libcore.la libbelfry.la

# What a mail is made of, for tests too.
SMTP_MESSAGE_SOURCES = modules/smtp/address.c modules/smtp/address.h \
	modules/smtp/dkim.c modules/smtp/dkim.h \
	modules/smtp/message.c modules/smtp/message.h \
	modules/smtp/mime.c modules/smtp/mime.h
SMTP_MESSAGE_LIBS = libbelfry.la $(IDN2_LIBS) -lunistring $(OPENSSL_LIBS)

module_LTLIBRARIES += smtp.la
smtp_la_SOURCES = modules/smtp/judge.c modules/smtp/judge.h \
	modules/smtp/smtp.c $(SMTP_MESSAGE_SOURCES)
smtp_la_CFLAGS = -fPIC $(OPENSSL_CFLAGS) $(IDN2_CFLAGS)
smtp_la_CPPFLAGS = -I$(builddir)/include -I$(srcdir) -D_GNU_SOURCE
smtp_la_LDFLAGS = $(LINK_AS_MODULE)
smtp_la_LIBADD = $(SMTP_MESSAGE_LIBS)

# For tests that read mails with other programs (tests/scenario/test_mail.py).
noinst_PROGRAMS += tests/unit/compose
tests_unit_compose_SOURCES = tests/unit/compose.c $(SMTP_MESSAGE_SOURCES)
tests_unit_compose_LDADD = libcore.la $(SMTP_MESSAGE_LIBS) $(CJSON_LIBS)

if CMOCKA
check_PROGRAMS += tests/unit/smtp_message_test
tests_unit_smtp_message_test_SOURCES = tests/unit/smtp_message_test.c \
	$(SMTP_MESSAGE_SOURCES)
tests_unit_smtp_message_test_LDADD = libcore.la $(SMTP_MESSAGE_LIBS) \
	$(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/webhook_test
tests_unit_webhook_test_SOURCES = tests/unit/webhook_test.c \
	tests/unit/module_fixture.c tests/unit/module_fixture.h
tests_unit_webhook_test_LDADD = $(UNIT_LIBS)
EXTRA_tests_unit_webhook_test_DEPENDENCIES = webhook.la
check_PROGRAMS += tests/unit/slack_test tests/unit/discord_test
tests_unit_slack_test_SOURCES = tests/unit/slack_test.c \
	tests/unit/module_fixture.c tests/unit/module_fixture.h
tests_unit_slack_test_LDADD = $(UNIT_LIBS)
EXTRA_tests_unit_slack_test_DEPENDENCIES = slack-format.la
tests_unit_discord_test_SOURCES = tests/unit/discord_test.c \
	tests/unit/module_fixture.c tests/unit/module_fixture.h
tests_unit_discord_test_LDADD = $(UNIT_LIBS)
EXTRA_tests_unit_discord_test_DEPENDENCIES = discord-embed.la
endif

if FUZZERS
noinst_PROGRAMS += tests/fuzz/answer_fuzz
tests_fuzz_answer_fuzz_SOURCES = tests/fuzz/answer_fuzz.c \
	modules/slack-format/answer.c modules/discord-embed/answer.c
tests_fuzz_answer_fuzz_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
tests_fuzz_answer_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_answer_fuzz_LDADD = $(UNIT_LIBS)
endif
EXTRA_DIST += tests/fuzz/corpus/answer

# dlopen needs no libtool archives; without them, libtool does not know what it
# installed.
install-data-hook:
	for name in $(module_LTLIBRARIES); do \
		rm -f "$(DESTDIR)$(moduledir)/$$name"; \
	done
uninstall-hook:
	for name in $(module_LTLIBRARIES); do \
		rm -f "$(DESTDIR)$(moduledir)/$${name%.la}.so"; \
	done
