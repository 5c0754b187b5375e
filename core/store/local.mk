libcore_la_SOURCES += core/store/store.h core/store/store_private.h \
	core/store/lock.h core/store/sqlite.h core/store/sqlite_private.h \
	core/store/sqlite_scan.h core/store/sqlite_statement.h
libcore_la_SOURCES += core/store/lock.c core/store/store.c core/store/sqlite.c \
	core/store/sqlite_backup.c core/store/sqlite_claim.c \
	core/store/sqlite_commit.c core/store/sqlite_expire.c \
	core/store/sqlite_file.c core/store/sqlite_list.c \
	core/store/sqlite_maintain.c core/store/sqlite_prune.c \
	core/store/sqlite_read.c core/store/sqlite_row.c \
	core/store/sqlite_scan.c core/store/sqlite_schema.c \
	core/store/sqlite_select.c core/store/sqlite_statement.c \
	core/store/sqlite_type.c
