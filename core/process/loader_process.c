/*
 * loader_process.c - reads the conf file in a process of its own
 *
 * The parent gets two snapshots in memfds: one with secrets, which it never
 * maps and hands on to the scheduler, and one without, which it reads. What
 * went wrong comes back through a pipe.
 */
#include "core/process/loader_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <belfry/memory.h>
#include <openssl/ssl.h>

#include "core/base/log.h"
#include "core/conf/dump.h"
#include "core/intake/tls.h"
#include "core/module/loader.h"
#include "core/process/child.h"
#include "core/process/vault.h"
#include "core/registry/load.h"
#include "core/registry/snapshot_wire.h"

#define LOAD_SECONDS 60 /* then the loader is taken to hang */
#define EXIT_UNSET 3    /* of the loader: a variable is not set */

/* What the parent and the loader share while it runs. */
struct channel {
	int secrets; /* memfd */
	int open;    /* memfd of the snapshot without secrets */
	int reason;  /* the writing end of a pipe, for the error */
	int told;    /* the reading end */
};

static int
write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		const ssize_t written = write(fd, bytes, size);

		if (written == -1 && errno == EINTR)
			continue;
		if (written <= 0)
			return -1;
		bytes += written;
		size -= (size_t)written;
	}
	return 0;
}

static int
write_snapshot(int fd, const struct bf_snapshot *snapshot, bool secrets)
{
	struct bf_buf bytes = { 0 };
	int status;

	bf_snapshot_encode(snapshot, secrets, &bytes);
	status = write_all(fd, bf_buf_text(&bytes), bytes.size);
	bf_buf_wipe(&bytes);
	return status;
}

/* Lets modules run by the loader's source, and first says what one is about to
 * do: if it never comes back, the parent knows whom to blame. */
struct careful {
	struct bf_module_source source;
	int reason;
};

#define DOING '\1' /* in front of what is being done; else it is an error */

/* text: what a module is about to do; "": nothing any more. */
static void
say_doing(const struct careful *careful, const char *text)
{
	char *line = bf_strf("%c%s", DOING, text);

	(void)write_all(careful->reason, line, strlen(line) + 1);
	free(line);
}

static int
load_module(void *context, const char *path, struct bf_module_info *info,
    const struct bf_directive **table, struct bf_error *err)
{
	const struct careful *careful = context;
	char *doing = bf_strf("load module %s", path);
	int status;

	say_doing(careful, doing);
	status = careful->source.load(careful->source.context, path, info,
	    table, err);
	say_doing(careful, "");
	free(doing);
	return status;
}

static int
check_channel(void *context, const char *name, const struct bf_channel *channel,
    struct bf_error *err)
{
	const struct careful *careful = context;
	char *doing =
	    bf_strf("let module %s check channel %s", name, channel->name);
	int status;

	say_doing(careful, doing);
	status =
	    careful->source.check(careful->source.context, name, channel, err);
	say_doing(careful, "");
	free(doing);
	return status;
}

static int
dump(const struct bf_load *load, const struct bf_snapshot *snapshot,
    struct bf_error *err)
{
	const char **secrets = bf_registry_secret_names(snapshot);
	struct bf_buf text = { 0 };
	int status = bf_conf_dump(load->path, secrets, &text, err);

	if (status == 0)
		status =
		    write_all(STDOUT_FILENO, bf_buf_text(&text), text.size);
	bf_buf_free(&text);
	free(secrets);
	return status;
}

/* What the conf file names and only its user would find missing. */
static int
check_files(const struct bf_snapshot *snapshot, struct bf_error *err)
{
	SSL_CTX *tls;

	if (!bf_tls_wanted(&snapshot->api))
		return 0;
	tls = bf_tls_server(&snapshot->api, err);
	SSL_CTX_free(tls);
	if (!tls)
		bf_error_prefix(err, "%s: api", snapshot->path);
	return tls ? 0 : -1;
}

/* The variables, and whether one was wanted that is not there. */
struct environment {
	struct bf_vault *vault;
	bool unset;
};

static const char *
get_variable(void *context, const char *name)
{
	struct environment *environment = context;
	const char *value = bf_vault_get(environment->vault, name);

	environment->unset |= !value || !*value;
	return value;
}

