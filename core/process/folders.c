/*
 * folders.c - folders that are made because the conf file names them
 */
#include "core/process/folders.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"

/* Makes a folder, and those above it, if it is not there. */
static int
make(const char *path, mode_t mode, uid_t uid, gid_t gid,
    struct bf_strings *made, struct bf_error *err)
{
	char above[PATH_MAX];
	struct stat file;

	if (stat(path, &file) == 0) {
		if (S_ISDIR(file.st_mode))
			return 0;
		bf_error_set(err, "%s is no folder", path);
		return -1;
	}
	snprintf(above, sizeof(above), "%s", path);
	if (strcmp(dirname(above), path) != 0 &&
	    make(above, 0755, (uid_t)-1, (gid_t)-1, made, err) == -1)
		return -1;
	if (mkdir(path, mode) == 0) {
		bf_strings_add(made, path);
	} else if (errno != EEXIST) {
		bf_error_errno(err, "make the folder %s", path);
		return -1;
	}
	if (uid != (uid_t)-1 && chown(path, uid, gid) == -1) {
		bf_error_errno(err, "give the folder %s to its user", path);
		return -1;
	}
	return 0;
}

/* Where we write as root nobody else may: a link that was put there would lead
 * us to change what it points to. */
static int
make_of(const char *path, struct bf_strings *made, struct bf_error *err)
{
	char above[PATH_MAX];

	snprintf(above, sizeof(above), "%s", path);
	return make(dirname(above), 0755, (uid_t)-1, (gid_t)-1, made, err);
}

int
bf_folders_make(const struct bf_snapshot *snapshot, uid_t uid, gid_t gid,
    struct bf_strings *made, struct bf_error *err)
{
	if (make(snapshot->state_dir, 0700, uid, gid, made, err) == -1 ||
	    (snapshot->pid_file &&
		make_of(snapshot->pid_file, made, err) == -1) ||
	    (snapshot->log_target[0] == '/' &&
		make_of(snapshot->log_target, made, err) == -1))
		return -1;
	for (size_t i = 0; i < snapshot->api.listen_count; i++) {
		const char *address = snapshot->api.listens[i].address;

		if (strncmp(address, "unix:", 5) == 0 &&
		    make_of(address + 5, made, err) == -1)
			return -1;
	}
	return 0;
}

void
bf_folders_tell(struct bf_strings *made)
{
	for (size_t i = 0; i < made->count; i++) {
		const struct passwd *owner;
		struct stat file;

		if (stat(made->items[i], &file) == -1)
			continue;
		owner = getpwuid(file.st_uid);
		bf_log(BF_LOG_NOTICE,
		    "the folder %s was not there: made, mode %04o, owner %s",
		    made->items[i], (unsigned)file.st_mode & 07777,
		    owner ? owner->pw_name : "without a name");
	}
	bf_strings_free(made);
}

void
bf_folders_remove(struct bf_strings *made)
{
	for (size_t i = made->count; i > 0; i--)
		(void)rmdir(made->items[i - 1]);
	bf_strings_free(made);
}
