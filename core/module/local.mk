belfryinclude_HEADERS += core/module/module.h
libcore_la_SOURCES += core/module/loader.h core/module/describe.h \
	core/module/describe.c core/module/loader.c core/module/settings.c
