/*
 * main.c - belfry: what the options ask for
 *
 * Everything that can be wrong is found before the daemon goes to the
 * background: whoever starts it sees the reason and the exit status.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/event.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/process/folders.h"
#include "core/process/loader_process.h"
#include "core/process/master_private.h"
#include "core/process/options.h"
#include "core/process/vault.h"
#include "core/transport/libraries.h"

/* The absolute path of the conf file: belfry may be started anywhere. */
static char *
absolute(const char *path)
{
	char here[PATH_MAX];

	if (path[0] == '/' || !getcwd(here, sizeof(here)))
		return bf_strdup(path);
	return bf_strf("%s/%s", here, path);
}

/* ---- -t, -T ---- */

/* Whether belfry would start with the conf file. */
static bool
is_sound(const struct bf_load *load, struct bf_error *err)
{
	int secrets = -1;
	struct bf_snapshot *snapshot = bf_load_conf(load, &secrets, err);
	uid_t uid;
	gid_t gid;
	const bool sound =
	    snapshot && bf_find_user(snapshot, &uid, &gid, err) == 0;

	if (secrets != -1)
		close(secrets);
	bf_snapshot_free(&snapshot);
	return sound;
}

static int
test(const struct bf_load *load, const struct bf_options *options)
{
	struct bf_error err = { "" };

	if (!is_sound(load, &err)) {
		fprintf(stderr, "belfry: %s\n", err.text);
		fprintf(stderr, "belfry: configuration file %s test failed\n",
		    load->path);
		return EXIT_FAILURE;
	}
	if (!options->quiet)
		fprintf(stderr,
		    "belfry: configuration file %s test is successful\n",
		    load->path);
	return EXIT_SUCCESS;
}

/* ---- -s ---- */

/* Tests the conf file before the running belfry is told to take it: that can
 * only say in its log what is wrong. Variables may be set there that are not
 * here. */
static bool
may_reload(const struct bf_load *load)
{
	struct bf_error err = { "" };
	struct bf_load own = *load;
	bool unset = false;

	own.unset = &unset;
	if (is_sound(&own, &err))
		return true;
	fprintf(stderr, "belfry: %s\n", err.text);
	if (unset)
		fputs("belfry: the running belfry may have it: it is told to "
		      "reload, and says in its log what came of that\n",
		    stderr);
	else
		fprintf(stderr,
		    "belfry: configuration file %s test failed; the running "
		    "belfry goes on as it is\n",
		    load->path);
	return unset;
}

static int
send_signal(const struct bf_load *load, const char *name)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = { { "stop", SIGTERM }, { "quit", SIGQUIT },
		{ "reopen", SIGUSR1 }, { "reload", SIGHUP } };
	struct bf_error err = { "" };
	char *file = bf_pidfile_name(load->path, load->globals, &err);
	int status = EXIT_FAILURE;
	pid_t pid;

	if (!file) {
		fprintf(stderr, "belfry: %s\n", err.text);
		return EXIT_FAILURE;
	}
	pid = bf_pidfile_read(file);
	if (pid == 0)
		fprintf(stderr, "belfry: no running belfry: %s names none\n",
		    file);
	if (pid && strcmp(name, "reload") == 0 && !may_reload(load))
		pid = 0;
	for (size_t i = 0; pid && i < sizeof(signals) / sizeof(*signals); i++) {
		if (strcmp(name, signals[i].name) != 0)
			continue;
		if (kill(pid, signals[i].number) == 0)
			status = EXIT_SUCCESS;
		else
			fprintf(stderr, "belfry: signal process %d: %s\n",
			    (int)pid, strerror(errno));
	}
	free(file);
	return status;
}

/* ---- the daemon ---- */

/* In the process that was started: passes on what the daemon has to say until
 * it is ready (a NUL) or gone. */
static int
watch_start(int fd)
{
	char text[512];
	ssize_t got;

	while ((got = read(fd, text, sizeof(text))) > 0) {
		const char *end = memchr(text, '\0', (size_t)got);

		fwrite(text, 1, end ? (size_t)(end - text) : (size_t)got,
		    stderr);
		if (end)
			return EXIT_SUCCESS;
	}
	return EXIT_FAILURE;
}

/* Goes to the background. The process that was started ends when belfry is
 * ready, or could not start. */
static int
daemonize(struct master *master, struct bf_error *err)
{
	int ready[2], null;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		bf_error_errno(err, "go to the background");
		return -1;
	}
	if (pid > 0) {
		close(ready[1]);
		_exit(watch_start(ready[0]));
	}
	bf_log_name("main");
	close(ready[0]);
	master->ready_pipe = ready[1];
	setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null != -1) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		if (strcmp(master->snapshot->log_target, "stderr") != 0)
			dup2(null, STDERR_FILENO);
		close(null);
	}
	bf_log_echo(master->ready_pipe);
	return 0;
}

static int
start_log(struct master *master, struct bf_error *err)
{
	const struct bf_snapshot *snapshot = master->snapshot;
	const bool to_stderr = strcmp(snapshot->log_target, "stderr") == 0;

	if (bf_master_log(master, snapshot, err) == -1)
		return -1;
	if (!to_stderr)
		bf_log_echo(STDERR_FILENO);
	return 0;
}

