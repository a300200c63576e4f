#include "worker/cli/define/study_file.h"

#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "worker/cli/define/text_file.h"
#include "worker/cli/define/yaml.h"

enum { FILE_BYTES = 8 << 20 };
static const struct json_limits limits = {.bytes = FILE_BYTES, .depth = 32, .values = 1000000};

int study_file_read(const char *path, json_t **body, struct err *err)
{
    OWN(buf) struct buf text = {0};

    buf_init(&text, FILE_BYTES);
    TRY(text_file_read(path, &text, err));
    const char *first = buf_text(&text) + strspn(buf_text(&text), " \t\r\n");
    int rc = *first == '{' ? json_parse(buf_text(&text), text.len, &limits, body, err)
                           : yaml_to_json(buf_text(&text), text.len, body, err);
    if (rc != 0 && err->code == ERR_NOMEM) {
        return -1;
    }
    if (rc != 0) {
        char where[sizeof err->where];
        memcpy(where, err->where, sizeof where);
        err->code = ERR_INVALID;
        return err_at(err, "%.100s%s%.60s", text_file_name(path), *where == '\0' ? "" : ", ",
                      where);
    }
    if (!json_is_object(*body)) {
        json_decref(*body);
        *body = NULL;
        return err_set(err, ERR_INVALID, "%s holds no study; write 'name: …', 'parameters: …'",
                       path);
    }
    return 0;
}
