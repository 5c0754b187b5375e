libcore_la_SOURCES += core/registry/builtin.h core/registry/load.h \
	core/registry/pattern.h core/registry/registry.h \
	core/registry/snapshot.h core/registry/snapshot_private.h \
	core/registry/snapshot_wire.h
libcore_la_SOURCES += core/registry/builtin.c core/registry/pattern.c \
	core/registry/registry.c core/registry/snapshot.c \
	core/registry/snapshot_wire.c
