#!/bin/bash
# Holds the tree to STYLE.md: who may include whom, where time, chance and SQL may live, that JSON is
# built whole, that the name of a struct has one meaning, how C is formatted, that nothing names
# the machine it was written on, and that no migration of the database was changed.
#
#   tests/check_layers.sh            every rule
#   tests/check_layers.sh arrows     one of them: arrows world sql json headers structs owned
#                                    format paths migrations
set -u
cd "$(dirname "$0")/.." || exit 1

# "Who knows whom", folder by folder: a folder may include what stands behind it, and what that may
# include in turn. Every folder may include common itself. server itself is main.c with its helpers.
# Within server/strategy the optimisers know the shared files, and the shared initial design knows
# sobol. Of the tests only the simulators are covered.
arrows='
server           server/api
server/api       server/http server/replay server/engine server/files server/analysis server/web server/report server/mcp
server/report    server/analysis
server/analysis  server/strategy server/store server/domain
server/engine    server/tuning
server/tuning    server/advice server/state
server/state     server/suggester server/schedule server/store
server/replay    server/advice server/state server/suggester server/schedule server/strategy server/store
server/suggester server/strategy/gp server/strategy/grid server/strategy server/store
server/advice    server/strategy server/schedule
server/strategy  server/strategy/sobol server/model server/domain
server/strategy/gp     server/strategy
server/strategy/grid   server/strategy
server/strategy/sobol  server/strategy
server/strategy/tpe    server/strategy
server/schedule  server/domain server/model
server/store     server/store/sqlite server/domain
server/store/sqlite    server/store
server/domain    common/space common/wire
server/model
server/http
server/mcp       server/http
server/files     common/wire
server/web
worker           worker/cli/verbs
worker/cli/verbs   worker/bundle worker/cli/agent_options worker/cli/submit worker/cli/import worker/cli/define worker/agent common/space
worker/cli/agent_options  worker/agent worker/report worker/cli worker/cli/define
worker/cli/define  worker/cli/show
worker/cli/submit  worker/cli
worker/cli/import  worker/cli/define
worker/cli/show    worker/cli
worker/cli       worker/cli/show common/http common/wire
worker/agent     worker/report common/http
worker/bundle    common/http common/wire
worker/report    common/wire
common
common/space
common/wire
common/http      common/wire
tests/sim        tests/sim/common tests/support server/tuning server/schedule server/replay
tests/sim/common tests/support
tests/support
'

faults=0
fault()
{
    echo "$*"
    faults=$((faults + 1))
}

# Our C files, without what a build made.
c_files()
{
    find common server worker -name '*.[ch]' | sort
}

