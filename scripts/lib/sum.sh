# Counts checks and tests; sum_up, called by the trap of EXIT, prints the sum as the last line and sets the exit code.
# shellcheck shell=bash

passed=0
failed=0
ignored=0
broken=()

count_failed() {
    failed=$((failed + 1))
    broken+=("$1")
}

# check NAME COMMAND...: one check, which passes or fails.
check() {
    local name=$1
    shift
    printf '──── %s\n' "$name"
    if "$@" </dev/null; then
        passed=$((passed + 1))
    else
        count_failed "$name"
    fi
}

# count_tests NAME STATUS LOG: counts the summaries of a run of tests. A test program that died has none.
count_tests() {
    local before=$failed sums more_passed more_failed more_ignored
    sums=$(sed 's/\x1b\[[0-9;]*m//g' "$3" | awk '
        /^test result: / { passed += $4; failed += $6; ignored += $8 }
        END { print passed + 0, failed + 0, ignored + 0 }')
    read -r more_passed more_failed more_ignored <<<"$sums"
    passed=$((passed + more_passed)) failed=$((failed + more_failed)) ignored=$((ignored + more_ignored))
    if [ "$2" != 0 ]; then
        broken+=("$1")
        [ "$failed" -gt "$before" ] || failed=$((failed + 1))
    fi
}

# sum_up STATUS: a run that ended early has failed too, and so has a run without a test.
sum_up() {
    local status=$1
    trap '' INT TERM
    printf '\n'
    [ "$ignored" = 0 ] || printf '%d tests were ignored\n' "$ignored"
    [ ${#broken[@]} = 0 ] || printf 'FAILED: %s\n' "${broken[@]}"
    if [ "$failed" = 0 ] && { [ "$status" != 0 ] || [ "$passed" = 0 ]; }; then
        printf 'FAILED: ended early, or ran nothing\n'
        failed=1
    fi
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" = 0 ]
    exit $?
}
