#include "common/moment.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

/* Reads `n` digits and the character behind them, one of `behind`; moves behind both. */
static bool read_part(const char **at, int n, const char *behind, int *value)
{
    *value = 0;
    for (int i = 0; i < n; i++) {
        if (isdigit((unsigned char)**at) == 0) {
            return false;
        }
        *value = *value * 10 + (*(*at)++ - '0');
    }
    if (**at == '\0' || strchr(behind, **at) == NULL) {
        return *behind == '\0' && **at == '\0';
    }
    (*at)++;
    return true;
}

static bool read_fraction(const char **at, int64_t *ms)
{
    int64_t unit = 100;

    *ms = 0;
    if ((*at)[-1] != '.') {
        return true;
    }
    if (isdigit((unsigned char)**at) == 0) {
        return false;
    }
    for (; isdigit((unsigned char)**at) != 0; unit /= 10) {
        *ms += unit * (*(*at)++ - '0');
    }
    return *(*at)++ != '\0';
}

/* Behind the sign or the Z. */
static bool read_offset(const char *at, int64_t *ms)
{
    char sign = at[-1];
    int hours;
    int minutes;

    *ms = 0;
    if (sign == 'Z' || sign == 'z') {
        return *at == '\0';
    }
    if ((sign != '+' && sign != '-') || !read_part(&at, 2, ":", &hours)
        || !read_part(&at, 2, "", &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *ms = (hours * 60 + minutes) * INT64_C(60000) * (sign == '+' ? 1 : -1);
    return true;
}

bool moment_read(const char *text, int64_t *wall_ms)
{
    struct tm given = {0};
    int64_t fraction_ms;
    int64_t offset_ms;

    if (!read_part(&text, 4, "-", &given.tm_year) || !read_part(&text, 2, "-", &given.tm_mon)
        || !read_part(&text, 2, "Tt ", &given.tm_mday) || !read_part(&text, 2, ":", &given.tm_hour)
        || !read_part(&text, 2, ":", &given.tm_min) || !read_part(&text, 2, ".Zz+-", &given.tm_sec)
        || !read_fraction(&text, &fraction_ms) || !read_offset(text, &offset_ms)) {
        return false;
    }
    given.tm_year -= 1900;
    given.tm_mon -= 1;
    struct tm made = given;
    time_t seconds = timegm(&made); /* makes the 1st of March of the 30th of February */
    *wall_ms = (int64_t)seconds * 1000 + fraction_ms - offset_ms;
    return made.tm_mday == given.tm_mday && made.tm_mon == given.tm_mon
           && made.tm_hour == given.tm_hour && made.tm_min == given.tm_min
           && made.tm_sec == given.tm_sec;
}
