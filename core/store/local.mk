libcore_la_SOURCES += core/store/store.h core/store/store_private.h \
	core/store/lock.h core/store/sqlite.h core/store/sqlite_private.h \
	core/store/sqlite_rows.h core/store/sqlite_scan.h \
	core/store/sqlite_statement.h
libcore_la_SOURCES += core/store/lock.c core/store/store.c core/store/sqlite.c \
	core/store/sqlite_audit.c core/store/sqlite_backup.c core/store/sqlite_claim.c \
	core/store/sqlite_commit.c core/store/sqlite_expire.c \
	core/store/sqlite_file.c core/store/sqlite_list.c core/store/sqlite_log.c \
	core/store/sqlite_maintain.c core/store/sqlite_prune.c \
	core/store/sqlite_read.c core/store/sqlite_recipient.c core/store/sqlite_row.c \
	core/store/sqlite_rows.c \
	core/store/sqlite_scan.c core/store/sqlite_schema.c \
	core/store/sqlite_select.c core/store/sqlite_statement.c \
	core/store/sqlite_type.c core/store/sqlite_usage.c

# What the store costs, run by hand.
noinst_PROGRAMS += tests/bench/storebench
tests_bench_storebench_SOURCES = tests/bench/storebench.c
tests_bench_storebench_LDADD = libcore.la libbelfry.la

if CMOCKA
STORE_HELPERS = tests/unit/store_helpers.c tests/unit/store_helpers.h
STORE_FIXTURE = $(STORE_HELPERS) tests/unit/store_fixture.c \
	tests/unit/store_fixture.h
check_PROGRAMS += tests/unit/store_commit_test tests/unit/store_claim_test \
	tests/unit/store_read_test tests/unit/store_open_test \
	tests/unit/store_recipient_test tests/unit/store_audit_test \
	tests/unit/store_crash_test tests/unit/store_fault_test \
	tests/unit/store_plan_test tests/unit/store_usage_test
tests_unit_store_usage_test_SOURCES = tests/unit/store_usage_test.c \
	$(STORE_FIXTURE)
tests_unit_store_usage_test_LDADD = $(UNIT_LIBS)
tests_unit_store_commit_test_SOURCES = tests/unit/store_commit_test.c \
	$(STORE_FIXTURE)
tests_unit_store_commit_test_LDADD = $(UNIT_LIBS)
tests_unit_store_claim_test_SOURCES = tests/unit/store_claim_test.c \
	$(STORE_HELPERS)
tests_unit_store_claim_test_LDADD = $(UNIT_LIBS)
tests_unit_store_read_test_SOURCES = tests/unit/store_read_test.c \
	$(STORE_HELPERS)
tests_unit_store_read_test_LDADD = $(UNIT_LIBS)
tests_unit_store_recipient_test_SOURCES = tests/unit/store_recipient_test.c \
	$(STORE_HELPERS)
tests_unit_store_recipient_test_LDADD = $(UNIT_LIBS)
tests_unit_store_audit_test_SOURCES = tests/unit/store_audit_test.c \
	$(STORE_FIXTURE)
tests_unit_store_audit_test_LDADD = $(UNIT_LIBS)
tests_unit_store_open_test_SOURCES = tests/unit/store_open_test.c \
	$(STORE_HELPERS)
tests_unit_store_open_test_LDADD = $(UNIT_LIBS)
tests_unit_store_crash_test_SOURCES = tests/unit/store_crash_test.c \
	$(STORE_HELPERS)
tests_unit_store_crash_test_LDADD = $(UNIT_LIBS)
tests_unit_store_fault_test_SOURCES = tests/unit/store_fault_test.c \
	tests/unit/faulty_vfs.c tests/unit/faulty_vfs.h $(STORE_HELPERS)
tests_unit_store_fault_test_LDADD = $(UNIT_LIBS)
tests_unit_store_plan_test_SOURCES = tests/unit/store_plan_test.c \
	$(STORE_HELPERS)
tests_unit_store_plan_test_LDADD = $(UNIT_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += tests/fuzz/store_fuzz
tests_fuzz_store_fuzz_SOURCES = tests/fuzz/store_fuzz.c
tests_fuzz_store_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_store_fuzz_LDADD = $(UNIT_LIBS)
endif
