libcore_la_SOURCES += core/transport/transport.h \
	core/transport/transport_private.h core/transport/reason.c \
	core/transport/sockets.c core/transport/transcript.c \
	core/transport/transport.c
