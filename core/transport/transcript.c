/*
 * transcript.c - what a test shows of an exchange, step by step
 *
 * Made of what libcurl and OpenSSL report while they work. libcurl's own notes
 * are left out, as they name users and URLs, but for why an address could not
 * be connected to.
 */
#include "core/transport/transcript.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <belfry/json.h>
#include <belfry/memory.h>

#include "core/transport/mask.h"

#define STEPS_MOST 200
#define TEXT_MOST 400 /* bytes of a step */

struct step {
	int64_t at_us; /* from the start */
	const char *step;
	char *text;
};

struct transcript {
	struct step steps[STEPS_MOST];
	size_t count;
	struct timespec began;
	char *host; /* whose address is looked up; NULL: it is one */
	bool mail;  /* SMTP */
	bool proxied;
	bool resolved;
	struct bf_dialogue dialogue;
};

static int64_t
now_us(const struct transcript *transcript)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)(now.tv_sec - transcript->began.tv_sec) * 1000000 +
	       (now.tv_nsec - transcript->began.tv_nsec) / 1000;
}

/* Puts a step at its place; what comes when there are too many is left out. */
static void
put_step(struct transcript *transcript, size_t place, int64_t at_us,
    const char *step, const char *text)
{
	struct step *put = &transcript->steps[place];

	if (transcript->count == STEPS_MOST)
		return;
	memmove(put + 1, put, (transcript->count - place) * sizeof(*put));
	*put = (struct step){ at_us, step,
		bf_strndup(text, strnlen(text, TEXT_MOST)) };
	transcript->count++;
}

static void
add_step(struct transcript *transcript, const char *step, const char *text)
{
	put_step(transcript, transcript->count, now_us(transcript), step, text);
}

void
bf_transcript_add(struct transcript *transcript, const char *step,
    const char *format, ...)
{
	char text[TEXT_MOST + 1];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	add_step(transcript, step, text);
}

