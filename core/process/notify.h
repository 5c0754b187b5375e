#ifndef BF_NOTIFY_H
#define BF_NOTIFY_H

#include <stdint.h>

/* Sends lines such as "READY=1" to systemd; nothing if it does not listen. */
void bf_notify(const char *lines);

/* RELOADING=1 with the time that Type=notify-reload needs. */
void bf_notify_reloading(void);

/* How often WATCHDOG=1 is to be sent, in milliseconds; 0: never. */
int64_t bf_notify_watchdog_ms(void);

#endif
