# The quick test programs once more, on another day: no result may depend on the day on which the tests run.
# shellcheck shell=bash

# Left out are the programs that need a broker, which has a clock of its own, and those that feed the observer: it has
# no clock.
readonly LEFT_OUT='it fuzz wire'

# another_day: how far ahead lies a 29 February, two seconds before its midnight (UTC), 400 days from now or later. The
# tests then run on a leap day, see it end, and are far from every date in a fixture.
another_day() {
    local year ahead
    for year in {2028..2096..4}; do
        ahead=$(($(date -u -d "$year-02-29 23:59:58" +%s) - $(date +%s)))
        [ "$ahead" -lt $((400 * 86400)) ] || break
    done
    printf '+%ds\n' "$ahead"
}

# test_programs: the programs that `cargo test` has built, but for those that are left out.
test_programs() {
    cargo test --locked --no-run --message-format=json | /usr/bin/python3 -c '
import json, sys
left_out = sys.argv[1].split()
for line in sys.stdin:
    built = json.loads(line)
    if built.get("profile", {}).get("test") and built["target"]["name"] not in left_out:
        print(built["executable"])' "$LEFT_OUT"
}

# test_on_another_day: runs them. The clock that measures lengths stays as it is, so that every wait takes its time.
test_on_another_day() {
    local programs program status=0
    programs=$(test_programs)
    [ -n "$programs" ] || return 1
    for program in $programs; do
        # Snapshots are found by the variable that cargo sets.
        env CARGO_MANIFEST_DIR="$repo" TZ=UTC FAKETIME_DONT_FAKE_MONOTONIC=1 \
            HOPTRAIL_POWER_POINTS=20 HOPTRAIL_DAMAGE_CASES=20 \
            faketime -m -f "$(another_day)" "$program" </dev/null || status=$?
    done
    return "$status"
}
