libcore_la_SOURCES += core/dispatch/dispatch.h core/dispatch/bucket.h \
	core/dispatch/bucket.c core/dispatch/dispatch.c
