#ifndef BF_VAULT_H
#define BF_VAULT_H

/*
 * The environment, kept out of every process's memory: a memfd that holds it
 * as it was at start, for env: secrets at load, reload and binary upgrade.
 */

/* Moves the environment into a new memfd, overwrites it in memory, and leaves
 * only names that are no secrets (PATH, TZ, LANG...). Returns the descriptor
 * (without close-on-exec), or -1. */
int bf_vault_take(void);

/* The value of a variable in the vault, borrowed until bf_vault_close; for
 * struct bf_secret_source. */
struct bf_vault;
struct bf_vault *bf_vault_open(int fd);
const char *bf_vault_get(void *vault, const char *name);
/* Every variable, as execve wants it; NULL-terminated, with more in front. */
char **bf_vault_environment(struct bf_vault *vault, const char *more);
void bf_vault_close(struct bf_vault **vault);

#endif
