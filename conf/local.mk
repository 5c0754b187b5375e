# The conf file as shipped names Debian's folders; installed, it names those
# that belfry was configured with. One that is there already is left alone.
EXTRA_DIST += conf/belfry.conf conf/quickstart.conf conf/belfry.service \
	conf/belfry.sysusers conf/belfry.tmpfiles conf/belfry.logrotate

CONF_EDIT = sed \
	-e 's,/usr/sbin/belfry,$(sbindir)/belfry,' \
	-e 's,/var/l,$(localstatedir)/l,' \
	-e 's,/run/belfry,$(runstatedir)/belfry,' \
	-e 's,/etc/belfry,$(sysconfdir)/belfry,'

INSTALL_LOCAL += install-conf
install-conf:
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)/belfry/conf.d'
	f='$(DESTDIR)$(sysconfdir)/belfry/belfry.conf'; \
	test -f "$$f" || $(CONF_EDIT) '$(srcdir)/conf/belfry.conf' >"$$f"

# make distcheck wants nothing left behind; what was edited stays.
UNINSTALL_LOCAL += uninstall-conf
uninstall-conf:
	f='$(DESTDIR)$(sysconfdir)/belfry/belfry.conf'; \
	if $(CONF_EDIT) '$(srcdir)/conf/belfry.conf' | cmp -s - "$$f"; then \
		rm -f "$$f"; \
	fi
	-rmdir '$(DESTDIR)$(sysconfdir)/belfry/conf.d' \
		'$(DESTDIR)$(sysconfdir)/belfry' 2>/dev/null

# What systemd and logrotate read, under the prefix.
CONF_SYSTEM = \
	belfry.service:$(prefix)/lib/systemd/system/belfry.service \
	belfry.sysusers:$(prefix)/lib/sysusers.d/belfry.conf \
	belfry.tmpfiles:$(prefix)/lib/tmpfiles.d/belfry.conf \
	belfry.logrotate:$(sysconfdir)/logrotate.d/belfry

INSTALL_LOCAL += install-system
install-system:
	for pair in $(CONF_SYSTEM); do \
		to='$(DESTDIR)'"$${pair#*:}"; \
		$(MKDIR_P) "$${to%/*}" && \
		$(CONF_EDIT) "$(srcdir)/conf/$${pair%%:*}" >"$$to" || exit 1; \
	done

UNINSTALL_LOCAL += uninstall-system
uninstall-system:
	for pair in $(CONF_SYSTEM); do \
		rm -f '$(DESTDIR)'"$${pair#*:}"; \
	done
