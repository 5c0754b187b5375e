# The conf file as shipped names Debian's folders; installed, it names those
# that belfry was configured with. One that is there already is left alone.
EXTRA_DIST += conf/belfry.conf conf/quickstart.conf

CONF_EDIT = sed \
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
