libcore_la_SOURCES += core/filter/route.h
