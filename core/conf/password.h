#ifndef BF_PASSWORD_H
#define BF_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include <belfry/error.h>

/*
 * Passwords, as they are kept: scrypt (RFC 7914) of the password and a random
 * salt, with what it cost, as one text in the PHC string format:
 *
 *     $scrypt$ln=14,r=8,p=5$SALT$HASH
 *
 * SALT and HASH are base64 (RFC 4648, section 4) without padding.
 */

#define BF_PASSWORD_MAX 1024 /* bytes of a password */

/* Hashes a password with a new salt: 16 MiB of memory and p = 5, as the OWASP
 * Password Storage Cheat Sheet has it. New memory. */
char *bf_password_hash(const char *password);

/* Whether a text is such a hash, and not dearer than this process can afford
 * (64 MiB); err says what is wrong. 0 or -1. */
int bf_password_check(const char *hash, struct bf_error *err);

/* Whether the password is the one of the hash. Takes as long whatever the
 * answer is: some 100 ms, so it belongs on a thread of its own. Never for a
 * text that bf_password_check refuses. */
bool bf_password_fits(const char *hash, const char *password);

#endif
