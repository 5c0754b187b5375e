/*
 * types.c - the types that a setting can have
 *
 * Each is a row of a table: how many words it takes, how they become a member
 * of a struct of settings, and how that member is freed. A new type is a new
 * row.
 */
#include "core/conf/settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/buf.h>
#include <belfry/memory.h>

#include "core/conf/conf_private.h"
#include "core/conf/url.h"
#include "core/event/parse.h"

/* ---- a word to a member, by type ---- */

/* Whether the number is in the directive's range; format writes it. */
static int
check_range(const struct bf_directive *directive, int64_t value,
    void (*format)(int64_t value, char text[32]), struct bf_error *err)
{
	char min[32], max[32], is[32];

	if (directive->min >= directive->max ||
	    (value >= directive->min && value <= directive->max))
		return 0;
	format(value, is);
	format(directive->min, min);
	format(directive->max, max);
	bf_error_set(err, "%s is out of range; expected %s to %s", is, min,
	    max);
	return -1;
}

static void
format_integer(int64_t value, char text[32])
{
	snprintf(text, 32, "%" PRId64, value);
}

static void
format_duration(int64_t value, char text[32])
{
	bf_duration_format((struct bf_duration){ value }, text);
}

static void
format_size(int64_t value, char text[32])
{
	bf_size_format((struct bf_size){ value }, text);
}

static int
set_flag(const struct bf_directive *directive, const struct bf_strings *words,
    void *member, struct bf_error *err)
{
	(void)directive;
	return bf_flag_parse(words->items[0], member, err);
}

static int
set_integer(const struct bf_directive *directive,
    const struct bf_strings *words, void *member, struct bf_error *err)
{
	int64_t *value = member;

	if (bf_integer_parse(words->items[0], value, err) == -1)
		return -1;
	return check_range(directive, *value, format_integer, err);
}

static int
set_duration(const struct bf_directive *directive,
    const struct bf_strings *words, void *member, struct bf_error *err)
{
	struct bf_duration *value = member;

	if (bf_duration_parse(words->items[0], value, err) == -1)
		return -1;
	return check_range(directive, value->ms, format_duration, err);
}

static int
set_size(const struct bf_directive *directive, const struct bf_strings *words,
    void *member, struct bf_error *err)
{
	struct bf_size *value = member;

	if (bf_size_parse(words->items[0], value, err) == -1)
		return -1;
	return check_range(directive, value->bytes, format_size, err);
}

static int
set_instant(const struct bf_directive *directive,
    const struct bf_strings *words, void *member, struct bf_error *err)
{
	struct bf_instant *value = member;
	struct bf_shown room;
	int64_t us;

	(void)directive;
	if (bf_timestamp_parse(words->items[0], &us) == -1) {
		bf_error_set(err,
		    "%s: not a date and time; expected one such as "
		    "2026-04-10T15:30:00Z",
		    bf_show(&room, words->items[0]));
		return -1;
	}
	value->ms = us / 1000;
	return 0;
}

static int
set_choice(const struct bf_directive *directive, const struct bf_strings *words,
    void *member, struct bf_error *err)
{
	struct bf_choice *value = member;
	struct bf_buf list = { 0 };
	struct bf_shown room;

	for (int i = 0; directive->choices[i]; i++) {
		if (strcmp(directive->choices[i], words->items[0]) == 0) {
			value->index = i;
			bf_buf_free(&list);
			return 0;
		}
		bf_buf_add_format(&list, "%s%s", i > 0 ? ", " : "",
		    directive->choices[i]);
	}
	bf_error_set(err, "%s: unknown; expected one of %s",
	    bf_show(&room, words->items[0]), bf_buf_text(&list));
	bf_buf_free(&list);
	return -1;
}

/* Text, and types that are text once they were checked. */
static int
set_text(const struct bf_directive *directive, const struct bf_strings *words,
    void *member, struct bf_error *err)
{
	char **value = member;

	(void)directive;
	if (words->items[0][0] == '\0') {
		bf_error_set(err, "empty; expected a value");
		return -1;
	}
	*value = bf_strdup(words->items[0]);
	return 0;
}

static int
set_url(const struct bf_directive *directive, const struct bf_strings *words,
    void *member, struct bf_error *err)
{
	struct bf_url *value = member;

	if (bf_url_check(words->items[0], err) == -1)
		return -1;
	return set_text(directive, words, &value->text, err);
}

static int
set_path(const struct bf_directive *directive, const struct bf_strings *words,
    void *member, struct bf_error *err)
{
	struct bf_path *value = member;

	return set_text(directive, words, &value->text, err);
}