/* What the loader does; its exit status is the answer. */
static int
run(const struct bf_load *load, const struct channel *channel)
{
	struct bf_loader *loader = bf_loader_new();
	struct careful careful = { bf_loader_source(loader), channel->reason };
	const struct bf_module_source modules = { load_module, check_channel,
		&careful };
	struct environment environment = { bf_vault_open(load->vault), false };
	const struct bf_secret_source secrets = { .env = get_variable,
		.context = &environment };
	struct bf_error err = { "" };
	struct bf_snapshot *snapshot;
	int status = -1;

	snapshot = bf_registry_load(load->path, load->globals, BF_LIBDIR,
	    &modules, &secrets, &err);
	if (snapshot && check_files(snapshot, &err) == 0 &&
	    (!load->dump || dump(load, snapshot, &err) == 0)) {
		status = write_snapshot(channel->secrets, snapshot, true);
		if (status == 0)
			status = write_snapshot(channel->open, snapshot, false);
		if (status == -1)
			bf_error_errno(&err, "write the snapshot");
	}
	if (status == -1)
		(void)write_all(channel->reason, err.text,
		    strlen(err.text) + 1);
	bf_snapshot_free(&snapshot);
	bf_vault_close(&environment.vault);
	bf_loader_free(&loader);
	if (status == -1)
		return environment.unset ? EXIT_UNSET : EXIT_FAILURE;
	return EXIT_SUCCESS;
}

static void
close_channel(const struct channel *channel)
{
	const int fds[] = { channel->secrets, channel->open, channel->reason,
		channel->told };

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (fds[i] != -1)
			close(fds[i]);
	}
}

static int
open_channel(struct channel *channel, struct bf_error *err)
{
	int ends[2] = { -1, -1 };

	*channel = (struct channel){ -1, -1, -1, -1 };
	channel->secrets = memfd_create("belfry-secrets", MFD_CLOEXEC);
	channel->open = memfd_create("belfry-snapshot", MFD_CLOEXEC);
	if (channel->secrets == -1 || channel->open == -1 ||
	    pipe2(ends, O_CLOEXEC) == -1) {
		bf_error_errno(err, "make room for the configuration");
		close_channel(channel);
		return -1;
	}
	channel->told = ends[0];
	channel->reason = ends[1];
	return 0;
}

/* The last of the texts that the loader said, each with its NUL; one that is
 * cut short does not count. */
static const char *
last_text(const struct bf_buf *said)
{
	size_t end = said->size, start;

	while (end > 0 && said->data[end - 1] != '\0')
		end--;
	if (end == 0)
		return "";
	start = end - 1;
	while (start > 0 && said->data[start - 1] != '\0')
		start--;
	return said->data + start;
}

/* Why there is no snapshot, from how the loader ended and its last words. */
static void
explain(int status, const struct bf_buf *said, const char *path,
    struct bf_error *err)
{
	const char *last = last_text(said);
	const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	const char *doing = last[0] == DOING && last[1] ? last + 1 : "load it";

	if (*last && last[0] != DOING)
		bf_error_set(err, "%s", last);
	else if (signal == SIGALRM)
		bf_error_set(err, "%s: %s: not done in %d s", path, doing,
		    LOAD_SECONDS);
	else if (signal)
		bf_error_set(err, "%s: %s: ended on signal %d (%s)", path,
		    doing, signal, strsignal(signal));
	else
		bf_error_set(err, "%s: %s: exited with code %d", path, doing,
		    WEXITSTATUS(status));
}

/* Whether the loader came to its end: a module may have called exit. */
static bool
is_whole(int status, int open)
{
	struct stat file;

	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS &&
	       fstat(open, &file) == 0 && file.st_size > 0;
}

/* Says which channels have no module: that may be meant, or not. */
static void
warn_of_missing(const struct bf_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->channel_count; i++) {
		const struct bf_channel *channel = &snapshot->channels[i];

		if (!bf_snapshot_module(snapshot, channel->module))
			bf_log(BF_LOG_WARN,
			    "%s:%u: channel %s is held: no module \"%s\" is "
			    "loaded; its deliveries wait for \"load_module "
			    "modules/%s.so;\"",
			    channel->file, channel->line, channel->name,
			    channel->module, channel->module);
	}
}

