/*
 * json.c - strict JSON around cJSON
 *
 * A scanner walks the text once, by RFC 8259 to the letter, and notes each
 * number's canonical text in document order. What it accepts, cJSON parses,
 * and the numbers' texts are hung on the tree in the same order. So cJSON
 * never sees what it would be lenient about, and no digit is lost to a double.
 */
#include "core/event/json.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/event/json_private.h"

struct scan {
	const unsigned char *start, *next, *end;
	int depth;
	struct bf_buf numbers; /* canonical texts, each with a NUL */
	struct bf_error *err;
};

static bool
fail(struct scan *scan, const char *what)
{
	bf_error_set(scan->err, "%s at byte %zu", what,
	    (size_t)(scan->next - scan->start));
	return false;
}

static int
peek(const struct scan *scan)
{
	return scan->next < scan->end ? *scan->next : -1;
}

static void
skip_space(struct scan *scan)
{
	while (scan->next < scan->end &&
	       (*scan->next == ' ' || *scan->next == '\t' ||
		   *scan->next == '\n' || *scan->next == '\r'))
		scan->next++;
}

/* ---- strings ---- */

static int
hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* The four hexadecimal digits after "\u"; -1 if they are none. */
static int
scan_hex4(struct scan *scan)
{
	int value = 0;

	for (int i = 0; i < 4; i++) {
		const int digit = hex_digit(peek(scan));

		if (digit == -1)
			return -1;
		value = value << 4 | digit;
		scan->next++;
	}
	return value;
}

/* "\uXXXX", with its other half if it is a surrogate. */
static bool
scan_unicode_escape(struct scan *scan)
{
	const int first = scan_hex4(scan);
	int second;

	if (first == -1)
		return fail(scan, "expected four hexadecimal digits after \\u");
	if (first == 0)
		return fail(scan, "\\u0000 is not allowed");
	if (first < 0xd800 || first > 0xdfff)
		return true;
	if (first > 0xdbff || scan->end - scan->next < 6 ||
	    scan->next[0] != '\\' || scan->next[1] != 'u')
		return fail(scan, "lone surrogate");
	scan->next += 2;
	second = scan_hex4(scan);
	if (second < 0xdc00 || second > 0xdfff)
		return fail(scan, "lone surrogate");
	return true;
}

static bool
scan_escape(struct scan *scan)
{
	scan->next++;
	switch (peek(scan)) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		scan->next++;
		return true;
	case 'u':
		scan->next++;
		return scan_unicode_escape(scan);
	default:
		return fail(scan, "unknown escape in a string");
	}
}

