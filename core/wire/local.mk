libcore_la_SOURCES += core/wire/codec.h core/wire/control.h core/wire/link.h core/wire/message.h
