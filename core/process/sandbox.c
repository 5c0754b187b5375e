/*
 * sandbox.c - what a worker, which runs modules, gives up for good
 *
 * A list of what is refused rather than of what is allowed: a module brings
 * libraries that belfry does not know, and any of them may want the next
 * harmless system call. Refused is what reaches beyond the process: to start
 * programs or processes, to touch other processes, to change files or what they
 * are called, to listen, and all that administers the machine.
 *
 * A refused call fails with EPERM. Killing the process would tell more plainly,
 * but libraries try things and go on without them, and each such try would cost
 * the deliveries in hand. The kernel writes what was refused to its audit log.
 */
#include "core/process/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <seccomp.h>

#include "core/base/log.h"

#define REFUSE SCMP_ACT_ERRNO(EPERM)

/* Refused whatever the arguments. Those that an architecture has not are
 * skipped. */
static const int refused[] = {
	/* programs and processes */
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
#ifndef BF_SANITIZED
	/* The leak checker forks, and looks at the threads from there. */
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(ptrace),
#endif
	/* other processes, which run as the same user */
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(process_madvise),
	SCMP_SYS(process_mrelease),
	SCMP_SYS(kcmp),
	SCMP_SYS(tkill),
	SCMP_SYS(rt_sigqueueinfo),
	SCMP_SYS(rt_tgsigqueueinfo),
	SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(migrate_pages),
	SCMP_SYS(move_pages),
	SCMP_SYS(setpgid),
	SCMP_SYS(setsid),
	/* users and what they may do */
	SCMP_SYS(setuid),
	SCMP_SYS(setgid),
	SCMP_SYS(setreuid),
	SCMP_SYS(setregid),
	SCMP_SYS(setresuid),
	SCMP_SYS(setresgid),
	SCMP_SYS(setfsuid),
	SCMP_SYS(setfsgid),
	SCMP_SYS(setgroups),
	SCMP_SYS(capset),
	SCMP_SYS(keyctl),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	/* files: their names, owners and modes */
	SCMP_SYS(creat),
	SCMP_SYS(link),
	SCMP_SYS(linkat),
	SCMP_SYS(symlink),
	SCMP_SYS(symlinkat),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(rmdir),
	SCMP_SYS(mknod),
	SCMP_SYS(mknodat),
	SCMP_SYS(truncate),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fallocate),
	SCMP_SYS(chmod),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat),
	SCMP_SYS(chown),
	SCMP_SYS(fchown),
	SCMP_SYS(lchown),
	SCMP_SYS(fchownat),
	SCMP_SYS(setxattr),
	SCMP_SYS(lsetxattr),
	SCMP_SYS(fsetxattr),
	SCMP_SYS(removexattr),
	SCMP_SYS(lremovexattr),
	SCMP_SYS(fremovexattr),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at),
	SCMP_SYS(fanotify_init),
	/* what is served belongs to the intake */
	SCMP_SYS(listen),
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	/* the machine */
	SCMP_SYS(mount),
	SCMP_SYS(umount),
	SCMP_SYS(umount2),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_tree),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(fspick),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(reboot),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(quotactl),
	SCMP_SYS(quotactl_fd),
	SCMP_SYS(acct),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(clock_adjtime),
	SCMP_SYS(adjtimex),
	SCMP_SYS(syslog),
	SCMP_SYS(ioperm),
	SCMP_SYS(iopl),
	SCMP_SYS(personality),
	SCMP_SYS(vhangup),
	/* parts of the kernel that have been ways into it */
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(lookup_dcookie),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
};

/* Negative calls are those that this architecture does not have. */
static bool
refuse(scmp_filter_ctx filter, int call)
{
	return call < 0 ||
	       seccomp_rule_add_array(filter, REFUSE, call, 0, NULL) == 0;
}

/* The n-th argument, compared as how says; the library's own macros are not
 * ISO C. */
static bool
refuse_when(scmp_filter_ctx filter, int call, unsigned n, enum scmp_compare how,
    scmp_datum_t value)
{
	const struct scmp_arg_cmp argument = { n, how, value, 0 };

	return call < 0 ||
	       seccomp_rule_add_array(filter, REFUSE, call, 1, &argument) == 0;
}

static bool
refuse_masked(scmp_filter_ctx filter, int call, unsigned n, scmp_datum_t mask,
    scmp_datum_t value)
{
	const struct scmp_arg_cmp argument = { n, SCMP_CMP_MASKED_EQ, mask,
		value };

	return call < 0 ||
	       seccomp_rule_add_array(filter, REFUSE, call, 1, &argument) == 0;
}

/* Families of sockets that go to peers by name or address; netlink is how the
 * C library finds out which addresses this machine has. */
