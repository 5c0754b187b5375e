/*
 * spawner.c - the process that starts the programs of channels
 *
 * Workers run modules, and must be able to execute nothing: they ask this
 * process, which keeps the privileges that the master had, for the program of
 * a channel. Which program that is, and as whom it runs, stands in the conf
 * file as the spawner read it, not in what a worker says: one that was taken
 * over gets no program but those, and no variables but those that the conf
 * file names.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/conf/describe.h"
#include "core/process/child.h"
#include "core/wire/control.h"
#include "core/wire/program.h"

#define LINKS_MOST 1024
#define MESSAGES_A_TURN 32 /* of one worker: then the others have theirs */
#define PROGRAMS_MOST 1024 /* of one worker at once */
#define PROGRAM_FILES 1024 /* RLIMIT_NOFILE of a program */
#define SEARCH_PATH                                                            \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"        \
	"/bin"

/* To a worker. */
struct link {
	int fd;
	size_t running; /* programs of its */
	TAILQ_ENTRY(link) entry;
};

/* A program that runs, the leader of a process group of its own. */
struct program {
	uint64_t id; /* its worker's */
	pid_t pid;
	struct link *link;
	TAILQ_ENTRY(program) entry;
};

struct spawner {
	const struct bf_birth *birth;
	int signals;
	bool quitting;
	TAILQ_HEAD(, link) links;
	TAILQ_HEAD(, program) programs;
};

/* What is to be run, as whom, borrowed from the snapshot. */
struct job {
	const struct bf_channel *channel;
	char *const *words;      /* NULL-terminated: new memory */
	const char *user;        /* NULL: belfry's own */
	struct bf_strings names; /* of variables that the channel sets */
};

/* ---- what the conf file says ---- */

/* The channel by tenant and name. What stands outside of tenant blocks has no
 * tenant there: whose it is, the store knows. */
static const struct bf_channel *
find_channel(const struct bf_snapshot *snapshot,
    const struct bf_program_message *ask)
{
	const struct bf_channel *found = NULL;

	for (size_t i = 0; i < snapshot->channel_count; i++) {
		const struct bf_channel *channel = &snapshot->channels[i];

		if (!ask->channel || strcmp(channel->name, ask->channel) != 0)
			continue;
		if (channel->tenant && ask->tenant &&
		    strcmp(channel->tenant, ask->tenant) == 0)
			return channel;
		if (!channel->tenant)
			found = channel;
	}
	return found;
}

static char *const *
copy_words(const struct bf_strings *words)
{
	char **copy = bf_zalloc(words->count + 1, sizeof(*copy));

	memcpy(copy, words->items, words->count * sizeof(*copy));
	return copy;
}

/* Takes what the setting says into the job, by its directive's type. */
static void
read_setting(struct job *job, const struct bf_setting *setting,
    const struct bf_directive *table)
{
	while (table->name && strcmp(table->name, setting->name) != 0)
		table++;
	if (table->type == BF_TYPE_PROGRAM && !job->words)
		job->words = copy_words(&setting->words);
	else if (table->type == BF_TYPE_USER)
		job->user = setting->words.items[0];
	else if (table->type == BF_TYPE_PAIRS && setting->words.count > 0)
		bf_strings_add(&job->names, setting->words.items[0]);
}

static void
free_job(struct job *job)
{
	free((void *)job->words);
	bf_strings_free(&job->names);
}

/* The job of a channel of the conf file; -1 with the reason. */
static int
find_job(const struct spawner *spawner, const struct bf_program_message *ask,
    struct job *job, struct bf_error *err)
{
	const struct bf_snapshot *snapshot = spawner->birth->snapshot;
	const struct bf_module_info *info;
	struct bf_directive *table;

	*job = (struct job){ .channel = find_channel(snapshot, ask) };
	info = job->channel ? bf_snapshot_module(snapshot, job->channel->module)
			    : NULL;
	table = info ? bf_described_directives(info->directives) : NULL;
	for (size_t i = 0; table && i < job->channel->setting_count; i++)
		read_setting(job, &job->channel->settings[i], table);
	bf_described_free(&table);
	if (job->words)
		return 0;
	bf_error_set(err, "the conf file names no program for channel %.64s",
	    ask->channel ? ask->channel : "");
	free_job(job);
	return -1;
}

static int
check_environment(const struct job *job, const struct bf_strings *environment,
    struct bf_error *err)
{
	for (size_t i = 0; i < environment->count; i++) {
		const char *pair = environment->items[i];
		const size_t length = strcspn(pair, "=");
		char *name = bf_strndup(pair, length);
		const bool ours = strncmp(name, "BELFRY_", 7) == 0;
		const bool good = pair[length] == '=' && length > 0 &&
				  (ours || bf_strings_has(&job->names, name));

		if (!good)
			bf_error_set(err, "the channel sets no variable %.64s",
			    name);
		free(name);
		if (!good)
			return -1;
	}
	return 0;
}

/* ---- starting it ---- */

/* Whom the program runs as. */
struct identity {
	const char *name, *home;
	uid_t uid;
	gid_t gid;
	bool change;
};

