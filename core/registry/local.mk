libcore_la_SOURCES += core/registry/load.h core/registry/registry.h core/registry/snapshot.h core/registry/snapshot_wire.h
