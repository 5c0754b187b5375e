/*
 * encode.c - bytes as hexadecimal digits and base64
 */
#include "core/lib/encode.h"

#include <string.h>

#include <openssl/evp.h>

void
bf_encode_hex(struct bf_buf *out, const void *bytes, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *next = bytes;
	char *text = bf_buf_reserve(out, 2 * size);

	for (size_t i = 0; i < size; i++) {
		*text++ = hex[next[i] >> 4];
		*text++ = hex[next[i] & 15];
	}
	*text = '\0';
	out->size += 2 * size;
}

void
bf_encode_base64(struct bf_buf *out, const void *bytes, size_t size)
{
	char *text = bf_buf_reserve(out, (size + 2) / 3 * 4);

	out->size +=
	    (size_t)EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
}

int
bf_decode_base64(struct bf_buf *out, const char *text, size_t size)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const size_t start = out->size;
	unsigned bits = 0, value = 0;

	if (size > 0 && size % 4 == 0 && text[size - 1] == '=')
		size -= text[size - 2] == '=' ? 2 : 1;
	for (size_t i = 0; i < size; i++) {
		const char *at =
		    memchr(alphabet, text[i], sizeof(alphabet) - 1);

		if (!at)
			goto refuse;
		value = value << 6 | (unsigned)(at - alphabet);
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		bf_buf_add_byte(out, (char)(value >> bits));
		value &= (1u << bits) - 1;
	}
	/* A single digit over, or bits that no byte has, are no base64. */
	if (bits < 6 && value == 0)
		return 0;

refuse:
	out->size = start;
	return -1;
}
