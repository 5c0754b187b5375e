/*
 * sign_in.c - passwords, checked
 *
 * A password is checked on a thread of its own, one at a time: that takes 16
 * MiB and some 100 ms, which nobody may ask for as often as they like. Who
 * guesses is made to wait, by address and by the user's name; an address that
 * the user has signed in from is not made to wait for what others try, so that
 * nobody can lock a user out. It has a count of its own for that user: behind a
 * proxy or a NAT the address is everybody's, and whoever signs in there takes
 * its failures away.
 *
 * A host of IPv6 has 2^64 addresses to guess from, so they count as one.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>
#include <openssl/crypto.h>

#include "core/base/log.h"
#include "core/conf/password.h"
#include "core/process/command_private.h"
#include "core/process/errand.h"
#include "core/process/throttle.h"

#define WAITING_MOST 16  /* passwords to be checked */
#define GUESTS_MOST 1024 /* addresses that are known to be users' */
#define MINUTE INT64_C(60000)
#define REFUSALS_MOST 10 /* in the audit log, in a minute */

struct sign_in {
	struct store_call call;
	struct command command;
	struct sign_in *next;
	char *user;
	char *address;
	char *network; /* that is held responsible for it */
	char *password;
	char *hash; /* to be checked against */
	bool visit; /* where the user is a guest */
	bool fits;
};

/* A network that a user has signed in from: "user network". */
struct guest {
	char *key;
	UT_hash_handle hh;
};

struct bf_desk {
	struct bf_throttle *networks;
	struct bf_throttle *users;     /* from where they are no guests */
	struct bf_throttle *visits;    /* and from where they are */
	struct guest *guests;          /* oldest first */
	struct sign_in *first, **last; /* the first is being checked */
	size_t waiting;
	int64_t minute; /* in which refusals were written down: so many */
	unsigned refusals;
	char *nobody; /* the hash that unknown users are checked against */
};

static const struct bf_throttle_policy by_network = { .free = 5,
	.first_ms = 1000,
	.most_ms = 5 * MINUTE,
	.forget_ms = 60 * MINUTE };
static const struct bf_throttle_policy by_user = { .free = 20,
	.first_ms = 1000,
	.most_ms = 10000,
	.forget_ms = 15 * MINUTE };

static struct bf_desk *
desk_of(struct scheduler *scheduler)
{
	struct bf_desk *desk = scheduler->desk;

	if (desk)
		return desk;
	desk = scheduler->desk = bf_new(struct bf_desk);
	desk->networks = bf_throttle_new(&by_network);
	desk->users = bf_throttle_new(&by_user);
	desk->visits = bf_throttle_new(&by_user);
	desk->last = &desk->first;
	return desk;
}

static void
free_guest(struct bf_desk *desk, struct guest *guest)
{
	HASH_DEL(desk->guests, guest);
	free(guest->key);
	free(guest);
}

/* The guest; NULL if the user has not signed in from there. */
static const struct guest *
find_guest(const struct bf_desk *desk, const char *user, const char *network)
{
	char *key = bf_strf("%s %s", user, network);
	struct guest *guest;

	HASH_FIND_STR(desk->guests, key, guest);
	free(key);
	return guest;
}

/* Makes the user one, if that is not so already. */
static const struct guest *
add_guest(struct bf_desk *desk, const char *user, const char *network)
{
	const struct guest *known = find_guest(desk, user, network);
	struct guest *guest;

	if (known)
		return known;
	if (HASH_COUNT(desk->guests) >= GUESTS_MOST)
		free_guest(desk, desk->guests);
	guest = bf_new(struct guest);
	guest->key = bf_strf("%s %s", user, network);
	HASH_ADD_KEYPTR(hh, desk->guests, guest->key, strlen(guest->key),
	    guest);
	return guest;
}

static void
free_sign_in(struct sign_in *own)
{
	if (own->password)
		OPENSSL_cleanse(own->password, strlen(own->password));
	free(own->password);
	free(own->user);
	free(own->address);
	free(own->network);
	free(own->hash);
	free(own);
}

