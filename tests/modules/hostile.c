/*
 * hostile.c - a module that does what a module must not
 *
 * It posts the event's text to its URL, but an event whose subject names a
 * misdeed makes it do that.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <belfry/module.h>

struct hostile_conf {
	struct bf_url url;
	char *check; /* a misdeed of check */
};

static const struct bf_directive directives[] = {
	{ BF_FIELD(hostile_conf, url), .required = true,
	    .help = "Where to post to" },
	{ BF_FIELD(hostile_conf, check), .help = "What to do in check" },
	{ 0 },
};

static void
crash(void)
{
	raise(SIGSEGV);
}

/* Writes over what its callers have on the stack, the way back included. */
static void
smash(void)
{
	char room[8];
	volatile char *at = room;

	for (int i = 0; i < 4096; i++)
		at[i] = 0x41;
}

static void
block(void)
{
	for (;;)
		pause();
}

static void
loop(void)
{
	for (volatile int i = 0;; i++)
		continue;
}

static void
leave(void)
{
	exit(0);
}

static void
leave_at_once(void)
{
	_exit(3);
}

/* What a stray debugging line does to whatever it may reach. */
static void
chat(void)
{
	for (int i = 0; i < 1000; i++)
		puts("a module has something to say about itself");
	fflush(stdout);
}

static void
leak(void)
{
	static char *volatile lost;

	lost = bf_zalloc(1, 1 << 20);
	memset(lost, 1, 1 << 20);
}

/* Closes what it does not own. */
static void
close_all(void)
{
	for (int fd = 3; fd < 64; fd++)
		close(fd);
}

/* ---- what the sandbox is to refuse: 0 if it was done ---- */

static long
execute(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}

static long
fork_often(void)
{
	for (int i = 0; i < 1000; i++) {
		const pid_t pid = fork();

		if (pid == 0)
			pause();
		if (pid == -1)
			return -1;
	}
	return 0;
}

static long
kill_parent(void)
{
	return kill(getppid(), SIGTERM);
}

static long
trace(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long
mount_over(void)
{
	return mount("none", "/tmp", "tmpfs", 0, NULL);
}

static long
become_root(void)
{
	return setuid(0);
}

static long
make_namespace(void)
{
	return syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */);
}

static long
use_keys(void)
{
	return syscall(SYS_keyctl, 0, -3, 1);
}

static long
load_bpf(void)
{
	return syscall(SYS_bpf, 0, NULL, 0);
}

static long
read_shadow(void)
{
	return open("/etc/shadow", O_RDONLY);
}

/* Whose it is, or could be, does not matter: of belfry's user is the store. */
static long
overwrite(void)
{
	return open("/dev/null", O_WRONLY);
}

static long
cut(void)
{
	return open("/dev/null", O_RDONLY | O_TRUNC);
}

static long
cut_open(void)
{
	return ftruncate(-1, 0);
}

/* What is open for both can be written anywhere by mmap. */
static long
open_for_both(void)
{
	return open("/dev/null", O_RDWR | O_APPEND);
}

static long
make_file(void)
{
	return open("/nonexistent/file", O_RDONLY | O_CREAT, 0600);
}

static long
change_mode(void)
{
	return fchmod(-1, 0600);
}

/* One of processor time would end it. */
static long
limit_parent(void)
{
	return syscall(SYS_prlimit64, getppid(), 0, NULL, NULL);
}

/* The kernel takes the lower half of the request for all of it. */
static long
type_ahead(void)
{
	return syscall(SYS_ioctl, -1, 0x100005412 /* TIOCSTI */, "x");
}

static long
remove_file(void)
{
	return unlink("/nonexistent/file");
}

static long
listen_openly(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	const int result = fd == -1 ? -1 : listen(fd, 1);

	if (fd != -1)
		close(fd);
	return result;
}

static long
sniff(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static void *
nothing(void *context)
{
	return context;
}

/* Allowed, as libcurl looks names up by it. */
static long
start_thread(void)
{
	pthread_t thread;
	const int error = pthread_create(&thread, NULL, nothing, NULL);

	if (error == 0)
		pthread_join(thread, NULL);
	errno = error;
	return error == 0 ? 0 : -1;
}

static const struct {
	const char *name;
	long (*try)(void);
} deeds[] = {
	{ "execve", execute },
	{ "fork", fork_often },
	{ "kill", kill_parent },
	{ "ptrace", trace },
	{ "mount", mount_over },
	{ "setuid", become_root },
	{ "unshare", make_namespace },
	{ "keyctl", use_keys },
	{ "bpf", load_bpf },
	{ "shadow", read_shadow },
	{ "overwrite", overwrite },
	{ "cut", cut },
	{ "ftruncate", cut_open },
	{ "both", open_for_both },
	{ "make", make_file },
	{ "fchmod", change_mode },
	{ "prlimit", limit_parent },
	{ "ioctl", type_ahead },
	{ "unlink", remove_file },
	{ "listen", listen_openly },
	{ "packet", sniff },
	{ "thread", start_thread },
};

/* What became of the deed that the subject names, for the header Outcome;
 * NULL if it names none. */
static const char *
outcome_of(const char *name)
{
	for (size_t i = 0; i < sizeof(deeds) / sizeof(*deeds); i++) {
		if (strcmp(deeds[i].name, name) == 0)
			return deeds[i].try() == -1 ? strerror(errno) : "done";
	}
	return NULL;
}

static const struct {
	const char *name;
	void (*run)(void);
} misdeeds[] = {
	{ "crash", crash },
	{ "abort", abort },
	{ "loop", loop },
	{ "block", block },
	{ "smash", smash },
	{ "exit", leave },
	{ "_exit", leave_at_once },
	{ "chat", chat },
	{ "leak", leak },
	{ "close", close_all },
};

static void
misbehave(const char *name)
{
	for (size_t i = 0; i < sizeof(misdeeds) / sizeof(*misdeeds); i++) {
		if (strcmp(misdeeds[i].name, name) == 0)
			misdeeds[i].run();
	}
}

static int
check(void *settings, struct bf_error *err)
{
	const struct hostile_conf *conf = settings;

	(void)err;
	if (conf->check)
		misbehave(conf->check);
	return 0;
}

static int
compose(const void *settings, const struct bf_event *event,
    struct bf_request *request, struct bf_error *err)
{
	const struct hostile_conf *conf = settings;
	const char *outcome = outcome_of(bf_event_subject(event));

	misbehave(bf_event_subject(event));
	if (outcome)
		bf_request_header(request, "Outcome", outcome);
	bf_request_post(request, &conf->url, "application/json");
	return bf_event_json(event, &request->body, err);
}

BF_EXPORT const struct bf_module bf_module = {
	.abi = BF_MODULE_ABI,
	.size = sizeof(struct bf_module),
	.name = "hostile",
	.conf_size = sizeof(struct hostile_conf),
	.directives = directives,
	.check = check,
	.compose = compose,
};
