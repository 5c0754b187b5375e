#ifndef BELFRY_API_H
#define BELFRY_API_H

/*
 * What libbelfry shows to modules. Everything else in belfry is built with
 * -fvisibility=hidden and stays inside.
 */
#define BF_API __attribute__((visibility("default")))

/* Lets the compiler check arguments against a printf format. */
#define BF_PRINTF(text, first) __attribute__((format(printf, text, first)))

#endif
