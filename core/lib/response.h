#ifndef BELFRY_RESPONSE_H
#define BELFRY_RESPONSE_H

#include <stdint.h>

#include <belfry/api.h>
#include <belfry/buf.h>
#include <belfry/clock.h>
#include <belfry/outcome.h>
#include <belfry/strings.h>

/* What became of a request: an answer, or the reason why there is none. */
struct bf_response {
	int status;                /* of HTTP, or code of the last reply of a
				    * mail server; 0: no answer came */
	const char *error;         /* why there is no (whole) answer, or NULL */
	struct bf_strings headers; /* "Name: value", of the last header block */
	struct bf_buf body;        /* the beginning, up to the core's bound */
	struct bf_instant now;     /* when the answer was judged */
	struct bf_duration took;   /* from the start of the attempt */

	/* Those of the request, in its order, each with its answer: that to the
	 * recipient itself if that was a refusal, else that to the message. */
	struct bf_recipients recipients;
};

/*
 * The value of a header, by name without regard to case: the first, without
 * white space around it. NULL if there is none. Borrowed from response.
 */
BF_API const char *bf_response_header(const struct bf_response *response,
    const char *name);

/* Frees what the response owns. */
BF_API void bf_response_free(struct bf_response *response);

#endif
