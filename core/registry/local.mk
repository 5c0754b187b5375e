libcore_la_SOURCES += core/registry/builtin.h core/registry/channel_draft.h \
	core/registry/channel_json.h \
	core/registry/context.h core/registry/egress.h \
	core/registry/load.h core/registry/load_private.h \
	core/registry/pattern.h core/registry/place.h \
	core/registry/rate.h \
	core/registry/registry.h core/registry/registry_private.h \
	core/registry/scope.h \
	core/registry/snapshot.h core/registry/snapshot_private.h \
	core/registry/tenant.h \
	core/registry/snapshot_wire.h
libcore_la_SOURCES += core/registry/builtin.c core/registry/channel_draft.c \
	core/registry/channel_keep.c core/registry/channel_read.c \
	core/registry/channel_write.c core/registry/context.c \
	core/registry/egress.c core/registry/load_egress.c \
	core/registry/load.c core/registry/load_api.c \
	core/registry/load_channel.c core/registry/load_events.c \
	core/registry/load_main.c core/registry/load_module.c \
	core/registry/load_names.c core/registry/load_policy.c \
	core/registry/load_tenant.c core/registry/load_token.c \
	core/registry/load_user.c \
	core/registry/pattern.c \
	core/registry/place.c core/registry/rate.c core/registry/registry.c \
	core/registry/registry_order.c \
	core/registry/registry_takers.c core/registry/registry_tenant.c \
	core/registry/registry_unread.c \
	core/registry/scope.c \
	core/registry/snapshot.c core/registry/snapshot_wire.c \
	core/registry/tenant.c

if CMOCKA
check_PROGRAMS += tests/unit/channel_json_test tests/unit/egress_test \
	tests/unit/load_test tests/unit/registry_test \
	tests/unit/snapshot_wire_test
tests_unit_channel_json_test_SOURCES = tests/unit/channel_json_test.c \
	tests/unit/load_fixture.c tests/unit/load_fixture.h
tests_unit_channel_json_test_LDADD = $(UNIT_LIBS)
tests_unit_egress_test_SOURCES = tests/unit/egress_test.c \
	tests/unit/load_fixture.c tests/unit/load_fixture.h
tests_unit_egress_test_LDADD = $(UNIT_LIBS)
tests_unit_load_test_SOURCES = tests/unit/load_test.c \
	tests/unit/load_fixture.c tests/unit/load_fixture.h
tests_unit_load_test_LDADD = $(UNIT_LIBS)
tests_unit_registry_test_SOURCES = tests/unit/registry_test.c \
	tests/unit/load_fixture.c tests/unit/load_fixture.h
tests_unit_registry_test_LDADD = $(UNIT_LIBS)
tests_unit_snapshot_wire_test_SOURCES = tests/unit/snapshot_wire_test.c \
	tests/unit/load_fixture.c tests/unit/load_fixture.h
tests_unit_snapshot_wire_test_LDADD = $(UNIT_LIBS)

update-corpus: tests/unit/snapshot_wire_test
	tests/unit/snapshot_wire_test update $(srcdir)
endif

if FUZZERS
noinst_PROGRAMS += tests/fuzz/channel_fuzz tests/fuzz/snapshot_fuzz
tests_fuzz_channel_fuzz_SOURCES = tests/fuzz/channel_fuzz.c \
	tests/unit/load_fixture.c tests/unit/load_fixture.h
tests_fuzz_channel_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_channel_fuzz_LDADD = $(UNIT_LIBS)
tests_fuzz_snapshot_fuzz_SOURCES = tests/fuzz/snapshot_fuzz.c
tests_fuzz_snapshot_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_snapshot_fuzz_LDADD = $(UNIT_LIBS)
endif
EXTRA_DIST += tests/fuzz/corpus/channel tests/fuzz/corpus/snapshot