static int
find_identity(const struct spawner *spawner, const struct job *job,
    struct identity *identity, struct bf_error *err)
{
	const struct bf_birth *birth = spawner->birth;
	const bool root = geteuid() == 0;
	const struct passwd *user;
	uid_t uid = root && birth->uid != (uid_t)-1 ? birth->uid : geteuid();

	errno = 0;
	user = job->user ? getpwnam(job->user) : getpwuid(uid);
	if (!user && job->user) {
		bf_error_set(err, "there is no user %.64s", job->user);
		return -1;
	}
	*identity = (struct identity){ "", "/", uid, getegid(), false };
	if (user)
		*identity = (struct identity){ user->pw_name, user->pw_dir,
			user->pw_uid, user->pw_gid, false };
	if (!job->user && root && birth->uid != (uid_t)-1)
		identity->gid = birth->gid;
	identity->change = identity->uid != geteuid();
	if (!identity->change || root)
		return 0;
	bf_error_set(err,
	    "belfry does not run as root and can't run a program as user "
	    "%.64s",
	    identity->name);
	return -1;
}

/* In the child: its last words go to the program's output. 127 and 126 are
 * what a shell would exit with (POSIX.1-2008, XCU 2.8.2). */
static void
die(const char *what, int code)
{
	dprintf(STDERR_FILENO, "%s: %s\n", what, strerror(errno));
	_exit(code);
}

static void
become(const struct identity *identity)
{
	if (identity->change &&
	    (initgroups(identity->name, identity->gid) == -1 ||
		setgid(identity->gid) == -1 || setuid(identity->uid) == -1))
		die("change user", 126);
}

/* The variables that the program gets; new memory. */
static char **
make_environment(const struct identity *identity,
    const struct bf_strings *environment)
{
	char **variables = bf_zalloc(environment->count + 4, sizeof(char *));
	size_t count = 0;

	variables[count++] = bf_strdup(SEARCH_PATH);
	variables[count++] = bf_strf("HOME=%s", identity->home);
	variables[count++] = bf_strf("LOGNAME=%s", identity->name);
	for (size_t i = 0; i < environment->count; i++)
		variables[count++] = environment->items[i];
	return variables;
}

/* In the child, from its birth until it is the program. */
static void
be_program(const struct job *job, const struct identity *identity,
    const struct bf_program_message *ask, pid_t parent)
{
	char **variables = make_environment(identity, &ask->environment);
	const struct rlimit files = { PROGRAM_FILES, PROGRAM_FILES };
	sigset_t none;

	setsid();
	dup2(ask->fds[0], STDIN_FILENO);
	dup2(ask->fds[1], STDOUT_FILENO);
	dup2(ask->fds[1], STDERR_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setrlimit(RLIMIT_NOFILE, &files);
	umask(022);
	if (chdir("/") == -1)
		die("chdir /", 126);
	become(identity);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(126);
	execve(job->words[0], job->words, variables);
	die(job->words[0], errno == ENOENT ? 127 : 126);
}

static void
answer(const struct link *link, uint64_t id, enum bf_program_kind kind,
    int status, const char *reason)
{
	const struct bf_program_message message = { .kind = kind,
		.id = id,
		.status = status,
		.reason = (char *)reason,
		.fds = { -1, -1 } };

	/* A worker that does not listen is killed for that by others. */
	(void)bf_program_send(link->fd, &message);
}

static void
start(struct spawner *spawner, struct link *link,
    const struct bf_program_message *ask)
{
	const pid_t parent = getpid();
	struct bf_error err = { "" };
	struct identity identity;
	struct program *program;
	struct job job;
	pid_t pid = -1;

	if (link->running >= PROGRAMS_MOST)
		bf_error_set(&err, "the worker runs too many programs");
	if (err.text[0] || ask->fds[0] == -1 ||
	    find_job(spawner, ask, &job, &err) == -1) {
		answer(link, ask->id, BF_PROGRAM_REFUSED, 0, err.text);
		return;
	}
	if (check_environment(&job, &ask->environment, &err) == 0 &&
	    find_identity(spawner, &job, &identity, &err) == 0) {
		pid = fork();
		if (pid == 0)
			be_program(&job, &identity, ask, parent);
		if (pid == -1)
			bf_error_errno(&err, "start %s", job.words[0]);
	}
	free_job(&job);
	if (pid == -1) {
		answer(link, ask->id, BF_PROGRAM_REFUSED, 0, err.text);
		return;
	}
	program = bf_new(struct program);
	*program = (struct program){ .id = ask->id, .pid = pid, .link = link };
	TAILQ_INSERT_TAIL(&spawner->programs, program, entry);
	link->running++;
}

/* ---- ending it ---- */

/* The whole group: what it has started goes with it. Before it has made its
 * group there is only itself. */
static void
end_program(const struct program *program)
{
	kill(program->pid, SIGKILL);
	kill(-program->pid, SIGKILL);
}

static void
kill_program(struct spawner *spawner, const struct link *link, uint64_t id)
{
	struct program *program;

	TAILQ_FOREACH(program, &spawner->programs, entry)
	{
		if (program->link == link && program->id == id)
			end_program(program);
	}
}

static void
reap(struct spawner *spawner)
{
	struct signalfd_siginfo signals[16];
	struct program *program;
	pid_t pid;
	int status;

	while (read(spawner->signals, signals, sizeof(signals)) > 0)
		continue;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		TAILQ_FOREACH(program, &spawner->programs, entry)
		{
			if (program->pid == pid)
				break;
		}
		if (!program)
			continue;
		if (program->link) {
			program->link->running--;
			answer(program->link, program->id, BF_PROGRAM_ENDED,
			    status, NULL);
		}
		TAILQ_REMOVE(&spawner->programs, program, entry);
		free(program);
	}
}

