/*
 * client.c - requests to a running belfry, by libcurl
 *
 * Proxies of the environment are ignored: the daemon is addressed directly, as
 * belfry itself addresses others only as configured.
 */
#include "core/ctl/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/buf.h>
#include <belfry/memory.h>

#include "core/transport/libraries.h"

#define ANSWER_MAX (64u << 20) /* bytes; no answer of belfry comes near */

struct bf_client {
	CURL *curl;
	char *socket;
	char *url;
	char *authorization;
	char reason[CURL_ERROR_SIZE];
};

struct bf_client *
bf_client_new(const char *socket, const char *url, const char *token)
{
	struct bf_client *client = bf_new(struct bf_client);

	client->curl = bf_libraries_curl() == 0 ? curl_easy_init() : NULL;
	if (!client->curl)
		abort();
	client->socket = url ? NULL : bf_strdup(socket);
	client->url = bf_strdup(url ? url : "http://localhost");
	while (strlen(client->url) > 0 &&
	       client->url[strlen(client->url) - 1] == '/')
		client->url[strlen(client->url) - 1] = '\0';
	if (token)
		client->authorization =
		    bf_strf("Authorization: Bearer %s", token);
	return client;
}

/* The query string of an object of strings, in front of it a "?". */
static void
add_query(struct bf_buf *url, CURL *curl, const cJSON *query)
{
	const cJSON *item;
	char separator = '?';

	cJSON_ArrayForEach(item, query)
	{
		char *value;

		if (!cJSON_IsString(item))
			continue;
		value = curl_easy_escape(curl, item->valuestring, 0);
		bf_buf_add_format(url, "%c%s=%s", separator, item->string,
		    value);
		curl_free(value);
		separator = '&';
	}
}

static size_t
gather(char *bytes, size_t size, size_t count, void *context)
{
	struct bf_buf *text = context;

	if (text->size + size * count > ANSWER_MAX)
		return 0;
	bf_buf_add(text, bytes, size * count);
	return size * count;
}

/* Sets what every request has in common. */
static void
prepare(struct bf_client *client, const char *url, struct curl_slist **headers)
{
	CURL *curl = client->curl;

	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "belfryctl/" BF_VERSION);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->reason);
	if (client->socket)
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH,
		    client->socket);
	if (client->authorization)
		*headers = curl_slist_append(*headers, client->authorization);
	*headers = curl_slist_append(*headers, "Expect:");
	client->reason[0] = '\0';
}

static int
unreachable(struct bf_client *client, CURLcode code, struct bf_error *err)
{
	const char *reason =
	    client->reason[0] ? client->reason : curl_easy_strerror(code);
	long cause = 0;

	if (!client->socket) {
		bf_error_set(err, "can't reach belfry at %s: %s", client->url,
		    reason);
		return -1;
	}
	/* libcurl speaks of a host and a port here: the cause says more. */
	if (code == CURLE_COULDNT_CONNECT)
		curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &cause);
	bf_error_set(err, "can't reach belfry at %s: %s%s", client->socket,
	    cause > 0 ? strerror((int)cause) : reason,
	    cause == ENOENT || cause == ECONNREFUSED ? " (is it running?)"
						     : "");
	return -1;
}

/* Performs the prepared request and reads the answer. */
static int
perform(struct bf_client *client, struct curl_slist *headers,
    struct bf_answer *answer, struct bf_error *err)
{
	struct bf_buf text = { 0 };
	CURLcode code;

	curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, gather);
	curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &text);
	code = curl_easy_perform(client->curl);
	curl_slist_free_all(headers);
	if (code != CURLE_OK) {
		bf_buf_free(&text);
		return unreachable(client, code, err);
	}
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE,
	    &answer->status);
	answer->json = cJSON_ParseWithLength(bf_buf_text(&text), text.size);
	answer->text = bf_buf_take(&text);
	return 0;
}

