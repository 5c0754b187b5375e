#ifndef BF_CTL_H
#define BF_CTL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/ctl/client.h"
#include "core/ctl/print.h"

/*
 * What the commands of belfryctl have in common: their options, the running
 * daemon, and what becomes of an answer.
 */

/* Exit status, documented in belfryctl(1). */
enum bf_ctl_exit {
	BF_CTL_OK = 0,
	BF_CTL_NO = 1,    /* the answer is no: a test failed, none found */
	BF_CTL_USAGE = 2, /* the command line is wrong */
	BF_CTL_UNREACHABLE = 3, /* no daemon there */
	BF_CTL_REFUSED = 4,     /* the daemon refused the request (4xx) */
	BF_CTL_FAILED = 5,      /* the daemon could not do it (5xx) */
};

/* How often an option may stand that can be repeated. */
#define BF_CTL_REPEATS_MAX 16

/* An option of a command. One of value and flag is set. An argument that ends
 * in "..." can be repeated: value is then an array of BF_CTL_REPEATS_MAX + 1,
 * filled from its beginning and ended by NULL. */
struct bf_ctl_option {
	const char *name; /* long name, without dashes; NULL ends the list */
	char letter;      /* short name, or 0 */
	const char *argument; /* what its value is called in the help */
	const char *help;
	const char **value;
	bool *flag;
};

struct bf_ctl;

struct bf_ctl_command {
	const char *name;
	const char *arguments; /* as in the usage line */
	const char *summary;
	int (*run)(struct bf_ctl *ctl);
};

struct bf_ctl {
	struct bf_client *client;
	const struct bf_ctl_command *command;
	bool json;
	bool quiet;
	int argc; /* the command's own words, argv[0] its name */
	char **argv;
};

/*
 * Reads the options of the command and leaves the other words in ctl->argc
 * and argv (without the name). Returns 0; or prints help or what is wrong, sets
 * *status, and returns -1.
 */
int bf_ctl_options(struct bf_ctl *ctl, const struct bf_ctl_option *options,
    int least, int most, int *status);

/* Says what is wrong with the command line. Always BF_CTL_USAGE. */
int bf_ctl_usage(const struct bf_ctl *ctl, const char *format, ...)
    BF_PRINTF(2, 3);

/*
 * Makes a request; takes query and body (both may be NULL). On success (2xx)
 * returns BF_CTL_OK with *answer for the caller to free. Otherwise says why on
 * stderr and returns the exit status.
 */
int bf_ctl_request(struct bf_ctl *ctl, const char *method, const char *path,
    cJSON *query, cJSON *body, struct bf_answer *answer);

/* The exit status for an answer; says why on stderr unless it is 2xx. */
int bf_ctl_status(const struct bf_answer *answer);

/* The same for what was said of a line of a file, counted from 1. */
int bf_ctl_line_status(const struct bf_answer *answer, int line);

/* As bf_ctl_request, and with --json prints the document: then, and on
 * failure, *answer is empty and the caller is done. */
int bf_ctl_ask(struct bf_ctl *ctl, const char *method, const char *path,
    cJSON *query, cJSON *body, struct bf_answer *answer);

/* As bf_ctl_ask with GET, of a list that comes in pages: all its members of
 * that name, as if they were one page. */
int bf_ctl_ask_all(struct bf_ctl *ctl, const char *path, cJSON *query,
    const char *member, struct bf_answer *answer);

/* Says on stderr if a tenant that was named (or NULL) is one that nobody made,
 * and so may be misspelt: for what makes something of it. */
void bf_ctl_doubt_tenant(struct bf_ctl *ctl, const char *tenant);

/* A path with one segment escaped in place of %s, in new memory. */
char *bf_ctl_path(const char *format, const char *segment);

/* Appends a whole file ("-": standard input); -1 after saying why not. */
int bf_ctl_read_file(const char *path, struct bf_buf *text);

/* Adds a string to an object unless text is NULL. */
void bf_ctl_add(cJSON *object, const char *name, const char *text);

int bf_ctl_send(struct bf_ctl *ctl);
int bf_ctl_explain(struct bf_ctl *ctl);
int bf_ctl_events(struct bf_ctl *ctl);
int bf_ctl_channels(struct bf_ctl *ctl);
int bf_ctl_test(struct bf_ctl *ctl);
int bf_ctl_modules(struct bf_ctl *ctl);
int bf_ctl_deliveries(struct bf_ctl *ctl);
int bf_ctl_show(struct bf_ctl *ctl);
int bf_ctl_replay(struct bf_ctl *ctl);
int bf_ctl_cancel(struct bf_ctl *ctl);
int bf_ctl_token(struct bf_ctl *ctl);
int bf_ctl_tenants(struct bf_ctl *ctl);
int bf_ctl_audit(struct bf_ctl *ctl);
int bf_ctl_stats(struct bf_ctl *ctl);
int bf_ctl_backup(struct bf_ctl *ctl);
int bf_ctl_check(struct bf_ctl *ctl);
int bf_ctl_passwd(struct bf_ctl *ctl);
int bf_ctl_seal(struct bf_ctl *ctl);
int bf_ctl_rotate(struct bf_ctl *ctl);

/* channels create, set and delete: the answer is the channel, unless it was
 * deleted. */
int bf_ctl_channel_edit(struct bf_ctl *ctl, const char *tenant,
    struct bf_answer *answer);

#endif
