libcore_la_SOURCES += core/store/store.h core/store/store_private.h