/* One character of more than one byte. Source: RFC 3629, section 4. */
static bool
scan_utf8(struct scan *scan)
{
	const unsigned char *c = scan->next;
	const size_t left = (size_t)(scan->end - c);
	const size_t size = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;

	if (c[0] < 0xc2 || c[0] > 0xf4 || left < size)
		return fail(scan, "invalid UTF-8");
	for (size_t i = 1; i < size; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return fail(scan, "invalid UTF-8");
	}
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
	    (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
		return fail(scan, "invalid UTF-8");
	scan->next += size;
	return true;
}

static bool
scan_string(struct scan *scan)
{
	scan->next++;
	for (;;) {
		int c;

		scan->next +=
		    bf_json_plain(scan->next, (size_t)(scan->end - scan->next));
		c = peek(scan);
		if (c == -1)
			return fail(scan, "the string does not end");
		if (c == '"') {
			scan->next++;
			return true;
		}
		if (c == '\\') {
			if (!scan_escape(scan))
				return false;
		} else if (c < 0x20) {
			return fail(scan, "raw control character in a string");
		} else if (c < 0x80) {
			scan->next++;
		} else if (!scan_utf8(scan)) {
			return false;
		}
	}
}

/* ---- numbers ---- */

static size_t
scan_digits(struct scan *scan)
{
	const unsigned char *first = scan->next;

	while (
	    scan->next < scan->end && *scan->next >= '0' && *scan->next <= '9')
		scan->next++;
	return (size_t)(scan->next - first);
}

/* Notes an integer as it is written, but for -0, which Python makes 0. */
static bool
note_integer(struct scan *scan, const unsigned char *first, size_t digits)
{
	const size_t size = (size_t)(scan->next - first);

	if (digits > BF_JSON_DIGITS)
		return fail(scan, "the integer has more than 4300 digits");
	if (size == 2 && first[0] == '-' && first[1] == '0')
		bf_buf_add(&scan->numbers, "0", 2);
	else {
		bf_buf_add(&scan->numbers, first, size);
		bf_buf_add_byte(&scan->numbers, '\0');
	}
	return true;
}

/*
 * Notes a decimal of at most DBL_DIG digits, between 1 and 1e15: it is the
 * shortest text of the double that it is read as, and Python writes it as it
 * stands, but for zeros at the end of its fraction.
 */
static void
note_decimal(struct scan *scan, const unsigned char *first)
{
	const unsigned char *last = scan->next - 1;

	while (*last == '0' && last[-1] != '.')
		last--;
	bf_buf_add(&scan->numbers, first, (size_t)(last + 1 - first));
	bf_buf_add_byte(&scan->numbers, '\0');
}

static bool
note_double(struct scan *scan, const unsigned char *first)
{
	const size_t size = (size_t)(scan->next - first);
	char text[64];
	char *copy = size < sizeof(text)
			 ? memcpy(text, first, size)
			 : bf_strndup((const char *)first, size);
	double value;

	if (copy == text)
		text[size] = '\0';
	value = strtod(copy, NULL);
	if (copy != text)
		free(copy);
	if (isinf(value))
		return fail(scan, "the number does not fit a double");
	bf_json_double(&scan->numbers, value);
	bf_buf_add_byte(&scan->numbers, '\0');
	return true;
}

static bool
scan_number(struct scan *scan)
{
	const unsigned char *first = scan->next;
	const bool negative = peek(scan) == '-';
	bool exponent = false, zero;
	size_t digits, decimals = 0;

	if (negative)
		scan->next++;
	zero = peek(scan) == '0';
	digits = scan_digits(scan);
	if (digits == 0)
		return fail(scan, "expected a value");
	if (digits > 1 && zero)
		return fail(scan, "a number must not begin with 0");
	if (peek(scan) == '.') {
		scan->next++;
		decimals = scan_digits(scan);
		if (decimals == 0)
			return fail(scan, "expected a digit");
	}
	if (peek(scan) == 'e' || peek(scan) == 'E') {
		exponent = true;
		scan->next++;
		if (peek(scan) == '+' || peek(scan) == '-')
			scan->next++;
		if (scan_digits(scan) == 0)
			return fail(scan, "expected a digit");
	}
	if (exponent || (decimals > 0 && (zero || digits + decimals > DBL_DIG)))
		return note_double(scan, first);
	if (decimals == 0)
		return note_integer(scan, first, digits);
	note_decimal(scan, first);
	return true;
}

/* ---- values ---- */

static bool scan_value(struct scan *scan);

static bool
scan_word(struct scan *scan, const char *word)
{
	const size_t size = strlen(word);

	if ((size_t)(scan->end - scan->next) < size ||
	    memcmp(scan->next, word, size) != 0)
		return fail(scan, "expected a value");
	scan->next += size;
	return true;
}

/* A name and its colon, in front of a member's value. */
static bool
scan_name(struct scan *scan)
{
	if (peek(scan) != '"')
		return fail(scan, "expected a member's name");
	if (!scan_string(scan))
		return false;
	skip_space(scan);
	if (peek(scan) != ':')
		return fail(scan, "expected a colon");
	scan->next++;
	return true;
}

/* What stands between the brackets of an array or object, and the last. */
static bool
scan_list(struct scan *scan, int close, bool named)
{
	bool more;

	if (++scan->depth > BF_JSON_DEPTH)
		return fail(scan, "nested deeper than 128 levels");
	scan->next++;
	skip_space(scan);
	more = peek(scan) != close;
	if (!more)
		scan->next++;
	while (more) {
		skip_space(scan);
		if ((named && !scan_name(scan)) || !scan_value(scan))
			return false;
		more = peek(scan) == ',';
		if (!more && peek(scan) != close)
			return fail(scan, close == ']'
					      ? "expected a comma or ]"
					      : "expected a comma or }");
		scan->next++;
	}
	scan->depth--;
	return true;
}

static bool
scan_any(struct scan *scan)
{
	switch (peek(scan)) {
	case '{':
		return scan_list(scan, '}', true);
	case '[':
		return scan_list(scan, ']', false);
	case '"':
		return scan_string(scan);
	case 't':
		return scan_word(scan, "true");
	case 'f':
		return scan_word(scan, "false");
	case 'n':
		return scan_word(scan, "null");
	case -1:
		return fail(scan, "the document ends early");
	default:
		return scan_number(scan);
	}
}

/* A value, and the white space around it. */
static bool
scan_value(struct scan *scan)
{
	skip_space(scan);
	if (!scan_any(scan))
		return false;
	skip_space(scan);
	return true;
}

/* ---- the tree ---- */

static int
compare_names(const void *left, const void *right)
{
	const cJSON *const *a = left, *const *b = right;

	/* Bytes of UTF-8 sort as code points do. */
	return strcmp((*a)->string, (*b)->string);
}

static void
refuse_twice(const char *name, struct bf_error *err)
{
	struct bf_buf text = { 0 };

	/* In ASCII, so that cutting it cuts no character. */
	bf_json_string(&text, name);
	bf_error_set(err, "the member %.64s%s is there twice", text.data,
	    text.size > 64 ? "..." : "");
	bf_buf_free(&text);
}

/* Sorts an object's members by name; false if two have the same. */
static bool
sort_members(cJSON *object, struct bf_error *err)
{
	cJSON *few[32];
	cJSON **members = few;
	const size_t count = (size_t)cJSON_GetArraySize(object);
	size_t i = 0;
	bool ok = true;

	if (count < 2)
		return true;
	if (count > 32)
		members = bf_zalloc(count, sizeof(*members));
	for (cJSON *member = object->child; member; member = member->next)
		members[i++] = member;
	qsort(members, count, sizeof(*members), compare_names);
	for (i = 0; i < count; i++) {
		members[i]->prev = members[i > 0 ? i - 1 : count - 1];
		members[i]->next = i + 1 < count ? members[i + 1] : NULL;
		if (ok && i > 0 &&
		    strcmp(members[i]->string, members[i - 1]->string) == 0) {
			refuse_twice(members[i]->string, err);
			ok = false;
		}
	}
	object->child = members[0];
	if (members != few)
		free(members);
	return ok;
}

/* Hangs the numbers' texts on the tree, in document order, and sorts. */
static bool
finish_tree(cJSON *node, const char **number, struct bf_error *err)
{
	if (cJSON_IsNumber(node)) {
		const size_t size = strlen(*number) + 1;

		/* cJSON frees it with the node. */
		node->valuestring = cJSON_malloc(size);
		if (!node->valuestring)
			bf_memory_exhausted();
		memcpy(node->valuestring, *number, size);
		*number += size;
	}
	for (cJSON *child = node->child; child; child = child->next) {
		if (!finish_tree(child, number, err))
			return false;
	}
	return !cJSON_IsObject(node) || sort_members(node, err);
}

cJSON *
bf_json_parse(const char *bytes, size_t size, struct bf_error *err)
{
	const unsigned char *start = (const unsigned char *)bytes;
	struct scan scan = { start, start, start + size, 0, { 0 }, err };
	const char *number;
	cJSON *tree = NULL;

	if (!scan_value(&scan))
		goto done;
	if (scan.next < scan.end) {
		fail(&scan, "something follows the document");
		goto done;
	}
	tree = cJSON_ParseWithLength(bytes, size);
	number = bf_buf_text(&scan.numbers);
	if (!tree) {
		bf_error_set(err, "the document can't be parsed");
	} else if (!finish_tree(tree, &number, err)) {
		cJSON_Delete(tree);
		tree = NULL;
	}
done:
	bf_buf_free(&scan.numbers);
	return tree;
}
