#ifndef BF_HINTS_PRIVATE_H
#define BF_HINTS_PRIVATE_H

#include "core/transport/hints.h"

/*
 * A row: a symptom fits if all that the row names fits it. A row that stands
 * earlier is looked at earlier, so the particular stands above the general.
 */
struct hint_row {
	enum bf_protocol protocol;
	enum bf_stage stage;
	int least, most; /* codes; 0: any, or none */
	unsigned signs;  /* all of them must be there */
	/* One of these, divided by |, is part of one of the texts, in whatever
	 * case; NULL: any text, or none. A digit at an end of a pattern must
	 * not go on in the text: 5.7.2 is not 5.7.26. */
	const char *marks;
	struct bf_hint hint;
};

/* Each ends with a row without a name. */
extern const struct hint_row bf_hints_network[];
extern const struct hint_row bf_hints_http[];
extern const struct hint_row bf_hints_smtp[];

#endif
