/*
 * secrets.c - belfryctl passwd, seal, rotate
 *
 * A secret never stands on the command line, where every user can see it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <belfry/memory.h>
#include <bsd/readpassphrase.h>
#include <openssl/crypto.h>

#include "core/conf/password.h"
#include "core/ctl/ctl.h"
#include "core/ctl/secret.h"

#define SECRET_MAX 32768
#define TYPED_MAX 4096 /* bytes of a line, as a terminal gives it: N_TTY */

static int
check_secret(const struct bf_buf *secret, struct bf_error *err)
{
	if (secret->size > 0 && secret->size <= SECRET_MAX &&
	    !memchr(secret->data, '\0', secret->size))
		return 0;
	bf_error_set(err,
	    "%s; expected a secret of 1 to %d bytes without a NUL",
	    secret->size == 0 ? "nothing" : "no secret", SECRET_MAX);
	return -1;
}

/* All there is, without one final line end. */
static int
read_all(int fd, struct bf_buf *out, struct bf_error *err)
{
	ssize_t got;

	do {
		got = read(fd, bf_buf_reserve(out, 4096), 4096);
		if (got == -1 && errno == EINTR)
			continue;
		out->size += got > 0 ? (size_t)got : 0;
	} while (got > 0 && out->size <= SECRET_MAX);
	if (got == -1) {
		bf_error_errno(err, "read the secret");
		return -1;
	}
	if (out->size > 0 && out->data[out->size - 1] == '\n')
		out->size--;
	bf_buf_add(out, "", 0);
	return check_secret(out, err);
}

/* A line from the terminal, which does not show it, and shows what is typed
 * again also when a signal ends this process. */
static int
read_hidden(struct bf_buf *out, const char *prompt, struct bf_error *err)
{
	char line[TYPED_MAX];

	if (!readpassphrase(prompt, line, sizeof(line), RPP_ECHO_OFF)) {
		bf_error_errno(err, "the terminal");
		return -1;
	}
	bf_buf_add_text(out, line);
	OPENSSL_cleanse(line, sizeof(line));
	return check_secret(out, err);
}

/* Reads a secret from standard input into out: on a terminal a line, after the
 * prompt; from elsewhere all there is. */
static int
read_secret(struct bf_buf *out, const char *prompt, struct bf_error *err)
{
	return isatty(STDIN_FILENO) ? read_hidden(out, prompt, err)
				    : read_all(STDIN_FILENO, out, err);
}

int
bf_ctl_read_value(const char *file, struct bf_buf *out, struct bf_error *err,
    const char *name)
{
	char *prompt;
	int fd, result;

	if (strcmp(file, "-") == 0) {
		prompt = bf_strf("%s: ", name);
		result = read_secret(out, prompt, err);
		free(prompt);
		return result;
	}
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		bf_error_errno(err, "%s", file);
		return -1;
	}
	result = read_all(fd, out, err);
	close(fd);
	return result;
}

/* Reads a password; from a terminal twice, as nobody sees what they type. */
static int
read_password(struct bf_buf *password, struct bf_error *err)
{
	struct bf_buf again = { 0 };
	int result;

	if (read_secret(password, "Password: ", err) == -1)
		return -1;
	if (password->size > BF_PASSWORD_MAX) {
		bf_error_set(err, "too long; expected %d bytes at most",
		    BF_PASSWORD_MAX);
		return -1;
	}
	if (!isatty(STDIN_FILENO))
		return 0;
	result = read_secret(&again, "The same again: ", err);
	if (result == 0 && strcmp(password->data, again.data) != 0) {
		bf_error_set(err, "the two are not the same");
		result = -1;
	}
	bf_buf_wipe(&again);
	return result;
}

int
bf_ctl_passwd(struct bf_ctl *ctl)
{
	const struct bf_ctl_option options[] = { { 0 } };
	struct bf_buf password = { 0 };
	struct bf_error err;
	char *hash;
	int status;

	if (bf_ctl_options(ctl, options, 0, 0, &status) == -1)
		return status;
	if (read_password(&password, &err) == -1) {
		fprintf(stderr, "belfryctl: passwd: %s\n", err.text);
		bf_buf_wipe(&password);
		return BF_CTL_USAGE;
	}
	hash = bf_password_hash(password.data);
	bf_buf_wipe(&password);
	puts(hash);
	free(hash);
	return BF_CTL_OK;
}

