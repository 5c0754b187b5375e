bin_PROGRAMS += belfryctl
belfryctl_SOURCES = core/ctl/admin.c core/ctl/audit.c core/ctl/channel_edit.c \
	core/ctl/channels.c core/ctl/client.c \
	core/ctl/client.h core/ctl/ctl.c core/ctl/ctl.h core/ctl/deliveries.c \
	core/ctl/events.c core/ctl/follow.c core/ctl/main.c core/ctl/print.c \
	core/ctl/print.h core/ctl/secret.h core/ctl/secrets.c \
	core/ctl/selection.h core/ctl/tenants.c core/ctl/test.c \
	core/conf/nearest.c core/conf/password.c core/conf/password.h \
	core/transport/libraries.c core/transport/libraries.h
# Objects of its own: libcore has those of the last ones, too.
belfryctl_CFLAGS = $(AM_CFLAGS) $(BSD_CFLAGS)
belfryctl_LDADD = libbelfry.la $(CURL_LIBS) $(CJSON_LIBS) $(OPENSSL_LIBS) \
	$(BSD_LIBS)
belfryctl_LDFLAGS = $(PIE_LDFLAGS)


# Installed under the name of the command, as bash-completion looks for it.
bashcompletiondir = $(datadir)/bash-completion/completions
EXTRA_DIST += core/ctl/belfryctl.bash
INSTALL_LOCAL += install-completion
install-completion:
	$(MKDIR_P) $(DESTDIR)$(bashcompletiondir)
	$(INSTALL_DATA) $(srcdir)/core/ctl/belfryctl.bash \
		$(DESTDIR)$(bashcompletiondir)/belfryctl
UNINSTALL_LOCAL += uninstall-completion
uninstall-completion:
	rm -f $(DESTDIR)$(bashcompletiondir)/belfryctl
