/*
 * dialogue.c - an SMTP dialogue, line by line
 *
 * A refusal stands until it is made up for: a server that does not know EHLO is
 * asked by HELO, and one way to log in is tried after the other. A recipient
 * that was refused stays refused, whatever becomes of the next.
 */
#include "core/transport/dialogue.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_MOST 1000 /* bytes of a reply that are looked at */

static const struct {
	const char *verb;
	enum bf_stage stage; /* ANY: the reply tells nothing */
} verbs[] = {
	{ "EHLO", BF_STAGE_EHLO },
	{ "HELO", BF_STAGE_EHLO },
	{ "STARTTLS", BF_STAGE_STARTTLS },
	{ "AUTH", BF_STAGE_AUTH },
	{ "MAIL", BF_STAGE_MAIL },
	{ "RCPT", BF_STAGE_RCPT },
	{ "DATA", BF_STAGE_DATA },
	{ "BDAT", BF_STAGE_DATA },
	{ "RSET", BF_STAGE_ANY },
	{ "QUIT", BF_STAGE_ANY },
};

static bool
is_verb(const char *line, const char *verb)
{
	const size_t size = strlen(verb);

	return strncasecmp(line, verb, size) == 0 &&
	       (line[size] == ' ' || line[size] == '\0');
}

/* "AUTH PLAIN ***": the way is shown, what follows is not. */
static void
show_auth(const char *line, struct bf_buf *shown)
{
	const size_t way = 5 + strcspn(line + 5, " ");

	bf_buf_add(shown, line, way);
	if (line[way])
		bf_buf_add_text(shown, " ***");
}

/* The place of the line's verb among them; -1: it has none that is known. */
static int
find_verb(const char *line)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (is_verb(line, verbs[i].verb))
			return (int)i;
	}
	return -1;
}

/* Turns to the first command that has no reply yet. */
static void
turn(struct bf_dialogue *dialogue)
{
	const enum bf_stage stage =
	    (enum bf_stage)dialogue->asked.data[dialogue->answered];

	dialogue->leaving = stage == BF_STAGE_ANY;
	if (!dialogue->leaving)
		dialogue->stage = stage;
	if (stage == BF_STAGE_MAIL)
		dialogue->composing = false;
}

static void
ask(struct bf_dialogue *dialogue, enum bf_stage stage)
{
	const char byte = (char)stage;

	bf_buf_add(&dialogue->asked, &byte, 1);
	if (dialogue->asked.size == dialogue->answered + 1)
		turn(dialogue);
}

/* A command has its whole reply. */
static void
settle(struct bf_dialogue *dialogue)
{
	if (dialogue->answered < dialogue->asked.size)
		dialogue->answered++;
	if (dialogue->answered < dialogue->asked.size) {
		turn(dialogue);
		return;
	}
	bf_buf_clear(&dialogue->asked);
	dialogue->answered = 0;
}

void
bf_dialogue_sent(struct bf_dialogue *dialogue, const char *line,
    struct bf_buf *shown)
{
	const int verb = dialogue->authenticating ? -1 : find_verb(line);

	/* What is no command may be anything, a password too. */
	if (verb == -1) {
		bf_buf_add_text(shown, strcmp(line, ".") == 0 ? "." : "***");
		return;
	}
	ask(dialogue, verbs[verb].stage);
	dialogue->authenticating = verbs[verb].stage == BF_STAGE_AUTH;
	if (dialogue->authenticating && line[strlen("AUTH")])
		show_auth(line, shown);
	else
		bf_buf_add_text(shown, line);
}

/* A reply that is no refusal makes up for one. */
static void
forgive(struct bf_dialogue *dialogue)
{
	if (dialogue->refused != BF_STAGE_EHLO &&
	    dialogue->refused != BF_STAGE_AUTH)
		return;
	dialogue->code = 0;
	bf_buf_clear(&dialogue->text);
}

/* Whether a refusal only follows from the one that stands: commands that were
 * sent behind a sender, or recipients, that were refused (RFC 2920, section
 * 3.1). */
static bool
is_consequence(const struct bf_dialogue *dialogue)
{
	if (dialogue->code == 0)
		return false;
	if (dialogue->refused == BF_STAGE_MAIL)
		return dialogue->stage == BF_STAGE_RCPT ||
		       dialogue->stage == BF_STAGE_DATA;
	return dialogue->refused == BF_STAGE_RCPT &&
	       dialogue->stage == BF_STAGE_DATA && !dialogue->composing;
}

static void
refuse(struct bf_dialogue *dialogue, int code, const char *text)
{
	struct bf_buf *all = &dialogue->text;

	if (is_consequence(dialogue))
		return;
	if (!dialogue->continued)
		bf_buf_clear(all);
	if (all->size < TEXT_MOST)
		bf_buf_add_format(all, "%s%.*s", all->size > 0 ? " " : "",
		    (int)(TEXT_MOST - all->size), text);
	dialogue->code = code;
	dialogue->refused = dialogue->stage;
}

/* A line of a reply, parted into its code and the rest. */
static void
take_reply(struct bf_dialogue *dialogue, int code, const char *text,
    bool continued)
{
	if (code != 334)
		dialogue->authenticating = false;
	if (code == 354)
		dialogue->composing = true;
	if (code >= 400)
		refuse(dialogue, code, text);
	else
		forgive(dialogue);
	if (dialogue->stage == BF_STAGE_STARTTLS && code == 220)
		dialogue->stage = BF_STAGE_TLS;
	dialogue->continued = continued;
}

void
bf_dialogue_received(struct bf_dialogue *dialogue, const char *line,
    struct bf_buf *shown)
{
	const bool reply = isdigit((unsigned char)line[0]) &&
			   isdigit((unsigned char)line[1]) &&
			   isdigit((unsigned char)line[2]);
	const int code = reply ? (int)strtol(line, NULL, 10) : 0;
	const bool continued = reply && line[3] == '-';

	if (dialogue->stage == BF_STAGE_ANY)
		dialogue->stage = BF_STAGE_GREETING;
	/* A challenge may hold what the answer is made from. */
	if (dialogue->authenticating && code == 334)
		bf_buf_add_text(shown, "334 ***");
	else
		bf_buf_add_text(shown, line);
	if (!reply) {
		if (dialogue->stage == BF_STAGE_GREETING &&
		    dialogue->text.size == 0)
			bf_buf_add(&dialogue->text, line,
			    strnlen(line, TEXT_MOST));
		return;
	}
	if (!dialogue->leaving)
		take_reply(dialogue, code, line[3] ? line + 4 : "", continued);
	if (!continued && code != 334)
		settle(dialogue);
}

void
bf_dialogue_free(struct bf_dialogue *dialogue)
{
	bf_buf_free(&dialogue->text);
	bf_buf_free(&dialogue->asked);
}
