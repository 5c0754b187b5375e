/*
 * dialogue_fuzz.c - arbitrary lines of an SMTP dialogue and of HTTP
 *
 * A line that begins with '>' is sent, any other comes. What becomes of it is
 * looked up among the hints, whatever it is; and credentials are never shown.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/transport/dialogue.h"
#include "core/transport/hints.h"
#include "core/transport/mask.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static void
take_line(struct bf_dialogue *dialogue, const char *line, struct bf_buf *shown)
{
	const bool credentials = dialogue->authenticating;

	bf_buf_clear(shown);
	if (*line != '>') {
		bf_dialogue_received(dialogue, line, shown);
		bf_mask_http(shown, line, false);
		return;
	}
	bf_dialogue_sent(dialogue, line + 1, shown);
	assert(!credentials || strlen(bf_buf_text(shown)) <= strlen("***"));
	bf_mask_http(shown, line + 1, true);
	bf_mask_url(shown, line + 1);
}

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	char *text = bf_strndup((const char *)bytes, size);
	struct bf_dialogue dialogue = { 0 };
	struct bf_buf shown = { 0 };
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		take_line(&dialogue, line, &shown);
	for (int protocol = BF_PROTOCOL_HTTP; protocol <= BF_PROTOCOL_SMTP;
	     protocol++)
		(void)bf_hint_find(&(
		    struct bf_symptom){ .protocol = (enum bf_protocol)protocol,
		    .stage = dialogue.refused,
		    .code = dialogue.code,
		    .text = bf_buf_text(&dialogue.text) });
	bf_dialogue_free(&dialogue);
	bf_buf_free(&shown);
	free(text);
	return 0;
}
