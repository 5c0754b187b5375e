belfryinclude_HEADERS += core/conf/directive.h
libcore_la_SOURCES += core/conf/conf.h core/conf/settings.h