/* The worker is gone, and nobody waits for what runs for it. */
static void
drop_link(struct spawner *spawner, struct link *link)
{
	struct program *program;

	TAILQ_FOREACH(program, &spawner->programs, entry)
	{
		if (program->link != link)
			continue;
		end_program(program);
		program->link = NULL;
	}
	TAILQ_REMOVE(&spawner->links, link, entry);
	close(link->fd);
	free(link);
}

/* ---- the loop ---- */

static void
hear_worker(struct spawner *spawner, struct link *link)
{
	struct bf_program_message message;
	int got = 1;

	for (int i = 0; i < MESSAGES_A_TURN; i++) {
		got = bf_program_receive(link->fd, &message);
		if (got != 1)
			break;
		if (message.kind == BF_PROGRAM_START)
			start(spawner, link, &message);
		else if (message.kind == BF_PROGRAM_KILL)
			kill_program(spawner, link, message.id);
		bf_program_clear(&message);
	}
	if (got == 0 || (got == -1 && errno != EAGAIN))
		drop_link(spawner, link);
}

static void
add_link(struct spawner *spawner, int fd)
{
	struct link *link = bf_new(struct link);

	link->fd = fd;
	TAILQ_INSERT_TAIL(&spawner->links, link, entry);
}

static void
obey(struct spawner *spawner, const struct bf_control *control)
{
	struct bf_error err;

	if (control->kind == BF_CONTROL_LINK && control->fd != -1) {
		add_link(spawner, control->fd);
		return;
	}
	if (control->fd != -1)
		close(control->fd);
	if (control->kind == BF_CONTROL_QUIT)
		spawner->quitting = true;
	else if (control->kind == BF_CONTROL_REOPEN &&
		 bf_log_reopen(&err) == -1)
		bf_log(BF_LOG_ERROR, "%s", err.text);
}

/* False when the master is gone. */
static bool
hear_master(struct spawner *spawner)
{
	struct bf_control control;
	int got;

	while (
	    (got = bf_control_receive(spawner->birth->control, &control)) == 1)
		obey(spawner, &control);
	return got == -1 && (errno == EAGAIN || errno == EPROTO);
}

static bool
is_done(const struct spawner *spawner)
{
	return spawner->quitting && TAILQ_EMPTY(&spawner->links) &&
	       TAILQ_EMPTY(&spawner->programs);
}

/* Waits for something to do, and does it; false when the master is gone. */
static bool
turn(struct spawner *spawner, struct pollfd *fds)
{
	struct link *link, *next;
	bool lives = true;
	nfds_t count = 2;

	fds[0] = (struct pollfd){ spawner->birth->control, POLLIN, 0 };
	fds[1] = (struct pollfd){ spawner->signals, POLLIN, 0 };
	TAILQ_FOREACH(link, &spawner->links, entry)
	{
		if (count < LINKS_MOST + 2)
			fds[count++] = (struct pollfd){ link->fd, POLLIN, 0 };
	}
	if (poll(fds, count, -1) <= 0)
		return true;
	if (fds[1].revents)
		reap(spawner);
	count = 2;
	for (link = TAILQ_FIRST(&spawner->links);
	     link && count < LINKS_MOST + 2; link = next) {
		next = TAILQ_NEXT(link, entry);
		if (fds[count++].revents)
			hear_worker(spawner, link);
	}
	if (fds[0].revents)
		lives = hear_master(spawner);
	return lives;
}

static int
open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int
bf_spawner_main(struct bf_birth *birth)
{
	struct spawner spawner = { .birth = birth, .signals = open_signals() };
	struct pollfd *fds = bf_zalloc(LINKS_MOST + 2, sizeof(struct pollfd));
	struct program *program;

	TAILQ_INIT(&spawner.links);
	TAILQ_INIT(&spawner.programs);
	fcntl(birth->control, F_SETFL, O_NONBLOCK);
	bf_child_ready(birth->control);
	while (!is_done(&spawner) && turn(&spawner, fds))
		continue;
	while ((program = TAILQ_FIRST(&spawner.programs))) {
		end_program(program);
		TAILQ_REMOVE(&spawner.programs, program, entry);
		free(program);
	}
	while (!TAILQ_EMPTY(&spawner.links))
		drop_link(&spawner, TAILQ_FIRST(&spawner.links));
	free(fds);
	close(spawner.signals);
	return EXIT_SUCCESS;
}