int
bf_client_request(struct bf_client *client, const char *method,
    const char *path, const cJSON *query, const cJSON *body,
    struct bf_answer *answer, struct bf_error *err)
{
	struct curl_slist *headers = NULL;
	struct bf_buf url = { 0 };
	char *text = body ? cJSON_PrintUnformatted(body) : NULL;
	int result;

	*answer = (struct bf_answer){ 0 };
	bf_buf_add_format(&url, "%s%s", client->url, path);
	add_query(&url, client->curl, query);
	prepare(client, url.data, &headers);
	curl_easy_setopt(client->curl, CURLOPT_CUSTOMREQUEST, method);
	if (text) {
		headers = curl_slist_append(headers,
		    "Content-Type: application/json");
		curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, text);
	}
	result = perform(client, headers, answer, err);
	cJSON_free(text);
	bf_buf_free(&url);
	return result;
}

int
bf_client_post(struct bf_client *client, const char *path,
    const char *content_type, const char *key, const char *text, size_t size,
    struct bf_answer *answer, struct bf_error *err)
{
	char *url = bf_strf("%s%s", client->url, path);
	char *type = bf_strf("Content-Type: %s", content_type);
	struct curl_slist *headers = NULL;
	int result;

	*answer = (struct bf_answer){ 0 };
	prepare(client, url, &headers);
	headers = curl_slist_append(headers, type);
	if (key) {
		char *header = bf_strf("Idempotency-Key: %s", key);

		headers = curl_slist_append(headers, header);
		free(header);
	}
	curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, text);
	curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)size);
	result = perform(client, headers, answer, err);
	free(type);
	free(url);
	return result;
}

/* A stream of server-sent events (WHATWG HTML, section 9.2) as it comes. */
struct stream {
	bf_client_item *item;
	void *context;
	struct bf_buf line;
	bool stopped;
};

static void
end_line(struct stream *stream)
{
	const char *line = bf_buf_text(&stream->line);
	cJSON *json;

	if (strncmp(line, "data:", 5) == 0 && (json = cJSON_Parse(line + 5))) {
		if (stream->item(stream->context, json) == -1)
			stream->stopped = true;
		cJSON_Delete(json);
	}
	bf_buf_clear(&stream->line);
}

static size_t
read_stream(char *bytes, size_t size, size_t count, void *context)
{
	struct stream *stream = context;

	for (size_t i = 0; i < size * count && !stream->stopped; i++) {
		if (bytes[i] == '\n')
			end_line(stream);
		else if (stream->line.size < ANSWER_MAX)
			bf_buf_add_byte(&stream->line, bytes[i]);
	}
	return stream->stopped ? 0 : size * count;
}

long
bf_client_stream(struct bf_client *client, const char *path,
    bf_client_item *item, void *context, struct bf_error *err)
{
	struct stream stream = { .item = item, .context = context };
	char *url = bf_strf("%s%s", client->url, path);
	struct curl_slist *headers = NULL;
	long status = 0;
	CURLcode code;

	prepare(client, url, &headers);
	headers = curl_slist_append(headers, "Accept: text/event-stream");
	curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, read_stream);
	curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &stream);
	code = curl_easy_perform(client->curl);
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	bf_buf_free(&stream.line);
	free(url);
	if (code != CURLE_OK && !stream.stopped)
		return unreachable(client, code, err);
	return status;
}

void
bf_answer_free(struct bf_answer *answer)
{
	cJSON_Delete(answer->json);
	free(answer->text);
	*answer = (struct bf_answer){ 0 };
}

void
bf_client_free(struct bf_client **client)
{
	if (!*client)
		return;
	curl_easy_cleanup((*client)->curl);
	free((*client)->socket);
	free((*client)->url);
	if ((*client)->authorization)
		explicit_bzero((*client)->authorization,
		    strlen((*client)->authorization));
	free((*client)->authorization);
	free(*client);
	*client = NULL;
	curl_global_cleanup();
}
