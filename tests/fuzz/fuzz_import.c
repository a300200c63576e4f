/* What `hone import` reads, from files of other tuners whose words, lines and bytes were changed.
 * Whatever is in a file, it is read whole or refused with a sentence, and what is read is a study.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/directory.h"
#include "worker/cli/import/import.h"

static char folder[DIRECTORY_BYTES];
static char path[sizeof folder + 8];

static void check_read(const char *format)
{
    OWN(import) struct import import;
    struct err err = {0};

    import_init(&import, path);
    if (import_read(&import, format, &err) != 0) {
        MUST(err.code == ERR_INVALID && err.text[0] != '\0');
        return;
    }
    const json_t *parameters = json_object_get(import.study, "parameters");
    size_t i;
    json_t *parameter;
    MUST(json_array_size(parameters) > 0);
    MUST(json_array_size(parameters) == json_array_size(import.lines));
    json_array_foreach (parameters, i, parameter) {
        MUST(json_is_string(json_object_get(parameter, "name")));
        MUST(json_is_string(json_object_get(parameter, "type")));
    }
    MUST(!import.command.failed && !import.options.failed && import.program != NULL);
    OWN(memory) char *text = json_dumps(import.study, 0);
    MUST(text != NULL);
}

static void end(void)
{
    directory_remove(folder);
}

void fuzz_start(void)
{
    directory_create(folder);
    (void)snprintf(path, sizeof path, "%s/file", folder);
    MUST(atexit(end) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const formats[] = {NULL, "wandb", "nni", "katib", "configspace", "optuna"};
    FILE *file = fopen(path, "we");

    MUST(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        check_read(formats[i]);
    }
    return 0;
}