static bool
refuse_families(scmp_filter_ctx filter)
{
	static const int allowed[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	bool good = true;

	for (int family = 0; family < AF_MAX; family++) {
		bool found = false;

		for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
			found = found || allowed[i] == family;
		if (!found)
			good = good && refuse_when(filter, SCMP_SYS(socket), 0,
					   SCMP_CMP_EQ, (scmp_datum_t)family);
	}
	return good && refuse_when(filter, SCMP_SYS(socket), 0, SCMP_CMP_GE,
			   (scmp_datum_t)AF_MAX);
}

/*
 * A file may be written at its end only: that is how the log is opened anew.
 * Linux cuts a file that is opened for reading, too, and takes the fourth
 * access mode for both; one that is open for both could be written by mmap.
 */
static bool
refuse_writing(scmp_filter_ctx filter)
{
	static const struct {
		int mask, value;
	} flags[] = {
		{ O_TRUNC, O_TRUNC },
		{ O_CREAT | O_APPEND, O_CREAT },
		{ O_ACCMODE | O_APPEND, O_WRONLY },
		{ O_ACCMODE, O_RDWR },
		{ O_ACCMODE, O_ACCMODE },
	};
	bool good = true;

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		const scmp_datum_t mask = (scmp_datum_t)flags[i].mask;
		const scmp_datum_t value = (scmp_datum_t)flags[i].value;

		good = good &&
		       refuse_masked(filter, SCMP_SYS(open), 1, mask, value) &&
		       refuse_masked(filter, SCMP_SYS(openat), 2, mask, value);
	}
	return good;
}

/* Of an ioctl the kernel looks at the lower half only. */
static bool
refuse_by_argument(scmp_filter_ctx filter)
{
	const scmp_datum_t own = (scmp_datum_t)getpid();
	bool good =
	    refuse_when(filter, SCMP_SYS(kill), 0, SCMP_CMP_NE, own) &&
	    refuse_when(filter, SCMP_SYS(tgkill), 0, SCMP_CMP_NE, own) &&
	    refuse_when(filter, SCMP_SYS(prlimit64), 0, SCMP_CMP_NE, 0) &&
	    refuse_masked(filter, SCMP_SYS(ioctl), 1, UINT32_MAX, TIOCSTI) &&
	    refuse_masked(filter, SCMP_SYS(ioctl), 1, UINT32_MAX, TIOCLINUX);

#ifndef BF_SANITIZED
	/* A thread, but no process. */
	good =
	    good && refuse_masked(filter, SCMP_SYS(clone), 0, CLONE_THREAD, 0);
#endif
	return good && refuse_families(filter) && refuse_writing(filter);
}

/*
 * The flags of clone3 and openat2 lie in memory, where a filter can't see
 * them: ENOSYS sends the C library back to clone and openat. It tries anew for
 * each thread, so this is not for the audit log: a filter of its own.
 */
static int
load_silent_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int result = -ENOMEM;

	if (filter) {
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
		    SCMP_SYS(openat2), 0);
#ifndef BF_SANITIZED
		if (result == 0)
			result = seccomp_rule_add(filter,
			    SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
#endif
		if (result == 0)
			result = seccomp_load(filter);
	}
	seccomp_release(filter);
	return result;
}

static int
load_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool good = filter != NULL;
	int result = -ENOMEM;

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		good = good && refuse(filter, refused[i]);
	if (good && refuse_by_argument(filter)) {
		/* An old kernel can't; refusing goes without it. */
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
		result = seccomp_load(filter);
	}
	seccomp_release(filter);
	return result;
}

/* The limits that a leak, or a loop that starts threads, runs into. */
static void
limit(struct bf_size data)
{
#ifndef BF_SANITIZED
	/* The sanitizers' shadow is larger than any memory. */
	const rlim_t bytes = (rlim_t)data.bytes;
	pthread_attr_t attributes;

	if (setrlimit(RLIMIT_DATA, &(struct rlimit){ bytes, bytes }) == -1)
		bf_log(BF_LOG_WARN, "limit the memory: %s", strerror(errno));
	if (pthread_attr_init(&attributes) == 0) {
		pthread_attr_setstacksize(&attributes, BF_THREAD_STACK);
		pthread_setattr_default_np(&attributes);
		pthread_attr_destroy(&attributes);
	}
#else
	(void)data;
	(void)BF_THREAD_STACK;
#endif
}

void
bf_sandbox_enter(struct bf_size data)
{
	int result;

	limit(data);
	result = load_silent_filter();
	if (result == 0)
		result = load_filter();
	if (result != 0)
		bf_log(BF_LOG_WARN,
		    "no filter of system calls: %s; modules are held by the "
		    "user's rights alone",
		    strerror(-result));
}
