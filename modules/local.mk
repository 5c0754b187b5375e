module_LTLIBRARIES += webhook.la
webhook_la_SOURCES = modules/webhook/webhook.c
webhook_la_CFLAGS = -fPIC
webhook_la_CPPFLAGS = -I$(builddir)/include -D_GNU_SOURCE
webhook_la_LDFLAGS = $(LINK_AS_MODULE)
webhook_la_LIBADD = libbelfry.la

# dlopen needs no libtool archives.
install-data-hook:
	rm -f $(DESTDIR)$(moduledir)/*.la