void
bf_desk_free(struct scheduler *scheduler)
{
	struct bf_desk *desk = scheduler->desk;
	struct sign_in *own, *next;
	struct guest *guest, *next_guest;

	if (!desk)
		return;
	/* The first is its thread's, which nobody waits for. */
	for (own = desk->first ? desk->first->next : NULL; own; own = next) {
		next = own->next;
		free_sign_in(own);
	}
	HASH_ITER(hh, desk->guests, guest, next_guest)
	free_guest(desk, guest);
	bf_throttle_free(&desk->networks);
	bf_throttle_free(&desk->users);
	bf_throttle_free(&desk->visits);
	free(desk->nobody);
	free(desk);
	scheduler->desk = NULL;
}

/* Writes a refusal down, unless guessing would fill the log. Who it was is not
 * known: the name is what they said. */
static void
note_refusal(struct scheduler *scheduler, const struct sign_in *own)
{
	struct bf_desk *desk = scheduler->desk;
	const int64_t minute = bf_clock_monotonic_ms() / MINUTE;
	/* What is no user's name may be a password, typed in the wrong place.
	 */
	const bool known =
	    bf_snapshot_user(bf_registry_snapshot(scheduler->registry),
		own->user) != NULL;

	bf_log(BF_LOG_WARN, "sign-in from %s was refused", own->address);
	if (minute != desk->minute)
		desk->refusals = 0;
	desk->minute = minute;
	if (desk->refusals++ < REFUSALS_MOST)
		bf_audit_note(scheduler,
		    &(struct audit_row){ .actor = "nobody",
			.address = own->address,
			.action = "sign-in-refused",
			.object = known ? own->user : "" });
}

void
bf_sign_in_refuse(const struct command *command, uint32_t status,
    const char *title, const char *detail, int64_t wait_ms)
{
	const int64_t seconds = (wait_ms + 999) / 1000;
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "title", title);
	cJSON_AddNumberToObject(json, "status", status);
	cJSON_AddStringToObject(json, "detail", detail);
	cJSON_AddNumberToObject(json, "retry_after", (double)seconds);
	bf_command_json(command, status, json);
}

static void start_first(struct scheduler *scheduler);

static enum bf_store_result
run_check(struct bf_store *store, struct store_call *call, struct bf_error *err)
{
	struct sign_in *own = (struct sign_in *)call;

	(void)store;
	(void)err;
	own->fits = bf_password_fits(own->hash, own->password);
	/* What OpenSSL keeps of this thread is gone when the loop hears of its
	 * end: a process that exits then would leave it behind. */
	OPENSSL_thread_stop();
	return BF_STORE_OK;
}

static void
let_in(struct scheduler *scheduler, const struct sign_in *own)
{
	struct bf_desk *desk = scheduler->desk;
	const struct guest *guest = add_guest(desk, own->user, own->network);

	bf_throttle_forgive(desk->networks, own->network);
	bf_throttle_forgive(desk->visits, guest->key);
	/* From elsewhere somebody may still be guessing. */
	if (!own->visit)
		bf_throttle_forgive(desk->users, own->user);
	bf_log(BF_LOG_NOTICE, "user %s signed in from %s", own->user,
	    own->address);
	bf_session_make(&own->command, own->user, own->address);
}

static void
check_done(void *owner, struct store_call *call)
{
	struct scheduler *scheduler = owner;
	struct bf_desk *desk = scheduler->desk;
	struct sign_in *own = (struct sign_in *)call;
	/* The conf file may have been changed meanwhile. */
	const struct bf_dashboard_user *user =
	    bf_snapshot_user(bf_registry_snapshot(scheduler->registry),
		own->user);

	desk->first = own->next;
	if (!desk->first)
		desk->last = &desk->first;
	desk->waiting--;
	if (call->result != BF_STORE_OK) {
		bf_sign_in_refuse(&own->command, 503, "Service Unavailable",
		    "passwords can't be checked now", 1000);
	} else if (own->fits && user &&
		   strcmp(user->password, own->hash) == 0) {
		let_in(scheduler, own);
	} else {
		note_refusal(scheduler, own);
		bf_sign_in_refuse(&own->command, 401, "Unauthorized",
		    "the name or the password is wrong", 0);
	}
	free_sign_in(own);
	start_first(scheduler);
}

