/*
 * follow.c - belfryctl deliveries --follow
 */
#include <stdio.h>
#include <string.h>

#include "core/ctl/ctl.h"
#include "core/ctl/selection.h"

/* One line of a delivery, as it changed. */
static void
print_line(const cJSON *delivery)
{
	const char *why = bf_json_text(delivery, "why");
	const char *accepted = bf_json_text(delivery, "accepted_at");
	const char *state = bf_json_text(delivery, "state");
	const char *event = bf_json_text(delivery, "event");

	printf("%s  %s  %-10s %-2.0f ", accepted ? accepted : "-",
	    bf_json_text(delivery, "id"), state ? state : "-",
	    bf_json_number(delivery, "attempt_count"));
	/* What a cancel or a replay changed is told without it. */
	bf_print_text(event ? event : "-");
	fputs(" -> ", stdout);
	bf_print_text(bf_json_text(delivery, "channel"));
	if (why) {
		fputs("  ", stdout);
		bf_print_text(why);
	}
	putchar('\n');
}

struct follower {
	const struct bf_selection *selection;
	bool json;
};

static bool
is(const cJSON *delivery, const char *name, const char *wanted)
{
	const char *text = bf_json_text(delivery, name);

	return !wanted || (text && strcmp(text, wanted) == 0);
}

/* What a cancel or a replay did to many at once. */
static void
print_number(const cJSON *notice)
{
	const char *state = bf_json_text(notice, "state");

	printf("%.0f deliveries of ", bf_json_number(notice, "count"));
	bf_print_text(bf_json_text(notice, "tenant_id"));
	printf(" are %s now\n", state ? state : "-");
}

static int
follow_item(void *context, const cJSON *delivery)
{
	const struct follower *follower = context;
	const struct bf_selection *selection = follower->selection;

	if (!is(delivery, "state", selection->state) ||
	    !is(delivery, "channel", selection->channel) ||
	    !is(delivery, "event", selection->event) ||
	    !is(delivery, "tenant_id", selection->tenant))
		return 0;
	if (follower->json) {
		char *text = cJSON_PrintUnformatted(delivery);

		puts(text);
		cJSON_free(text);
	} else if (bf_json_text(delivery, "id")) {
		print_line(delivery);
	} else {
		print_number(delivery);
	}
	return fflush(stdout) == EOF ? -1 : 0;
}

static int
stream(struct bf_ctl *ctl, const struct bf_selection *selection)
{
	struct follower follower = { selection, ctl->json };
	struct bf_error err;
	long status = bf_client_stream(ctl->client, "/v1/deliveries/stream",
	    follow_item, &follower, &err);

	if (status == -1) {
		fprintf(stderr, "belfryctl: %s\n", err.text);
		return BF_CTL_UNREACHABLE;
	}
	if (status == 200)
		return BF_CTL_OK;
	fprintf(stderr, "belfryctl: the daemon answered %ld\n", status);
	return status >= 500 ? BF_CTL_FAILED : BF_CTL_REFUSED;
}

static bool
is_state(const char *text)
{
	static const char *const states[] = { "scheduled", "sending",
		"delivered", "failed", "cancelled" };

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		if (strcmp(states[i], text) == 0)
			return true;
	}
	return false;
}

/* Complains, in the daemon's words, of who may not ask and of what is misspelt:
 * nothing of it would ever come. */
static int
check_names(struct bf_ctl *ctl, const struct bf_selection *selection)
{
	const struct bf_selection one = { .channel = selection->channel,
		.tenant = selection->tenant,
		.limit = "1" };
	struct bf_answer answer;
	int status = bf_ctl_request(ctl, "GET", "/v1/deliveries",
	    bf_selection_query(&one), NULL, &answer);

	if (status != BF_CTL_OK)
		return status;
	bf_answer_free(&answer);
	return selection->event ? bf_ctl_check_event(ctl, selection->event)
				: BF_CTL_OK;
}

int
bf_ctl_follow(struct bf_ctl *ctl, const struct bf_selection *selection)
{
	int status;

	if (selection->since || selection->until || selection->limit)
		return bf_ctl_usage(ctl,
		    "--follow is of what is to come: it takes no --since, "
		    "--until or --limit");
	if (selection->state && !is_state(selection->state))
		return bf_ctl_usage(ctl,
		    "state \"%s\": expected scheduled, sending, delivered, "
		    "failed or cancelled",
		    selection->state);
	status = check_names(ctl, selection);
	return status == BF_CTL_OK ? stream(ctl, selection) : status;
}
