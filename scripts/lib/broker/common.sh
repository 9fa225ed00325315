# Shared by the parts of scripts/broker: messages, waiting, ports, and where each release lives.
# shellcheck shell=bash

# How long a node may take to come up or go down, in seconds. On an idle machine both take less than ten.
readonly NODE_DEADLINE=120

say() { printf '%s\n' "$*" >&2; }

die() {
    say "scripts/broker: $*"
    exit 1
}

# wait_until SECONDS COMMAND...: polls until the command succeeds; fails when the time is over.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A free port below the range from which the kernel takes the ports of outgoing connections.
free_port() {
    local port
    for _ in {1..200}; do
        port=$((15000 + (RANDOM * 32768 + RANDOM) % 17000))
        if ! listens "$port"; then
            printf '%s\n' "$port"
            return
        fi
    done
    die "found no free port between 15000 and 32000"
}

check_release() {
    case $1 in
        3.10 | 4.0) ;;
        *) die "$1 is not one of 3.10, 4.0" ;;
    esac
}

# The directory that holds the release's files: / or a root of its own.
release_root() {
    check_release "$1"
    case $1 in
        3.10) printf '/\n' ;;
        4.0) printf '%s/trixie\n' "${HOPTRAIL_BROKERS:-$repo/.brokers}" ;;
    esac
}

# The version as its own files name it; nothing if it is not installed.
release_version() {
    local root path
    root=$(release_root "$1")
    for path in "${root%/}"/usr/lib/rabbitmq/lib/rabbitmq_server-*; do
        [ -d "$path" ] && printf '%s\n' "${path##*/rabbitmq_server-}"
    done | sort -V | tail -n 1
}
