belfryinclude_HEADERS += core/lib/encode.h core/lib/hmac.h core/lib/request.h core/lib/response.h core/lib/retry_after.h core/lib/value.h core/lib/verdict.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = core/lib/belfry.pc
libbelfry_la_SOURCES += core/lib/encode.c core/lib/hmac.c core/lib/request.c \
	core/lib/response.c core/lib/retry_after.c core/lib/verdict.c