static struct bf_snapshot *
read_open(int fd, struct bf_error *err)
{
	struct bf_snapshot *snapshot;
	struct stat file;
	char *bytes;

	if (fstat(fd, &file) == -1) {
		bf_error_errno(err, "read the snapshot");
		return NULL;
	}
	bytes = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED) {
		bf_error_errno(err, "map the snapshot");
		return NULL;
	}
	snapshot = bf_snapshot_decode(bytes, (size_t)file.st_size, err);
	munmap(bytes, (size_t)file.st_size);
	if (snapshot)
		warn_of_missing(snapshot);
	return snapshot;
}

/* In the loader, from its birth to its end. */
static void
be_loader(const struct bf_load *load, struct channel *channel)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	bf_title_set("loader");
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	alarm(LOAD_SECONDS);
	close(channel->told);
	fflush(NULL);
	_exit(run(load, channel));
}

struct bf_loading {
	struct channel channel;
	const char *path; /* of the conf file */
	struct bf_buf said;
	pid_t pid;  /* 0: it was reaped */
	int status; /* then */
};

struct bf_loading *
bf_load_start(const struct bf_load *load, struct bf_error *err)
{
	struct bf_loading *loading = bf_new(struct bf_loading);

	loading->path = load->path;
	if (open_channel(&loading->channel, err) == -1) {
		free(loading);
		return NULL;
	}
	loading->pid = fork();
	if (loading->pid == -1) {
		bf_error_errno(err, "start the loader");
		close_channel(&loading->channel);
		free(loading);
		return NULL;
	}
	if (loading->pid == 0)
		be_loader(load, &loading->channel);
	close(loading->channel.reason);
	loading->channel.reason = -1;
	fcntl(loading->channel.told, F_SETFL, O_NONBLOCK);
	return loading;
}

int
bf_load_fd(const struct bf_loading *loading)
{
	return loading->channel.told;
}

void
bf_load_heard(struct bf_loading *loading)
{
	struct channel *channel = &loading->channel;
	ssize_t got;

	do {
		char *space = bf_buf_reserve(&loading->said, 4096);

		got = read(channel->told, space, 4096);
		loading->said.size += got > 0 ? (size_t)got : 0;
	} while (got > 0 || (got == -1 && errno == EINTR));
	if (got == -1 && errno == EAGAIN)
		return;
	close(channel->told);
	channel->told = -1;
}

bool
bf_load_reaped(struct bf_loading *loading, pid_t pid, int status)
{
	if (pid != loading->pid)
		return false;
	loading->pid = 0;
	loading->status = status;
	/* What a module of it started may keep the pipe open. */
	if (loading->channel.told != -1)
		bf_load_heard(loading);
	return true;
}

static void
free_loading(struct bf_loading **loading)
{
	close_channel(&(*loading)->channel);
	bf_buf_free(&(*loading)->said);
	free(*loading);
	*loading = NULL;
}

struct bf_snapshot *
bf_load_end(struct bf_loading **loading, int *secrets, struct bf_error *err)
{
	struct channel *channel = &(*loading)->channel;
	struct bf_snapshot *snapshot = NULL;

	if (is_whole((*loading)->status, channel->open))
		snapshot = read_open(channel->open, err);
	else
		explain((*loading)->status, &(*loading)->said, (*loading)->path,
		    err);
	if (snapshot) {
		*secrets = channel->secrets;
		channel->secrets = -1;
	}
	free_loading(loading);
	return snapshot;
}

void
bf_load_abandon(struct bf_loading **loading)
{
	if (!*loading)
		return;
	kill((*loading)->pid, SIGKILL);
	while (waitpid((*loading)->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	free_loading(loading);
}

void
bf_load_close(const struct bf_loading *loading)
{
	close_channel(&loading->channel);
}

struct bf_snapshot *
bf_load_conf(const struct bf_load *load, int *secrets, struct bf_error *err)
{
	struct bf_loading *loading = bf_load_start(load, err);
	struct pollfd told = { .events = POLLIN };
	int status;

	if (!loading)
		return NULL;
	while ((told.fd = bf_load_fd(loading)) != -1) {
		(void)poll(&told, 1, -1);
		bf_load_heard(loading);
	}
	while (waitpid(loading->pid, &status, 0) == -1 && errno == EINTR)
		continue;
	(void)bf_load_reaped(loading, loading->pid, status);
	if (load->unset)
		*load->unset =
		    WIFEXITED(status) && WEXITSTATUS(status) == EXIT_UNSET;
	return bf_load_end(&loading, secrets, err);
}
