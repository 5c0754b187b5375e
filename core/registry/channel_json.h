#ifndef BF_CHANNEL_JSON_H
#define BF_CHANNEL_JSON_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "core/registry/snapshot.h"

/*
 * A channel as the API gives it: a JSON object with "name", "module", the
 * directives that every channel has (events, retry, timeout ...) by their
 * names, and the module's own in "settings". It is read by the tables that
 * read a channel block of the conf file, so that both mean the same and are
 * refused for the same reasons. A value is
 *
 *   "text", 5, true (on)      one word
 *   ["a", "b"]                several
 *   {"name": "value", ...} or
 *   [["name", "value"], ...]  pairs
 *   {"secret": "text"}        in place of any word: not to be shown
 *   {"saved": "name"}         as a secret: what is saved as the secret of that
 *                             name, which becomes a previous one, say
 *   null                      as if it were not there; of a saved secret, that
 *                             it is to go
 *
 * What is not for tenants is refused: references (env:, file:, sealed:), files
 * of the server, proxy and bind_address, and places that core/registry/egress.h
 * keeps closed. No foreign code runs here: whether the settings fit together is
 * the module's own check, which a worker makes.
 */

/* A snapshot's modules, ready to read channels by. Borrows the snapshot. */
struct bf_channel_reader;

struct bf_channel_reader *bf_channel_reader_new(
    const struct bf_snapshot *snapshot);
void bf_channel_reader_free(struct bf_channel_reader **reader);

struct bf_channel_problem {
	char field[200]; /* JSON pointer (RFC 6901) to what is to blame */
	struct bf_error error;
};

/*
 * Reads a channel of a tenant.
 *
 * saved  the channel as it was, or NULL. Secrets that json leaves out are taken
 *        from it, if it still goes to the same place: every URL and "host" of
 *        the settings is unchanged. Else they must be given anew, or be null.
 *
 * Returns the channel (bf_channel_free), its file NULL; or NULL, and says what
 * is wrong. Members that only answers have (state, secrets, ...) are ignored.
 */
struct bf_channel *bf_channel_read(struct bf_channel_reader *reader,
    const char *tenant, const cJSON *json, const struct bf_channel *saved,
    struct bf_channel_problem *problem);

/* The directive table of a loaded module, or NULL. Borrowed. */
const struct bf_directive *
bf_channel_reader_table(struct bf_channel_reader *reader, const char *module);

/*
 * The settings of a channel in that form. With secret NULL, secret ones are
 * left out; else it makes the value that stands for each secret word, from the
 * directive (with pairs: "directive name") and the word.
 */
typedef cJSON *bf_channel_secret(void *context, const char *directive,
    const char *word);
cJSON *bf_channel_settings(struct bf_channel_reader *reader,
    const struct bf_channel *channel, bf_channel_secret *secret, void *context);

/*
 * The object that a channel was read from, to be kept: what was said and no
 * default, with the settings (those that were kept, too) as above.
 */
cJSON *bf_channel_document(struct bf_channel_reader *reader, const cJSON *json,
    const struct bf_channel *channel, bf_channel_secret *secret, void *context);

/*
 * Whether two names of pairs of a directive are one: those of header fields in
 * whatever case, others (variables of the environment) to the letter.
 * Source: RFC 9110, section 5.1.
 */
bool bf_channel_same_pair(const char *directive, const char *name,
    const char *other);

#endif
