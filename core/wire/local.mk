libcore_la_SOURCES += core/wire/codec.h core/wire/control.h core/wire/link.h core/wire/message.h
libcore_la_SOURCES += core/wire/codec.c core/wire/control.c core/wire/link.c \
	core/wire/message.c
