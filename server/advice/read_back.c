#include "server/advice/read_back.h"

#include "common/json.h"
#include "server/advice/choose.h"

int definition_read_back(const char *study, const char *text, struct study_def **def,
                         struct err *err)
{
    json_auto_t *body = NULL;
    struct faults faults = {0};

    int result = json_parse_own(text, &body, err);
    if (result == 0 && study_def_read_back(body, def, &faults) != 0) {
        result = faults_result(&faults, err);
    }
    faults_finish(&faults);
    if (result != 0) {
        err->code = err->code == ERR_NOMEM ? ERR_NOMEM : ERR_IO;
        return err_wrap(err, "study \"%s\" cannot be read back", study);
    }
    if (advice_settle_old(*def, err) != 0) {
        study_def_destroy(*def);
        return -1;
    }
    return 0;
}
