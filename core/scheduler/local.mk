libcore_la_SOURCES += core/scheduler/retry.h
