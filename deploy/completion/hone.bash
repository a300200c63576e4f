# shellcheck shell=bash
# Completion of hone's verbs, options and formats for bash. It asks the program itself, so that it
# cannot fall behind; it never asks a server.

# What may follow "hone" or "hone study".
_hone_words()
{
    hone help --names 2>/dev/null | awk -v group="$1" '
        group == "" { print $1 }
        group != "" && $1 == group && NF == 2 { print $2 }'
}

_hone_options()
{
    hone "$@" --help 2>/dev/null | awk '
        /^  (  |-[^ ],) *--/ || /^  -[^ ], --/ {
            for (i = 1; i <= 2 && i <= NF; i++) {
                if (match($i, /^--[a-z-]+=?/)) { print substr($i, RSTART, RLENGTH) }
            }
        }'
}

_hone()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb words i
    for ((i = 1; i < COMP_CWORD; i++)); do # behind -- stands the command of a job
        [ "${COMP_WORDS[i]}" != -- ] || { COMPREPLY=(); return; }
    done
    verb=${COMP_WORDS[1]:-}
    if [ "$COMP_CWORD" = 1 ]; then
        words=$(_hone_words '')
    elif [ "$COMP_CWORD" = 2 ] && [ -n "$(_hone_words "$verb")" ]; then
        words=$(_hone_words "$verb")
    elif [ "$before" = -o ] || [ "$before" = --output ]; then
        words='table wide json ndjson csv name'
    elif [ "$before" = --color ]; then
        words='auto always never'
    elif [ "$before" = --scope ]; then
        words='admin submit read worker'
    elif [ "${word:0:1}" = - ]; then
        if [ -n "$(_hone_words "$verb")" ]; then
            words=$(_hone_options "$verb" "${COMP_WORDS[2]:-}")
        else
            words=$(_hone_options "$verb")
        fi
    else
        COMPREPLY=() # a name, or a file: bash completes files by itself
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word" | sort -u)
    [[ ${COMPREPLY[0]:-} != *= ]] || compopt -o nospace 2>/dev/null
}

complete -o default -F _hone hone