static int
set_secret(const struct bf_directive *directive, const struct bf_strings *words,
    void *member, struct bf_error *err)
{
	(void)directive;
	return bf_secret_read(words->items[0], NULL, member, err);
}

static int
set_words(const struct bf_directive *directive, const struct bf_strings *words,
    void *member, struct bf_error *err)
{
	(void)directive;
	(void)err;
	for (size_t i = 0; i < words->count; i++)
		bf_strings_add(member, words->items[i]);
	return 0;
}

static int
set_pair(const struct bf_directive *directive, const struct bf_strings *words,
    void *member, struct bf_error *err)
{
	struct bf_pairs *pairs = member;

	(void)directive;
	(void)err;
	pairs->items =
	    bf_resize(pairs->items, pairs->count + 1, sizeof(*pairs->items));
	pairs->items[pairs->count++] =
	    (struct bf_pair){ bf_strdup(words->items[0]),
		    bf_strdup(words->items[1]) };
	return 0;
}

static int
set_program(const struct bf_directive *directive,
    const struct bf_strings *words, void *member, struct bf_error *err)
{
	struct bf_program *value = member;

	return set_words(directive, words, &value->words, err);
}

static int
set_user(const struct bf_directive *directive, const struct bf_strings *words,
    void *member, struct bf_error *err)
{
	struct bf_user *value = member;

	return set_text(directive, words, &value->name, err);
}

/* ---- clearing a member ---- */

static void
clear_text(void *member)
{
	free(*(char **)member);
}

static void
clear_url(void *member)
{
	free(((struct bf_url *)member)->text);
}

static void
clear_path(void *member)
{
	free(((struct bf_path *)member)->text);
}

static void
clear_secret(void *member)
{
	bf_secret_clear(member);
}

static void
clear_words(void *member)
{
	bf_strings_free(member);
}

static void
clear_program(void *member)
{
	bf_strings_free(&((struct bf_program *)member)->words);
}

static void
clear_user(void *member)
{
	free(((struct bf_user *)member)->name);
}

static void
clear_pairs(void *member)
{
	struct bf_pairs *pairs = member;

	for (size_t i = 0; i < pairs->count; i++) {
		free(pairs->items[i].name);
		explicit_bzero(pairs->items[i].value,
		    strlen(pairs->items[i].value));
		free(pairs->items[i].value);
	}
	free(pairs->items);
}

/* ---- types ---- */

const struct bf_type bf_types[] = {
	[BF_TYPE_FLAG] = { sizeof(bool), 1, 1, "on or off", set_flag, NULL,
	    false },
	[BF_TYPE_INTEGER] = { sizeof(int64_t), 1, 1, "one number", set_integer,
	    NULL, false },
	[BF_TYPE_TEXT] = { sizeof(char *), 1, 1, "one value", set_text,
	    clear_text, false },
	[BF_TYPE_DURATION] = { sizeof(struct bf_duration), 1, 1, "one duration",
	    set_duration, NULL, false },
	[BF_TYPE_INSTANT] = { sizeof(struct bf_instant), 1, 1,
	    "one date and time", set_instant, NULL, false },
	[BF_TYPE_SIZE] = { sizeof(struct bf_size), 1, 1, "one size", set_size,
	    NULL, false },
	[BF_TYPE_CHOICE] = { sizeof(struct bf_choice), 1, 1, "one value",
	    set_choice, NULL, false },
	[BF_TYPE_URL] = { sizeof(struct bf_url), 1, 1, "one URL", set_url,
	    clear_url, false },
	[BF_TYPE_SECRET] = { sizeof(struct bf_secret), 1, 1, "one secret",
	    set_secret, clear_secret, false },
	[BF_TYPE_WORDS] = { sizeof(struct bf_strings), 1, BF_WORDS_ANY,
	    "at least one value", set_words, clear_words, false },
	[BF_TYPE_PAIRS] = { sizeof(struct bf_pairs), 2, 2, "a name and a value",
	    set_pair, clear_pairs, true },
	[BF_TYPE_PATH] = { sizeof(struct bf_path), 1, 1, "one path", set_path,
	    clear_path, false },
	[BF_TYPE_PROGRAM] = { sizeof(struct bf_program), 1, BF_WORDS_ANY,
	    "a program and its arguments", set_program, clear_program, false },
	[BF_TYPE_USER] = { sizeof(struct bf_user), 1, 1, "one user", set_user,
	    clear_user, false },
};
