#ifndef BELFRY_JSON_H
#define BELFRY_JSON_H

#include <stddef.h>

#include <cjson/cJSON.h>

#include <belfry/api.h>
#include <belfry/buf.h>
#include <belfry/error.h>

/*
 * Strict JSON around cJSON, which is lenient and keeps numbers as doubles. A
 * scanner checks the grammar (RFC 8259), UTF-8, escapes, depth and numbers
 * first and notes each number's canonical text in document order; cJSON then
 * makes the tree, and each number's text is hung on its node (valuestring).
 */

#define BF_JSON_DEPTH 128 /* nested arrays and objects */
#define BF_JSON_DIGITS 4300 /* of an integer, as CPython reads them */

/*
 * Parses one document, nothing but white space around it. Refused, with the
 * line's byte offset or the path in err: anything RFC 8259 does not allow, a
 * byte order mark, U+0000, lone surrogates, duplicate keys, depth, numbers
 * that overflow a double or have too many digits. Objects come out sorted by
 * key in code point order. Free the tree with cJSON_Delete.
 */
BF_API cJSON *bf_json_parse(const char *bytes, size_t size, struct bf_error *err);

/*
 * Appends a tree made by bf_json_parse (or by cJSON calls) as Python's
 * json.dumps(x, separators=(",", ":"), sort_keys=True) writes it. Numbers
 * without a text of their own are written as integers where they are whole.
 */
BF_API void bf_json_print(struct bf_buf *out, const cJSON *tree);

/* Appends text as a JSON string, in ASCII. text is UTF-8. */
BF_API void bf_json_string(struct bf_buf *out, const char *text);

/* Appends a finite double as Python's repr writes it. */
BF_API void bf_json_double(struct bf_buf *out, double value);

#endif