# The code of the files that standard input names, without comments and strings: "file:line:text".
code_of_these()
{
    xargs awk '
        FNR == 1 { inside = 0 }
        {
            text = $0
            gsub(/\\./, "", text)
            gsub(/"[^"]*"/, "\"\"", text)
            if (inside) {
                if (!sub(/^.*\*\//, "", text)) next
                inside = 0
            }
            gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", text)
            if (sub(/\/\*.*$/, "", text)) inside = 1
            sub(/\/\/.*$/, "", text)
            print FILENAME ":" FNR ":" text
        }'
}

check_arrows()
{
    local report
    report=$({ c_files; find tests/sim -name '*.[ch]' | sort; } |
        xargs grep -Hn '^ *# *include *"' | ARROWS=$arrows awk '
        function folder(path) { # the deepest listed folder that holds this file
            while (!(path in known)) {
                if (path !~ /\//) return ""
                sub(/\/[^\/]*$/, "", path)
            }
            return path
        }
        function learn(who, whom,    i, n, next_folders) { # closes the arrows: they carry through
            if ((who, whom) in may) return
            may[who, whom] = 1
            n = split(known[whom], next_folders, " ")
            for (i = 1; i <= n; i++) learn(who, next_folders[i])
        }
        BEGIN {
            n_lines = split(ENVIRON["ARROWS"], lines, "\n")
            for (l = 1; l <= n_lines; l++) {
                n = split(lines[l], word, " ")
                if (n == 0) continue
                known[word[1]] = ""
                for (i = 2; i <= n; i++) known[word[1]] = known[word[1]] " " word[i]
            }
            for (who in known) { learn(who, who); may[who, "common"] = 1 }
        }
        {
            split($0, field, ":")
            split($0, quote, "\"")
            from = folder(field[1]); to = folder(quote[2])
            if (from == "") print field[1] ": lies in no folder of STYLE.md"
            else if (to == "") print field[1] ":" field[2] ": \"" quote[2] "\" does not start at the root"
            else if (!((from, to) in may)) print field[1] ":" field[2] ": " from " may not know " to
        }')
    [ -z "$report" ] || fault "$report"
}

# Time and chance are passed in (struct clock, struct rng); one file each asks the system.
check_world()
{
    local report
    report=$(c_files | grep -v -e '^common/clock\.c$' -e '^common/rng\.c$' | code_of_these |
        grep -E '(^|[^A-Za-z0-9_>.])(time|clock_gettime|gettimeofday|s?rand|s?random|rand_r|[dejlmn]rand48|getrandom|getentropy|arc4random(_[a-z]+)?|gnutls_rnd|sqlite3_randomness) *\(')
    [ -z "$report" ] || fault "$report
time and chance come from common/clock.h and common/rng.h"
}

check_sql()
{
    local report
    report=$(c_files | grep -v -e '^server/store/sqlite/' -e '^worker/cli/import/optuna_sqlite\.c$' |
        xargs grep -HnE '<sqlite3\.h>|" *(SELECT|INSERT|REPLACE|UPDATE|DELETE|CREATE|DROP|ALTER|PRAGMA|BEGIN|COMMIT|ROLLBACK|SAVEPOINT) [A-Za-z]')
    [ -z "$report" ] || fault "$report
SQL lives in server/store/sqlite, and where a storage of Optuna is read"
}

# Jansson leaves out what it has no memory for: common/json.c parses, and what builds or copies
# values checks afterwards. The two excepted files only build parts; their headers say who checks.
check_json()
{
    local report
    report=$(c_files | grep -v '^common/json\.c$' | code_of_these |
        grep -E '(^|[^A-Za-z0-9_])json_load(s|b|f|fd|_file|_callback) *\(')
    [ -z "$report" ] || fault "$report
texts are parsed by json_parse() and json_parse_own()"
    report=$(c_files | grep -E '^(common|server|worker/agent)/' |
        grep -v -e '^common/json\.[ch]$' -e '^server/advice/sentence\.c$' -e '^server/advice/cost\.c$' |
        xargs grep -lE '\(void\)json_(object|array)_(set|append|insert|update|extend)|json_deep_copy *\(' |
        xargs -r grep -LE 'json_check *\(|json_failures *\(')
    [ -z "$report" ] || fault "$report
values are built there, and json_check() does not follow"
}

check_format()
{
    local report
    command -v clang-format >/dev/null || { echo "not run: clang-format is not installed"; return; }
    report=$(find common server worker tests deploy -name '*.[ch]' -print0 |
        xargs -0 clang-format --dry-run -Werror 2>&1 | grep -E 'error:' | cut -d: -f1 | sort -u)
    [ -z "$report" ] || fault "$report
not formatted; run: clang-format -i FILE…"
}

# A header declares what its own file defines.
check_headers()
{
    local report
    report=$(python3 tests/shape --headers) || fault "$report"
}

# One word has one meaning: no two folders define a struct of the same name.
check_structs()
{
    local report
    report=$(python3 tests/shape --structs) || fault "$report
a name for each: these are defined in two folders"
}

# What OWN releases on the way out must have a value by then: between its declaration without one and
# the line that names it there is no way out.
check_owned()
{
    local report
    report=$(find common server worker tests deploy -name '*.c' -print0 | xargs -0 awk '
        FNR == 1 || /^}/ { name = "" }
        name != "" && $0 ~ "(&|[^A-Za-z0-9_])" name "([^A-Za-z0-9_]|$)" { name = "" }
        name != "" && /(^|[^A-Za-z0-9_])(TRY\(|return([^A-Za-z0-9_]|$))/ {
            print FILENAME ":" FNR ": " name " may be released before it has a value"
            name = ""
        }
        match($0, /^ +OWN\([a-z_]+\) struct [a-z_]+ [a-z_]+;$/) {
            name = $NF
            sub(/;$/, "", name)
        }')
    [ -z "$report" ] || fault "$report
declare it with = {0}"
}

# Brackets keep the patterns from finding themselves.
check_paths()
{
    local report
    report=$( (git ls-files -co --exclude-standard 2>/dev/null || find . -type f -not -path './build*' -not -path './.git/*') |
        xargs -d '\n' grep -IHnE '/[w]ork/|/[r]oot/|[d]eb\.debian\.org|[p]ypi\.org|[s]napshot\.debian|[r]egistry\.npmjs')
    [ -z "$report" ] || fault "$report
a file names this machine or a registry"
}

# A database that an earlier text of a migration has made is never given the later one.
check_migrations()
{
    local here report
    here=$(cd schema/migrations && sha256sum -- *.sql)
    report=$(diff <(sort -k 2 schema/migrations/sha256sums) <(sort -k 2 <<<"$here") |
        sed -n 's/^[<>] [0-9a-f]*  //p' | sort -u)
    [ -z "$report" ] || fault "$report
not as in schema/migrations/sha256sums. Never change, rename or remove a migration: databases have its
tables already. Put it back as it was, and say what has to change in a new migration, the file with the
next free number. For a new one: (cd schema/migrations && sha256sum NNNN_NAME.sql >>sha256sums)"
}

for rule in ${1:-arrows world sql json headers structs owned format paths migrations}; do
    "check_$rule"
done
[ "$faults" -eq 0 ]
