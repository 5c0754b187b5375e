libcore_la_SOURCES += core/process/child.c core/process/child.h \
	core/process/api_channel.c core/process/api_channel.h \
	core/process/channel_numbers.c core/process/channel_numbers.h \
	core/process/command_audit.c \
	core/process/command_change.c core/process/command_channels.c \
	core/process/command_explain.c \
	core/process/command_modules.c core/process/command_private.h \
	core/process/command_select.c core/process/command_store.c \
	core/process/command_rates.c core/process/command_session.c \
	core/process/command_tenant_change.c core/process/command_tenants.c \
	core/process/command_test.c core/process/command_tokens.c \
	core/process/command_types.c \
	core/process/committer.c core/process/committer.h \
	core/process/errand.c core/process/errand.h \
	core/process/folders.c core/process/folders.h \
	core/process/intake.c core/process/own_address.c \
	core/process/own_address.h \
	core/process/scheduler.c core/process/scheduler_accept.c \
	core/process/rotate.c core/process/rotate.h \
	core/process/scheduler_check.c \
	core/process/scheduler_hand.c core/process/scheduler_pump.c \
	core/process/scheduler_overlay.c core/process/scheduler_overlay.h \
	core/process/scheduler_command.c core/process/scheduler_keys.c \
	core/process/scheduler_lane.c \
	core/process/scheduler_follow.c \
	core/process/scheduler_metrics.c core/process/scheduler_notice.c \
	core/process/scheduler_outcome.c core/process/scheduler_pause.c core/process/scheduler_outcome.h \
	core/process/scheduler_private.h core/process/scheduler_retain.c \
	core/process/scheduler_cancel.c core/process/scheduler_settings.c \
	core/process/scheduler_tenant.c core/process/scheduler_test.c \
	core/process/scheduler_worker.c \
	core/process/worker.c core/process/worker_channel.c \
	core/process/worker_private.h \
	core/process/spawner.c core/process/worker_program.c \
	core/process/worker_program.h core/process/worker_task.c \
	core/process/worker_task.h core/process/worker_transport.c \
	core/process/worker_transport.h \
	core/process/listen.c core/process/listen.h \
	core/process/loader_process.c core/process/loader_process.h \
	core/process/master.c core/process/master_private.h \
	core/process/notify.c core/process/notify.h core/process/options.c \
	core/process/options.h core/process/pidfile.c core/process/reload.c \
	core/process/respawn.c core/process/respawn.h \
	core/process/sandbox.c core/process/sandbox.h \
	core/process/spawn.c core/process/supervise.c core/process/sign_in.c \
	core/process/throttle.c core/process/throttle.h \
	core/process/title.c \
	core/process/upgrade.c core/process/vault.c core/process/vault.h

sbin_PROGRAMS += belfry
belfry_SOURCES = core/process/main.c
belfry_LDADD = libcore.la libbelfry.la
belfry_LDFLAGS = $(PIE_LDFLAGS)

# The processes whole, on threads.
STAGE = tests/fuzz/stage.c tests/fuzz/stage.h tests/unit/load_fixture.c \
	tests/unit/load_fixture.h

if CMOCKA
check_PROGRAMS += tests/unit/hostile_test tests/unit/password_test
tests_unit_hostile_test_SOURCES = tests/unit/hostile_test.c $(STAGE)
tests_unit_hostile_test_LDADD = $(UNIT_LIBS)
tests_unit_password_test_SOURCES = tests/unit/password_test.c
tests_unit_password_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/committer_test
tests_unit_committer_test_SOURCES = tests/unit/committer_test.c \
	tests/unit/faulty_vfs.c tests/unit/faulty_vfs.h $(STORE_HELPERS)
tests_unit_committer_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/respawn_test
tests_unit_respawn_test_SOURCES = tests/unit/respawn_test.c
tests_unit_respawn_test_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/rotate_test
check_PROGRAMS += tests/unit/own_address_test
tests_unit_own_address_test_SOURCES = tests/unit/own_address_test.c
tests_unit_own_address_test_LDADD = $(UNIT_LIBS)
tests_unit_rotate_test_SOURCES = tests/unit/rotate_test.c
tests_unit_rotate_test_LDADD = $(UNIT_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += tests/fuzz/api_fuzz tests/fuzz/scheduler_fuzz
tests_fuzz_api_fuzz_SOURCES = tests/fuzz/api_fuzz.c $(STAGE)
tests_fuzz_api_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_api_fuzz_LDADD = $(UNIT_LIBS)
tests_fuzz_scheduler_fuzz_SOURCES = tests/fuzz/scheduler_fuzz.c $(STAGE)
tests_fuzz_scheduler_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_scheduler_fuzz_LDADD = $(UNIT_LIBS)

# One process, with a scheduler that is hostile.
LONE = tests/fuzz/lone.c tests/fuzz/lone.h $(STAGE)
LONE_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE \
	-DBF_FUZZ_MODULES='"$(abs_builddir)/.libs"'
noinst_PROGRAMS += tests/fuzz/intake_fuzz tests/fuzz/tls_fuzz \
	tests/fuzz/worker_fuzz
tests_fuzz_intake_fuzz_SOURCES = tests/fuzz/intake_fuzz.c $(LONE)
tests_fuzz_intake_fuzz_CPPFLAGS = $(LONE_CPPFLAGS)
tests_fuzz_intake_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_intake_fuzz_LDADD = $(UNIT_LIBS)
tests_fuzz_tls_fuzz_SOURCES = tests/fuzz/tls_fuzz.c $(LONE)
tests_fuzz_tls_fuzz_CPPFLAGS = $(LONE_CPPFLAGS)
tests_fuzz_tls_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_tls_fuzz_LDADD = $(UNIT_LIBS)
tests_fuzz_worker_fuzz_SOURCES = tests/fuzz/worker_fuzz.c $(LONE)
tests_fuzz_worker_fuzz_CPPFLAGS = $(LONE_CPPFLAGS)
tests_fuzz_worker_fuzz_LDFLAGS = -fsanitize=fuzzer
tests_fuzz_worker_fuzz_LDADD = $(UNIT_LIBS)
EXTRA_tests_fuzz_worker_fuzz_DEPENDENCIES = webhook.la
endif
EXTRA_DIST += tests/fuzz/corpus/api tests/fuzz/corpus/intake \
	tests/fuzz/corpus/scheduler tests/fuzz/corpus/tls tests/fuzz/corpus/worker
