# Completion for fish. The program itself says what may follow (`hone help --complete`), so that
# this cannot fall behind; only the names of studies are asked of the server.

function __hone_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (hone help --complete -- $words[2..-1] 2>/dev/null)
        if test "$line" = \t
            timeout 2 hone study list -o name 2>/dev/null
        else
            printf '%s\n' $line
        end
    end
end

complete -c hone -a '(__hone_complete)'
