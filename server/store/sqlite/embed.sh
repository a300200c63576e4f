#!/bin/sh
# embed.sh OUTPUT.c MIGRATION.sql… — writes the migrations as C strings, in the order given.
set -eu
out=$1
shift
{
    echo '#include "server/store/sqlite/migrations.h"'
    echo
    echo '#pragma GCC diagnostic ignored "-Woverlength-strings"'
    echo
    echo 'const char *const migrations[] = {'
    for file in "$@"; do
        sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$file"
        echo '    ,'
    done
    echo '};'
    echo 'const int migration_count = sizeof migrations / sizeof migrations[0];'
} > "$out"
