#ifndef BF_ASSETS_H
#define BF_ASSETS_H

#include <belfry/buf.h>
#include <belfry/error.h>

/*
 * The files of the dashboard, in memory, under /dashboard/; "/" leads there.
 */

struct bf_assets;
struct intake;
struct route;

/* Reads every file below root whose kind a dashboard is made of (HTML, CSS,
 * JavaScript, images, fonts). NULL if root or a file can't be read, there is no
 * index.html, or it is too much. */
struct bf_assets *bf_assets_load(const char *root, struct bf_error *err);

/* The route of a path of the dashboard. NULL: it is none, or allowed gets the
 * methods that it has. */
const struct route *bf_assets_route(const struct intake *intake,
    const char *method, const char *path, struct bf_buf *allowed);

/* Frees them and sets *assets to NULL. NULL is fine. */
void bf_assets_free(struct bf_assets **assets);

#endif
