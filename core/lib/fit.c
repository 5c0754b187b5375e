/*
 * fit.c - text that is written with a limit
 *
 * What is written is measured from mark to mark, so that each byte is looked
 * at once. The note's room is reserved from the start by the size of the
 * source, which bounds the number in it.
 */
#include "core/lib/fit.h"

#include <stdio.h>
#include <string.h>

#define ELLIPSIS "…"
#define GROWTH 10 /* bytes that an escape makes of one, at the most */

/* Writes "… (3,214 more characters)". */
static void
write_note(struct bf_buf *out, size_t missing)
{
	char digits[24];
	const int count = snprintf(digits, sizeof(digits), "%zu", missing);

	bf_buf_add_text(out, ELLIPSIS " (");
	for (int i = 0; i < count; i++) {
		if (i > 0 && (count - i) % 3 == 0)
			bf_buf_add_byte(out, ',');
		bf_buf_add_byte(out, digits[i]);
	}
	bf_buf_add_format(out, " more character%s)", missing == 1 ? "" : "s");
}

void
bf_fit_start(struct bf_fit *fit, struct bf_buf *out, struct bf_limit limit,
    size_t source)
{
	struct bf_buf note = { 0 };

	*fit = (struct bf_fit){
		.out = out,
		.start = out->size,
		.limit = limit,
		.measured = out->size,
		.cut.size = out->size,
	};
	if (limit.most == 0)
		return;
	bf_buf_add_byte(&note, ' ');
	write_note(&note, source > 1 ? source : 2);
	fit->reserve = bf_length(note.data, note.size, limit.unit);
	bf_buf_free(&note);
}

static void
measure(struct bf_fit *fit)
{
	fit->length += bf_length(bf_buf_text(fit->out) + fit->measured,
	    fit->out->size - fit->measured, fit->limit.unit);
	fit->measured = fit->out->size;
}

void
bf_fit_mark(struct bf_fit *fit, bool word)
{
	const size_t most = fit->limit.most;

	if (most == 0 || fit->over || fit->held)
		return;
	measure(fit);
	fit->over = fit->length > most;
	if (fit->length + strlen(fit->tail) + fit->reserve > most)
		return;
	/* Within a word only where words leave half of the room unused. */
	if (!word && fit->cut.word &&
	    fit->cut.length >= (most - fit->reserve) / 2)
		return;
	fit->cut = (struct bf_cut){
		.size = fit->out->size,
		.length = fit->length,
		.shown = fit->shown,
		.word = word,
	};
	memcpy(fit->cut.tail, fit->tail, sizeof(fit->tail));
}

bool
bf_fit_tight(const struct bf_fit *fit, size_t size)
{
	return fit->limit.most > 0 && !fit->over &&
	       fit->length + fit->reserve + sizeof(fit->tail) + GROWTH * size >
		   fit->limit.most;
}

void
bf_fit_finish(struct bf_fit *fit)
{
	struct bf_buf *out = fit->out;
	const size_t most = fit->limit.most;

	if (most == 0)
		return;
	measure(fit);
	if (fit->length <= most)
		return;
	out->size = fit->cut.size;
	bf_buf_add_text(out, fit->cut.tail);
	/* A word may be cut off behind nothing that is shown. */
	if (fit->cut.word && out->size > 0 && out->data[out->size - 1] != '\n')
		bf_buf_add_byte(out, ' ');
	if (fit->reserve <= most)
		write_note(out, fit->shown - fit->cut.shown);
	else if (bf_length(ELLIPSIS, strlen(ELLIPSIS), fit->limit.unit) <= most)
		bf_buf_add_text(out, ELLIPSIS);
	else
		bf_buf_add_text(out, "");
}
