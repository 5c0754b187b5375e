#ifndef BF_LIB_FIT_H
#define BF_LIB_FIT_H

#include <stdbool.h>
#include <stddef.h>

#include <belfry/buf.h>
#include <belfry/shorten.h>

#define BF_FIT_TAIL 128 /* bytes that close what is open, with the NUL */

/*
 * Text that is written with a limit: whoever writes it marks where it may be
 * cut, and says what then closes it. The last mark that leaves room for the
 * note is where it is cut, should it prove too long.
 */
struct bf_fit {
	struct bf_buf *out; /* borrowed; what is before start stays */
	size_t start;
	struct bf_limit limit;
	size_t reserve;         /* units that the note may take */
	size_t shown;           /* characters of the source so far */
	char tail[BF_FIT_TAIL]; /* closes what is open now */

	size_t measured; /* bytes of out that length counts */
	size_t length;   /* units from start to there */
	bool held;       /* what is being written is whole or not there */
	bool over;       /* past the limit: no later cut can fit */
	struct bf_cut {
		size_t size; /* of out */
		size_t length;
		size_t shown;
		bool word; /* behind a word, not within one */
		char tail[BF_FIT_TAIL];
	} cut;
};

/* Starts a text at the end of out; source is how many bytes it is made from. */
void bf_fit_start(struct bf_fit *fit, struct bf_buf *out, struct bf_limit limit,
    size_t source);

/* The text may be cut here; word says whether a word ends here. */
void bf_fit_mark(struct bf_fit *fit, bool word);

/* Whether size more source bytes may end beyond the limit. */
bool bf_fit_tight(const struct bf_fit *fit, size_t size);

/* Cuts the text if it is too long, closes it and says how much is missing. */
void bf_fit_finish(struct bf_fit *fit);

#endif
