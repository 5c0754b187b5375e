/*
 * transcript.c - what a test shows of an exchange, step by step
 *
 * Made from what libcurl reports while it works, and from the times it knows
 * afterwards. Values that could be secrets are masked: credentials, and the
 * signatures, which would verify for whoever copied them.
 */
#include "core/transport/transport_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <belfry/json.h>
#include <belfry/memory.h>
#include <cjson/cJSON.h>

#define STEPS_MOST 200
#define TEXT_MOST 400 /* bytes of a step */

struct transcript {
	cJSON *steps;
	int64_t began_us;
};

/* What is not shown of an answer. */
static const char *const masked[] = { "Authorization", "Proxy-Authorization",
	"Set-Cookie", NULL };

/* All that is shown of a request: any other header may be a secret. */
static const char *const shown[] = { "Accept", "Content-Length", "Content-Type",
	"Host", "User-Agent", "webhook-id", "webhook-timestamp", NULL };

struct transcript *
bf_transcript_new(void)
{
	struct transcript *transcript = bf_new(struct transcript);

	transcript->steps = cJSON_CreateArray();
	transcript->began_us = bf_clock_wall_us();
	return transcript;
}

static void
add_step(struct transcript *transcript, int64_t at_us, const char *step,
    const char *text)
{
	cJSON *json;

	if (cJSON_GetArraySize(transcript->steps) >= STEPS_MOST)
		return;
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "step", step);
	cJSON_AddNumberToObject(json, "at_us", (double)at_us);
	cJSON_AddStringToObject(json, "text", text);
	cJSON_AddItemToArray(transcript->steps, json);
}

static bool
is_listed(const char *const *names, const char *name, size_t length)
{
	for (; *names; names++) {
		if (strlen(*names) == length &&
		    strncasecmp(*names, name, length) == 0)
			return true;
	}
	return false;
}

/* The value of a header that could be a secret is not shown. */
static void
mask(char *line, bool request)
{
	const size_t length = strcspn(line, ": ");

	if (line[length] == ':' && (request ? !is_listed(shown, line, length)
					    : is_listed(masked, line, length)))
		strcpy(line + length + 1, " ***");
}

/* Adds each line of what was sent or received as a step. */
static void
add_lines(struct transcript *transcript, const char *step, const char *data,
    size_t size)
{
	const int64_t at = bf_clock_wall_us() - transcript->began_us;

	while (size > 0) {
		const char *end = memchr(data, '\n', size);
		const size_t length = end ? (size_t)(end - data) : size;
		const size_t kept = length < TEXT_MOST ? length : TEXT_MOST;
		/* Room for the mask in place of a short value. */
		char line[TEXT_MOST + 8] = "";

		memcpy(line, data, kept);
		line[strcspn(line, "\r")] = '\0';
		if (strcmp(step, "note") != 0)
			mask(line, strcmp(step, "request") == 0);
		/* libcurl's note about credentials names the user. */
		if (line[0] && !strstr(line, " auth using "))
			add_step(transcript, at, step, line);
		if (!end)
			break;
		size -= length + 1;
		data = end + 1;
	}
}

int
bf_transcript_debug(CURL *easy, curl_infotype type, char *data, size_t size,
    void *context)
{
	(void)easy;
	switch (type) {
	case CURLINFO_TEXT:
		add_lines(context, "note", data, size);
		break;
	case CURLINFO_HEADER_OUT:
		add_lines(context, "request", data, size);
		break;
	case CURLINFO_HEADER_IN:
		add_lines(context, "answer", data, size);
		break;
	default:
		break;
	}
	return 0;
}

char *
bf_transcript_json(struct transcript *transcript, CURL *easy)
{
	static const struct {
		CURLINFO info;
		const char *step, *text;
	} times[] = {
		{ CURLINFO_NAMELOOKUP_TIME_T, "time", "address known" },
		{ CURLINFO_CONNECT_TIME_T, "time", "connected" },
		{ CURLINFO_APPCONNECT_TIME_T, "time", "TLS established" },
		{ CURLINFO_STARTTRANSFER_TIME_T, "time", "answer began" },
		{ CURLINFO_TOTAL_TIME_T, "time", "done" },
	};
	struct bf_buf json = { 0 };

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		curl_off_t us = 0;

		curl_easy_getinfo(easy, times[i].info, &us);
		if (us > 0)
			add_step(transcript, us, times[i].step, times[i].text);
	}
	/* In ASCII, whatever bytes the server sent. */
	bf_json_print(&json, transcript->steps);
	return bf_buf_take(&json);
}

void
bf_transcript_free(struct transcript **transcript)
{
	if (!*transcript)
		return;
	cJSON_Delete((*transcript)->steps);
	free(*transcript);
	*transcript = NULL;
}