/* An address may be taken because belfry was started twice. */
static void
blame_running(const struct master *master, struct bf_error *err)
{
	const char *pid_file = master->snapshot->pid_file;
	const pid_t pid = bf_pidfile_read(pid_file);

	if (master->upgrade.state == UPGRADE_NONE && pid != 0)
		bf_error_prefix(err,
		    "belfry seems to run already, as process %d (%s)", (int)pid,
		    pid_file);
}

/* Everything that may fail, before the first child. */
static int
prepare(struct master *master, const struct bf_load *load, struct bf_error *err)
{
	struct bf_listeners inherited = master->listeners;

	master->snapshot = bf_load_conf(load, &master->secrets, err);
	if (!master->snapshot ||
	    bf_find_user(master->snapshot, &master->uid, &master->gid, err) ==
		-1 ||
	    bf_folders_make(master->snapshot, master->uid, master->gid,
		&master->made, err) == -1)
		return -1;
	if (bf_listen_open(master->snapshot, master->uid, master->gid,
		&inherited, &master->listeners, err) == -1) {
		master->listeners = inherited;
		blame_running(master, err);
		return -1;
	}
	bf_listen_replace(&inherited, &master->listeners);
	master->counters = mmap(NULL, sizeof(*master->counters),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (master->counters == MAP_FAILED) {
		bf_error_errno(err, "share memory");
		return -1;
	}
	bf_log_count_drops(&master->counters->log_dropped);
	if (start_log(master, err) == -1)
		return -1;
	if (master->snapshot->daemonize &&
	    master->upgrade.state == UPGRADE_NONE)
		return daemonize(master, err);
	return 0;
}

/* After the last child. */
static void
clean_up(struct master *master)
{
	const bool taken_over = master->upgrade.state == UPGRADE_DONE;
	const char *pid_file = master->snapshot->pid_file;

	if (taken_over)
		bf_pidfile_remove_aside(pid_file);
	else if (bf_pidfile_read(pid_file) == getpid())
		unlink(pid_file);
	bf_listen_close(&master->listeners, !taken_over);
	bf_strings_free(&master->spares);
	bf_respawn_free(&master->respawns);
	bf_snapshot_free(&master->snapshot);
	bf_log_count_drops(NULL);
	munmap(master->counters, sizeof(*master->counters));
	bf_log(BF_LOG_NOTICE, "exit");
}

static int
run(const struct bf_load *load, char **argv)
{
	struct master master = { .conf = (char *)load->path,
		.globals = (char *)load->globals,
		.argv = argv,
		.vault = load->vault,
		.secrets = -1,
		.ready_pipe = -1,
		.upgrade = { .channel = -1 } };
	struct bf_error err = { "" };
	int status;

	/* The environment had secrets in it. */
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	TAILQ_INIT(&master.children);
	bf_upgrade_inherit(&master);
	if (prepare(&master, load, &err) == -1) {
		/* The log may be on stderr, or open and echoing there. */
		bf_log(BF_LOG_EMERG, "%s", err.text);
		bf_listen_close(&master.listeners,
		    master.upgrade.state == UPGRADE_NONE);
		bf_folders_remove(&master.made);
		bf_snapshot_free(&master.snapshot);
		return EXIT_FAILURE;
	}
	bf_log_name("master");
	bf_folders_tell(&master.made);
	status = bf_master_run(&master);
	clean_up(&master);
	return status;
}

/* A socket or a store in the place of a standard descriptor that is closed
 * would get what a library writes to it. */
static void
fill_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* What is not to end us, or whoever we make. */
static void
set_signals(void)
{
	signal(SIGPIPE, SIG_IGN);
	/* A file that may not grow (RLIMIT_FSIZE) is as a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	/* Whoever started us may not have cared how its children end. */
	signal(SIGCHLD, SIG_DFL);
}

/* A copy of the arguments: the title is written over them. */
static char **
copy_arguments(int argc, char **argv)
{
	char **copy = bf_zalloc((size_t)argc + 1, sizeof(*copy));

	for (int i = 0; i < argc; i++)
		copy[i] = bf_strdup(argv[i]);
	return copy;
}

/* Does what the options ask for. */
static int
act(const struct bf_options *options, char **arguments)
{
	struct bf_load load = { .path = absolute(options->conf),
		.globals = options->globals,
		.vault = bf_vault_take(),
		.dump = options->dump };
	int status = EXIT_FAILURE;

	if (load.vault == -1)
		fprintf(stderr, "belfry: keep the environment: %s\n",
		    strerror(errno));
	else if (options->test)
		status = test(&load, options);
	else if (options->signal)
		status = send_signal(&load, options->signal);
	else
		status = run(&load, arguments);
	free((char *)load.path);
	return status;
}

int
main(int argc, char **argv)
{
	char **arguments;
	struct bf_options options;
	int status = EXIT_SUCCESS;

	bf_libraries_start();
	event_set_mem_functions(bf_malloc, bf_realloc, free);
	arguments = copy_arguments(argc, argv);
	fill_standard_descriptors();
	set_signals();
	if (bf_options_read(argc, arguments, &options) == -1) {
		fprintf(stderr, "try: belfry -h\n");
		status = EXIT_FAILURE;
	} else if (options.help) {
		bf_options_help();
	} else if (options.version) {
		bf_options_version(options.verbose);
	} else {
		bf_title_init(argc, argv);
		status = act(&options, arguments);
	}
	for (int i = 0; i < argc; i++)
		free(arguments[i]);
	free(arguments);
	return status;
}
