libcore_la_SOURCES += core/scheduler/retry.h core/scheduler/due.h \
	core/scheduler/due.c core/scheduler/retry.c
