/*
 * scheduler_test.c - tests of channels: one attempt, of which nothing is kept
 *
 * A test goes past filters, queues and switches to the first worker that is
 * free, and its outcome to whoever asked. Settings that are not saved go along
 * with it, and are forgotten behind it.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>
#include <cjson/cJSON.h>

#include "core/process/scheduler_private.h"
#include "core/registry/snapshot_wire.h"

#define WAIT_MS 10000  /* for a worker; then the test is not made */
#define MASKED_LEAST 6 /* bytes of a secret that is looked for in answers */

static void
free_test(struct test *test)
{
	bf_event_unref(&test->event);
	bf_channel_free(&test->draft);
	free(test->group);
	free(test);
}

static void
reply_problem(struct scheduler *scheduler, const struct test *test,
    unsigned status, const char *slug, const char *title, const char *detail)
{
	char *body = bf_strf("{\"type\":\"urn:belfry:problem:%s\","
			     "\"title\":\"%s\",\"status\":%u,"
			     "\"detail\":\"%s\"}",
	    slug, title, status, detail);

	bf_accept_reply(scheduler, test->intake, test->token, status, body);
	free(body);
}

void
bf_test_run(struct scheduler *scheduler, const struct test *wanted)
{
	struct test *test = bf_new(struct test);

	*test = *wanted;
	test->group = bf_strdup(wanted->group);
	test->deadline = bf_clock_monotonic_ms() + WAIT_MS;
	if (test->draft) {
		test->draft->number = BF_DRAFT_CHANNEL;
		test->channel = BF_DRAFT_CHANNEL;
	}
	TAILQ_INSERT_TAIL(&scheduler->tests, test, entry);
	bf_worker_watch(scheduler);
	bf_worker_pump_soon(scheduler);
}

void
bf_test_pump(struct scheduler *scheduler)
{
	struct test *test, *next;

	for (test = TAILQ_FIRST(&scheduler->tests); test; test = next) {
		next = TAILQ_NEXT(test, entry);
		TAILQ_REMOVE(&scheduler->tests, test, entry);
		if (bf_worker_test(scheduler, test) == 0)
			continue;
		if (next)
			TAILQ_INSERT_BEFORE(next, test, entry);
		else
			TAILQ_INSERT_TAIL(&scheduler->tests, test, entry);
	}
}

void
bf_test_expire(struct scheduler *scheduler, int64_t now)
{
	struct test *test;

	/* They stand in the order in which their time is up. */
	while (
	    (test = TAILQ_FIRST(&scheduler->tests)) && test->deadline <= now) {
		TAILQ_REMOVE(&scheduler->tests, test, entry);
		reply_problem(scheduler, test, 503, "no-worker",
		    "No worker is free",
		    "no worker can make the test now; try again");
		free_test(test);
	}
}

void
bf_test_lost(struct scheduler *scheduler, struct test *test)
{
	reply_problem(scheduler, test, 502, "worker-died", "The worker died",
	    "the worker that made the test died");
	free_test(test);
}

void
bf_test_free(struct scheduler *scheduler)
{
	struct test *test;

	while ((test = TAILQ_FIRST(&scheduler->tests))) {
		TAILQ_REMOVE(&scheduler->tests, test, entry);
		free_test(test);
	}
}

/* ---- the answer ---- */

/* Puts *** in place of a secret wherever a text has it. */
static void
mask_word(cJSON *text, const char *word)
{
	const char *from = text->valuestring, *at;
	struct bf_buf masked = { 0 };

	if (!strstr(from, word))
		return;
	while ((at = strstr(from, word))) {
		bf_buf_add(&masked, from, (size_t)(at - from));
		bf_buf_add_text(&masked, "***");
		from = at + strlen(word);
	}
	bf_buf_add_text(&masked, from);
	explicit_bzero(text->valuestring, strlen(text->valuestring));
	cJSON_SetValuestring(text, bf_buf_text(&masked));
	bf_buf_wipe(&masked);
}

/* The last word of a setting is the secret, the one before the name of a pair.
 */
static void
mask_text(cJSON *text, const struct bf_channel *channel)
{
	for (size_t i = 0; i < channel->setting_count; i++) {
		const struct bf_setting *setting = &channel->settings[i];
		const char *word =
		    setting->secret && setting->words.count > 0
			? setting->words.items[setting->words.count - 1]
			: "";

		if (strlen(word) >= MASKED_LEAST)
			mask_word(text, word);
	}
}

/* An endpoint may send back what it got: what has its words is masked. Our own
 * words are not, though a secret may be among them. */
static void
mask_secrets(cJSON *result, const struct bf_channel *channel)
{
	static const char *const said[] = { "why", "excerpt" };
	cJSON *hint = cJSON_GetObjectItemCaseSensitive(result, "hint");
	cJSON *text, *step;

	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++) {
		text = cJSON_GetObjectItemCaseSensitive(result, said[i]);
		if (text)
			mask_text(text, channel);
	}
	cJSON_ArrayForEach(step,
	    cJSON_GetObjectItemCaseSensitive(result, "steps"))
	{
		text = cJSON_GetObjectItemCaseSensitive(step, "text");
		if (cJSON_IsString(text))
			mask_text(text, channel);
	}
	/* It names the place that a redirect leads to. */
	text = cJSON_GetObjectItemCaseSensitive(hint, "cause");
	if (cJSON_IsString(text) &&
	    strcmp(cJSON_GetStringValue(
		       cJSON_GetObjectItemCaseSensitive(hint, "name")),
		"redirect") == 0)
		mask_text(text, channel);
}

/* Moves a member of what the worker said over to the answer. */
static void
move(cJSON *from, const char *name, cJSON *to)
{
	cJSON *item = cJSON_DetachItemFromObjectCaseSensitive(from, name);

	if (item)
		cJSON_AddItemToObject(to, name, item);
}

static cJSON *
make_result(const struct bf_msg_outcome *outcome)
{
	static const char *const verdicts[] = {
		[BF_DELIVERED] = "delivered",
		[BF_RETRY] = "retry",
		[BF_FAILED] = "failed",
	};
	cJSON *result = cJSON_CreateObject();
	cJSON *transcript =
	    outcome->transcript ? cJSON_Parse(outcome->transcript) : NULL;

	cJSON_AddBoolToObject(result, "ok", outcome->outcome == BF_DELIVERED);
	cJSON_AddStringToObject(result, "verdict", verdicts[outcome->outcome]);
	cJSON_AddNumberToObject(result, "status", outcome->attempt.status);
	if (outcome->attempt.why)
		cJSON_AddStringToObject(result, "why", outcome->attempt.why);
	cJSON_AddNumberToObject(result, "took_ms",
	    (double)outcome->attempt.took_us / 1000);
	if (outcome->attempt.excerpt)
		cJSON_AddStringToObject(result, "excerpt",
		    outcome->attempt.excerpt);
	move(transcript, "steps", result);
	if (!cJSON_HasObjectItem(result, "steps"))
		cJSON_AddArrayToObject(result, "steps");
	move(transcript, "hint", result);
	cJSON_Delete(transcript);
	return result;
}

void
bf_test_ended(struct scheduler *scheduler, struct test *test,
    const struct bf_channel *channel, const struct bf_msg_outcome *outcome)
{
	cJSON *result = make_result(outcome);
	char *printed;

	if (channel)
		mask_secrets(result, channel);
	printed = cJSON_PrintUnformatted(result);
	bf_accept_reply(scheduler, test->intake, test->token, 200, printed);
	cJSON_free(printed);
	cJSON_Delete(result);
	free_test(test);
}
