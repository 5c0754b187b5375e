belfryinclude_HEADERS += core/module/module.h
libcore_la_SOURCES += core/module/loader.h
