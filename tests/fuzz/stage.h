#ifndef STAGE_H
#define STAGE_H

#include "core/process/child.h"
#include "core/wire/message.h"

/*
 * The scheduler and an intake, whole, each on a thread of this process, with a
 * store of their own, and a worker that delivers to nobody. There are modules
 * "hook" and "post" (tests/unit/load_fixture.h), channels, tenants "acme" and
 * "other", tokens, and a user who is signed in.
 */
struct stage;

/* Tokens: of the default tenant, and of "acme". And the user's session. */
#define STAGE_INGEST "tok-ingest-0123456789"
#define STAGE_MANAGE "tok-manage-0123456789"
#define STAGE_SESSION                                                          \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* How many deliveries a worker may have in hand, whatever it says. */
#define STAGE_IN_HAND 8

struct stage *stage_new(bool intake);
/* Ends both, and takes the store away. */
void stage_free(struct stage **stage);

/* Where the intake listens: over a Unix socket, whose peer it trusts, or as if
 * over TCP. The caller's descriptor. */
int stage_connect(const struct stage *stage, bool trusted);

/* How many events were accepted in all. */
uint64_t stage_accepted(const struct stage *stage);

/* Tells the scheduler that a worker died. */
void stage_lost(const struct stage *stage, int64_t pid);

/* One end of a link to the scheduler: that of a process which the fuzz target
 * plays. */
struct line {
	int fd;
	struct bf_buf in;
};

struct line stage_line(const struct stage *stage, enum bf_child_kind kind,
    int64_t pid);
void line_send(const struct line *line, const struct bf_message *message);
/* Takes what came in; false: the scheduler has closed the link. */
bool line_read(struct line *line);
/* The next whole message of what came in; false: there is none. Frames that are
 * none end the process. */
bool line_next(struct line *line, struct bf_message *message);
/* Makes frames of bytes, each of those after two bytes of its length. */
void line_frame(const uint8_t *data, size_t size, struct bf_buf *out);
void line_close(struct line *line);

#endif
