#ifndef BF_SCHEMA_H
#define BF_SCHEMA_H

#include <cjson/cJSON.h>

#include <belfry/directive.h>

/*
 * A JSON Schema (draft 2020-12) of the settings that the API takes for a
 * directive table, for programs that make or check them. title and summary are
 * of the module. A required secret may be left out where it is kept from the
 * saved channel, and what names something on the server may stand in the conf
 * file only: that is marked readOnly. The caller frees it.
 */
cJSON *bf_settings_schema(const struct bf_directive *table, const char *title,
    const char *summary);

#endif
