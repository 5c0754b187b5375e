/*
 * answer_fuzz.c - arbitrary answers as from Slack and Discord
 *
 * The first byte chooses platform and status; then header lines up to an empty
 * line, then the body.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "modules/discord-embed/discord.h"
#include "modules/slack-format/slack.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

/* Takes the headers off the front of text. */
static void
read_headers(char **text, struct bf_response *response)
{
	char *end;

	while ((end = strchr(*text, '\n'))) {
		*end = '\0';
		if (end == *text) {
			*text = end + 1;
			return;
		}
		bf_strings_add(&response->headers, *text);
		*text = end + 1;
	}
}

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	static const int statuses[] = { 200, 204, 302, 400, 401, 403, 404, 410,
		413, 429, 500, 503, 0 };
	const size_t count = sizeof(statuses) / sizeof(*statuses);
	struct bf_response response = { .now = { 1775835045123 } };
	struct bf_verdict verdict = { .outcome = BF_RETRY };
	char *copy, *text;

	if (size == 0)
		return 0;
	response.status = statuses[bytes[0] / 2 % count];
	copy = text = bf_strndup((const char *)bytes + 1, size - 1);
	read_headers(&text, &response);
	/* The rest may hold NULs. */
	bf_buf_add(&response.body, text, size - 1 - (size_t)(text - copy));
	if (bytes[0] % 2 == 0)
		slack_answer(&response, &verdict);
	else
		discord_answer(&response, &verdict);
	assert(verdict.not_before.ms >= 0 && verdict.wait.ms >= 0);
	assert(!verdict.stop_channel || response.status >= 400);
	assert(verdict.outcome != BF_FAILED || response.status >= 400);
	assert(response.status != 429 || verdict.not_before.ms > 0);
	assert(memchr(verdict.why, '\0', sizeof(verdict.why)));
	bf_response_free(&response);
	free(copy);
	return 0;
}