/* Has the first that waits checked. */
static void
start_first(struct scheduler *scheduler)
{
	struct bf_desk *desk = scheduler->desk;
	struct sign_in *own = desk->first;

	if (!own || bf_errand_run(scheduler->base,
			bf_registry_snapshot(scheduler->registry)->state_dir,
			&own->call, scheduler) == 0)
		return;
	own->call.result = BF_STORE_AGAIN;
	check_done(scheduler, &own->call);
}

/* How long who signs in must wait; 0: not at all. */
static int64_t
wait_of(const struct bf_desk *desk, const char *user, const char *network,
    int64_t now)
{
	const int64_t wait = bf_throttle_wait(desk->networks, network, now);
	const struct guest *guest = find_guest(desk, user, network);

	if (wait > 0)
		return wait;
	return guest ? bf_throttle_wait(desk->visits, guest->key, now)
		     : bf_throttle_wait(desk->users, user, now);
}

/* Counts a try as a failure. Returns whether the user is a guest there. */
static bool
count(struct bf_desk *desk, const char *user, const char *network, int64_t now)
{
	const struct guest *guest = find_guest(desk, user, network);

	bf_throttle_count(desk->networks, network, now);
	if (guest)
		bf_throttle_count(desk->visits, guest->key, now);
	else
		bf_throttle_count(desk->users, user, now);
	return guest != NULL;
}

/* The hash of a user's password; of nobody's, which takes as long to check, if
 * there is no such user. */
static const char *
hash_of(struct scheduler *scheduler, const char *name)
{
	const struct bf_dashboard_user *user =
	    bf_snapshot_user(bf_registry_snapshot(scheduler->registry), name);
	struct bf_desk *desk = scheduler->desk;

	if (user && user->password)
		return user->password;
	if (!desk->nobody)
		desk->nobody = bf_password_hash("nobody");
	return desk->nobody;
}

void
bf_verb_sign_in(const struct command *command)
{
	struct scheduler *scheduler = command->scheduler;
	struct bf_desk *desk = desk_of(scheduler);
	const char *user = bf_command_text(command, "user");
	const char *password = bf_command_text(command, "password");
	const char *address = bf_command_text(command, "address");
	const int64_t now = bf_clock_monotonic_ms();
	char network[BF_NETWORK_TEXT];
	int64_t wait;
	struct sign_in *own;

	if (!user || !password || !address) {
		bf_sign_in_refuse(command, 401, "Unauthorized",
		    "the name or the password is wrong", 0);
		return;
	}
	bf_throttle_network(address, network);
	wait = wait_of(desk, user, network, now);
	if (wait > 0 || desk->waiting >= WAITING_MOST) {
		bf_sign_in_refuse(command, wait > 0 ? 429 : 503,
		    "Too Many Requests",
		    "too many sign-ins; wait before the next one",
		    wait > 0 ? wait : 1000);
		return;
	}
	own = bf_new(struct sign_in);
	own->visit = count(desk, user, network, now);
	own->call.run = run_check;
	own->call.done = check_done;
	own->command = *command;
	own->command.arguments = NULL;
	own->command.tenant = NULL;
	own->user = bf_strdup(user);
	own->address = bf_strdup(address);
	own->network = bf_strdup(network);
	own->password = bf_strdup(password);
	own->hash = bf_strdup(hash_of(scheduler, user));
	*desk->last = own;
	desk->last = &own->next;
	if (desk->waiting++ == 0)
		start_first(scheduler);
}
