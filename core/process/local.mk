libcore_la_SOURCES += core/process/child.h
