# shellcheck shell=bash
# Completion for bash. The program itself says what may follow (`hone help --complete`), so that
# this cannot fall behind; only the names of studies are asked of the server.

_hone()
{
    local word=${COMP_WORDS[COMP_CWORD]} words=() line i
    for ((i = 1; i <= COMP_CWORD; i++)); do # bash makes three words of --state=running
        [ "${COMP_WORDS[i]}" = = ] || words+=("${COMP_WORDS[i]}")
    done
    [ "$word" != = ] || { word=; words+=(''); }
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("${line%%$'\t'*}")
    done < <(hone help --complete -- "${words[@]}" 2>/dev/null | _hone_studies "$word")
    [[ ${COMPREPLY[0]:-} != *= ]] || compopt -o nospace 2>/dev/null
}

# A line that is a tab asks for the studies, as far as the server says within two seconds.
_hone_studies()
{
    local line name
    while IFS= read -r line; do
        if [ "$line" != $'\t' ]; then
            printf '%s\n' "$line"
            continue
        fi
        while IFS= read -r name; do
            [[ $name != "$1"* ]] || printf '%s\n' "$name"
        done < <(timeout 2 hone study list -o name 2>/dev/null)
    done
}

complete -o default -F _hone hone