/* The host that is looked up, unless the URL has an address. */
static char *
host_of(const char *url)
{
	struct in6_addr address;
	char *host = NULL, *name = NULL;
	CURLU *parsed = curl_url();

	if (parsed &&
	    curl_url_set(parsed, CURLUPART_URL, url,
		CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
	    curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    *host != '[' && inet_pton(AF_INET, host, &address) != 1)
		name = bf_strdup(host);
	curl_free(host);
	curl_url_cleanup(parsed);
	return name;
}

struct transcript *
bf_transcript_new(const char *url, bool proxied)
{
	struct transcript *transcript = bf_new(struct transcript);

	clock_gettime(CLOCK_MONOTONIC, &transcript->began);
	transcript->mail = strncasecmp(url, "smtp", 4) == 0;
	transcript->proxied = proxied;
	if (!proxied)
		transcript->host = host_of(url);
	if (transcript->host)
		bf_transcript_add(transcript, "resolve",
		    "looking up the address of %s", transcript->host);
	return transcript;
}

void
bf_transcript_address(struct transcript *transcript,
    const struct sockaddr *address)
{
	const socklen_t size = address->sa_family == AF_INET6
				   ? sizeof(struct sockaddr_in6)
				   : sizeof(struct sockaddr_in);
	char host[64], port[16];

	if (getnameinfo(address, size, host, sizeof(host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	if (!transcript->resolved && transcript->host)
		bf_transcript_add(transcript, "resolve", "%s is at %s",
		    transcript->host, host);
	transcript->resolved = true;
	bf_transcript_add(transcript, "connect", "to %s%s port %s",
	    transcript->proxied ? "the proxy, " : "", host, port);
}

/* One line of what was sent or came. */
static void
add_line(struct transcript *transcript, bool sent, const char *line)
{
	struct bf_buf shown = { 0 };

	if (!transcript->mail)
		bf_mask_http(&shown, line, sent);
	else if (sent)
		bf_dialogue_sent(&transcript->dialogue, line, &shown);
	else
		bf_dialogue_received(&transcript->dialogue, line, &shown);
	add_step(transcript, sent ? "request" : "answer", bf_buf_text(&shown));
	bf_buf_free(&shown);
}

void
bf_transcript_lines(struct transcript *transcript, bool sent, const char *data,
    size_t size)
{
	while (size > 0) {
		const char *end = memchr(data, '\n', size);
		const size_t length = end ? (size_t)(end - data) : size;
		char *line = bf_strndup(data, length);

		line[strcspn(line, "\r")] = '\0';
		if (*line)
			add_line(transcript, sent, line);
		explicit_bzero(line, length);
		free(line);
		if (!end)
			break;
		size -= length + 1;
		data = end + 1;
	}
}

/* "connect to 192.0.2.1 port 443 failed: No route to host" */
static void
add_note(struct transcript *transcript, const char *data, size_t size)
{
	static const char mark[] = "connect to ";

	if (size < sizeof(mark) || memcmp(data, mark, sizeof(mark) - 1) != 0)
		return;
	bf_transcript_add(transcript, "connect", "%.*s",
	    (int)(strcspn(data, "\r\n") < size ? strcspn(data, "\r\n") : size) -
		((int)sizeof(mark) - 1),
	    data + sizeof(mark) - 1);
}

int
bf_transcript_debug(CURL *easy, curl_infotype type, char *data, size_t size,
    void *context)
{
	(void)easy;
	switch (type) {
	case CURLINFO_TEXT:
		add_note(context, data, size);
		break;
	case CURLINFO_HEADER_OUT:
		bf_transcript_lines(context, true, data, size);
		break;
	case CURLINFO_HEADER_IN:
		bf_transcript_lines(context, false, data, size);
		break;
	default:
		break;
	}
	return 0;
}

/* Connections are made behind the scenes: when that was done is known
 * afterwards. It stands behind the last address that was tried. */
static void
add_connected(struct transcript *transcript, int64_t at_us)
{
	size_t place = transcript->count;

	while (place > 0 &&
	       strcmp(transcript->steps[place - 1].step, "connect") != 0)
		place--;
	if (place == 0)
		return;
	if (at_us < transcript->steps[place - 1].at_us)
		at_us = transcript->steps[place - 1].at_us;
	put_step(transcript, place, at_us, "connect", "connected");
}

void
bf_transcript_end(struct transcript *transcript, CURL *easy,
    const struct bf_response *response)
{
	curl_off_t connected = 0;
	long port = 0;

	curl_easy_getinfo(easy, CURLINFO_LOCAL_PORT, &port);
	curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected);
	if (port > 0 && connected > 0)
		add_connected(transcript, connected);
	if (response->error)
		bf_transcript_add(transcript, "end", "%s", response->error);
	else
		bf_transcript_add(transcript, "end", "status %d",
		    response->status);
}

const struct bf_dialogue *
bf_transcript_dialogue(const struct transcript *transcript)
{
	return &transcript->dialogue;
}

static void
add_steps(cJSON *json, const struct transcript *transcript)
{
	cJSON *steps = cJSON_AddArrayToObject(json, "steps");

	for (size_t i = 0; i < transcript->count; i++) {
		const struct step *step = &transcript->steps[i];
		cJSON *object = cJSON_CreateObject();

		cJSON_AddStringToObject(object, "step", step->step);
		cJSON_AddNumberToObject(object, "at_us", (double)step->at_us);
		cJSON_AddStringToObject(object, "text", step->text);
		cJSON_AddItemToArray(steps, object);
	}
}

static void
add_hint(cJSON *json, const struct bf_symptom *symptom)
{
	const struct bf_hint *hint = bf_hint_find(symptom);
	cJSON *object;
	char *cause;

	if (!hint)
		return;
	object = cJSON_AddObjectToObject(json, "hint");
	cause = bf_hint_cause(hint, symptom);
	cJSON_AddStringToObject(object, "name", hint->name);
	cJSON_AddStringToObject(object, "cause", cause);
	cJSON_AddStringToObject(object, "fix", hint->fix);
	free(cause);
}

char *
bf_transcript_json(const struct transcript *transcript,
    const struct bf_symptom *symptom)
{
	cJSON *json = cJSON_CreateObject();
	struct bf_buf text = { 0 };

	add_steps(json, transcript);
	if (symptom)
		add_hint(json, symptom);
	bf_json_print(&text, json);
	cJSON_Delete(json);
	return bf_buf_take(&text);
}

void
bf_transcript_free(struct transcript **transcript)
{
	struct transcript *own = *transcript;

	if (!own)
		return;
	for (size_t i = 0; i < own->count; i++)
		free(own->steps[i].text);
	bf_dialogue_free(&own->dialogue);
	free(own->host);
	free(own);
	*transcript = NULL;
}