int
bf_ctl_seal(struct bf_ctl *ctl)
{
	const char *tenant = NULL, *token = NULL;
	const struct bf_ctl_option options[] = {
		{ "tenant", 't', "ID",
		    "the tenant block that the channel stands in", &tenant,
		    NULL },
		{ "token", 'k', "NAME",
		    "seal the value of a token, instead of a channel's secret",
		    &token, NULL },
		{ 0 },
	};
	struct bf_buf secret = { 0 };
	struct bf_answer answer;
	struct bf_error err;
	cJSON *body;
	char *prompt;
	int status;

	if (bf_ctl_options(ctl, options, 0, 2, &status) == -1)
		return status;
	if (ctl->argc != (token ? 0 : 2))
		return bf_ctl_usage(ctl, "expected CHANNEL and DIRECTIVE (of a "
					 "header: \"header NAME\"), or "
					 "--token NAME");
	prompt = bf_strf("Secret for %s %s, %s: ", token ? "token" : "channel",
	    token ? token : ctl->argv[0], token ? "value" : ctl->argv[1]);
	status = read_secret(&secret, prompt, &err);
	free(prompt);
	if (status == -1) {
		fprintf(stderr, "belfryctl: seal: %s\n", err.text);
		bf_buf_wipe(&secret);
		return BF_CTL_USAGE;
	}
	body = cJSON_CreateObject();
	bf_ctl_add(body, "tenant_id", tenant);
	bf_ctl_add(body, "token", token);
	bf_ctl_add(body, "channel", token ? NULL : ctl->argv[0]);
	bf_ctl_add(body, "directive", token ? NULL : ctl->argv[1]);
	bf_ctl_add(body, "secret", secret.data);
	bf_buf_wipe(&secret);
	status = bf_ctl_ask(ctl, "POST", "/v1/seal", NULL, body, &answer);
	if (status != BF_CTL_OK || ctl->json)
		return status;
	puts(bf_json_text(answer.json, "sealed"));
	bf_answer_free(&answer);
	return BF_CTL_OK;
}

static void
print_rotation(const cJSON *json)
{
	char *dropped = bf_json_words(json, "dropped");
	char *kept = bf_json_words(json, "kept");
	const cJSON *item;

	bf_print_field("key", bf_json_text(json, "key"));
	printf("%.0f channels of the store sealed anew\n",
	    bf_json_number(json, "channels"));
	if (bf_json_number(json, "unreadable") > 0)
		printf("%.0f secrets do not open with any key: set them anew\n",
		    bf_json_number(json, "unreadable"));
	bf_print_field("dropped", *dropped ? dropped : NULL);
	bf_print_field("kept", *kept ? kept : NULL);
	cJSON_ArrayForEach(item,
	    cJSON_GetObjectItemCaseSensitive(json, "reseal"))
	{
		printf("still under key %s: ", bf_json_text(item, "key"));
		bf_print_text(bf_json_text(item, "place"));
		printf(" (%s:%.0f)\n", bf_json_text(item, "file"),
		    bf_json_number(item, "line"));
	}
	if (cJSON_GetArraySize(
		cJSON_GetObjectItemCaseSensitive(json, "reseal")) > 0)
		puts("Seal these anew (belfryctl seal), reload, and let go of "
		     "the old keys: belfryctl rotate --finish");
	free(dropped);
	free(kept);
}

int
bf_ctl_rotate(struct bf_ctl *ctl)
{
	bool finish = false;
	const struct bf_ctl_option options[] = {
		{ "finish", 'f', NULL,
		    "make no new key; only drop those that nothing needs", NULL,
		    &finish },
		{ 0 },
	};
	struct bf_answer answer;
	cJSON *body;
	int status;

	if (bf_ctl_options(ctl, options, 0, 0, &status) == -1)
		return status;
	body = cJSON_CreateObject();
	cJSON_AddBoolToObject(body, "finish", finish);
	status = bf_ctl_ask(ctl, "POST", "/v1/rotate", NULL, body, &answer);
	if (status != BF_CTL_OK || ctl->json)
		return status;
	print_rotation(answer.json);
	bf_answer_free(&answer);
	return BF_CTL_OK;
}
