libcore_la_SOURCES += core/dispatch/dispatch.h
