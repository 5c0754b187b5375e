/*
 * libraries.c - memory for libraries, that is always there
 */
#include "core/transport/libraries.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <openssl/crypto.h>

#include <belfry/memory.h>

static void *
allocate_at(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return bf_malloc(size);
}

/* OpenSSL frees what becomes empty this way. */
static void *
resize_at(void *memory, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	if (size > 0)
		return bf_realloc(memory, size);
	free(memory);
	return NULL;
}

static void
free_at(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	free(memory);
}

void
bf_libraries_start(void)
{
	cJSON_InitHooks(&(cJSON_Hooks){ bf_malloc, free });
	CRYPTO_set_mem_functions(allocate_at, resize_at, free_at);
}

int
bf_libraries_curl(void)
{
	return curl_global_init_mem(CURL_GLOBAL_DEFAULT, bf_malloc, free,
		   bf_realloc, bf_strdup, bf_zalloc) == CURLE_OK
		   ? 0
		   : -1;
}
