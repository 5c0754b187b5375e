libcore_la_SOURCES += core/filter/route.h core/filter/route.c
