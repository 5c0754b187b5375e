belfryinclude_HEADERS += core/event/event.h core/event/json.h core/event/severity.h
libcore_la_SOURCES += core/event/event_private.h core/event/id.h core/event/parse.h
