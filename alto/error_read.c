#include "alto/error_read.h"

#include <stdio.h>
#include <string.h>

#include "base/jsonin.h"

/* Of a member that is a string: `, field "pids"`. */
static void say(const json_t *meta, const char *key, const char *name, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(meta, key));
    const size_t used = strlen(out);
    char shown[200];

    if (text)
        snprintf(out + used, size - used, ", %s \"%s\"", name,
                 bytes_escape(text, strlen(text), shown, sizeof shown));
}

enum err_code alto_error_read(struct str body, struct err *e)
{
    json_t *document = NULL;
    const json_t *meta;
    const char *code;
    char text[ERR_TEXT_MAX / 2] = "", shown[64];

    if (body.n > ALTO_ERROR_BYTES_MAX ||
        jsonin_load(body.n ? body.p : "", body.n, &document, NULL) != ERR_OK)
        return err_set(e, ERR_PARSE, "the server answers with an error that cannot be read");
    meta = json_object_get(document, "meta");
    code = json_string_value(json_object_get(meta, "code"));
    say(meta, "field", "field", text, sizeof text);
    say(meta, "value", "value", text, sizeof text);
    say(meta, "syntax-error", "syntax error", text, sizeof text);
    say(meta, "priv:reason", "reason", text, sizeof text);
    if (code)
        err_set(e, ERR_PARSE, "the server answers %s%s",
                bytes_escape(code, strlen(code), shown, sizeof shown), text);
    else
        err_set(e, ERR_PARSE, "the server answers with an error%s",
                text[0] ? text : " that has no code");
    json_decref(document);
    return ERR_PARSE;
}
