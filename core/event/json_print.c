/*
 * json_print.c - canonical JSON, as Python's json.dumps writes it
 */
#include "core/event/json.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/event/json_private.h"

/* A byte in each place of a word. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Eight bytes at once: a byte that is too low, or equal to one of the three,
 * borrows from its highest bit, which no plain byte has. */
static bool
is_plain_word(uint64_t word)
{
	const uint64_t low = word - EACH(' ');
	const uint64_t quote = (word ^ EACH('"')) - EACH(1);
	const uint64_t backslash = (word ^ EACH('\\')) - EACH(1);
	const uint64_t del = (word ^ EACH(0x7f)) - EACH(1);

	return ((word | low | quote | backslash | del) & EACH(0x80)) == 0;
}

static bool
is_plain(unsigned char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

size_t
bf_json_plain(const unsigned char *text, size_t size)
{
	size_t plain = 0;
	uint64_t word;

	while (size - plain >= sizeof(word)) {
		memcpy(&word, text + plain, sizeof(word));
		if (!is_plain_word(word))
			break;
		plain += sizeof(word);
	}
	while (plain < size && is_plain(text[plain]))
		plain++;
	return plain;
}

void
bf_json_double(struct bf_buf *out, double value)
{
	/* Fifteen digits are always the shortest where they suffice, but for
	 * subnormal numbers, which have fewer. */
	int precision = fabs(value) < 2.3e-308 ? 1 : 15;
	char text[40], digits[24] = "";
	char *mark;
	int exponent;
	size_t count = 0;

	do {
		snprintf(text, sizeof(text), "%.*e", precision - 1, value);
	} while (strtod(text, NULL) != value && ++precision <= 17);
	mark = strchr(text, 'e');
	exponent = (int)strtol(mark + 1, NULL, 10);
	for (const char *c = text; c < mark; c++) {
		if (*c >= '0' && *c <= '9')
			digits[count++] = *c;
	}
	while (count > 1 && digits[count - 1] == '0')
		count--;
	digits[count] = '\0';
	if (text[0] == '-')
		bf_buf_add_byte(out, '-');
	/* Python's float.__repr__: fixed from 1e-4 up to below 1e16. */
	if (exponent < -4 || exponent >= 16) {
		bf_buf_add_byte(out, digits[0]);
		if (count > 1)
			bf_buf_add_format(out, ".%s", digits + 1);
		bf_buf_add_format(out, "e%c%02d", exponent < 0 ? '-' : '+',
		    abs(exponent));
	} else if (exponent < 0) {
		bf_buf_add_format(out, "0.%.*s%s", -exponent - 1, "0000",
		    digits);
	} else if ((size_t)exponent + 1 >= count) {
		bf_buf_add_text(out, digits);
		for (size_t i = count; i < (size_t)exponent + 1; i++)
			bf_buf_add_byte(out, '0');
		bf_buf_add_text(out, ".0");
	} else {
		bf_buf_add_format(out, "%.*s.%s", exponent + 1, digits,
		    digits + exponent + 1);
	}
}

static void
add_escape(struct bf_buf *out, uint32_t unit)
{
	static const char hex[] = "0123456789abcdef";
	const char text[6] = { '\\', 'u', hex[unit >> 12 & 15],
		hex[unit >> 8 & 15], hex[unit >> 4 & 15], hex[unit & 15] };

	bf_buf_add(out, text, sizeof(text));
}

/*
 * The code point of a character of more than one byte; moves *text on. What is
 * broken, as where a text was cut for a message, stands for U+FFFD.
 */
static uint32_t
decode(const unsigned char **text)
{
	const unsigned char *c = *text;
	const size_t size = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
	uint32_t point = c[0] & (0xffu >> (size + 1));
	size_t i = 1;

	while (c[0] >= 0xc2 && i < size && (c[i] & 0xc0) == 0x80)
		point = point << 6 | (c[i++] & 0x3f);
	*text += i;
	return i == size && c[0] <= 0xf4 ? point : 0xfffd;
}

static void
add_character(struct bf_buf *out, const unsigned char **text)
{
	static const char plain[] = "\b\t\n\f\r\"\\";
	static const char escapes[] = "btnfr\"\\";
	const char *at;
	uint32_t point;

	if (**text >= 0x80) {
		point = decode(text);
		if (point > 0xffff) {
			add_escape(out, 0xd800 + ((point - 0x10000) >> 10));
			point = 0xdc00 + (point & 0x3ff);
		}
		add_escape(out, point);
		return;
	}
	at = strchr(plain, **text);
	if (at) {
		bf_buf_add_byte(out, '\\');
		bf_buf_add_byte(out, escapes[at - plain]);
	} else {
		add_escape(out, **text);
	}
	(*text)++;
}

void
bf_json_string(struct bf_buf *out, const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	const unsigned char *end = c + strlen(text);

	bf_buf_add_byte(out, '"');
	while (c < end) {
		const size_t plain = bf_json_plain(c, (size_t)(end - c));

		bf_buf_add(out, c, plain);
		c += plain;
		if (c < end)
			add_character(out, &c);
	}
	bf_buf_add_byte(out, '"');
}

static void
print_number(struct bf_buf *out, const cJSON *node)
{
	if (node->valuestring)
		bf_buf_add_text(out, node->valuestring);
	else if (node->valuedouble == floor(node->valuedouble) &&
		 fabs(node->valuedouble) < 9007199254740992.0)
		bf_buf_add_format(out, "%.0f", node->valuedouble);
	else
		bf_json_double(out, node->valuedouble);
}

static void
print_list(struct bf_buf *out, const cJSON *list, char open, char close)
{
	bf_buf_add_byte(out, open);
	for (const cJSON *child = list->child; child; child = child->next) {
		if (child != list->child)
			bf_buf_add_byte(out, ',');
		if (child->string) {
			bf_json_string(out, child->string);
			bf_buf_add_byte(out, ':');
		}
		bf_json_print(out, child);
	}
	bf_buf_add_byte(out, close);
}

void
bf_json_print(struct bf_buf *out, const cJSON *tree)
{
	if (cJSON_IsObject(tree))
		print_list(out, tree, '{', '}');
	else if (cJSON_IsArray(tree))
		print_list(out, tree, '[', ']');
	else if (cJSON_IsString(tree))
		bf_json_string(out, tree->valuestring);
	else if (cJSON_IsNumber(tree))
		print_number(out, tree);
	else
		bf_buf_add_text(out, cJSON_IsTrue(tree)    ? "true"
				     : cJSON_IsFalse(tree) ? "false"
							   : "null");
}
