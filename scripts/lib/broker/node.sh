# Starts and ends nodes. Everything a node has stands below its directory:
#
#   env              shell lines for users: AMQP_URL, MANAGEMENT_URL, NODE, VERSION; and values that a later start reuses
#   home/            HOME, with the cookie      etc/   configuration and the list of plugins; more.conf: the file of --conf
#   data/  log/      RabbitMQ's own
#
# A node of 4.0 runs in a mount namespace of its own: its mounts end with its last process, so none is left behind.
# Nodes do not share the machine's epmd; each has one on a port of its own, which stop ends.
# shellcheck shell=bash

readonly DEFAULT_PLUGINS=rabbitmq_management,rabbitmq_event_exchange

# Loads DIR/env and sets `dir`, and `seen`: the path under which the node sees it.
load_node() {
    [ -f "$1/env" ] || die "$1 holds no node: $1/env is missing"
    dir=$(cd "$1" && pwd)
    # shellcheck disable=SC1091
    . "$dir/env"
    seen=$dir
    ROOT=${ROOT:-$(release_root "$RELEASE")}
    [ "$ROOT" = / ] || seen=/srv
}

# inside COMMAND...: runs it where the release's files are, with the node's environment and nothing else.
inside() {
    local environment=(
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME="$seen/home"
        ERL_EPMD_PORT="$EPMD_PORT" ERL_EPMD_ADDRESS=127.0.0.1
        RABBITMQ_NODENAME="$NODE" RABBITMQ_DIST_PORT="$DIST_PORT"
        RABBITMQ_MNESIA_BASE="$seen/data" RABBITMQ_LOG_BASE="$seen/log"
        RABBITMQ_CONF_ENV_FILE="$seen/etc/env.conf" RABBITMQ_CONFIG_FILE="$seen/etc/rabbitmq.conf"
        ERL_CRASH_DUMP="$seen/log/erl_crash.dump" RABBITMQ_ADVANCED_CONFIG_FILE="$seen/etc/advanced.config"
        RABBITMQ_ENABLED_PLUGINS_FILE="$seen/etc/enabled_plugins"
        # Erlang's schedulers would spin while idle, and several nodes share a small machine.
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+sbwt none +sbwtdcpu none +sbwtdio none"
    )
    if [ "$ROOT" = / ]; then
        "${environment[@]}" "$@"
        return
    fi
    # shellcheck disable=SC2016
    unshare --mount sh -ec '
        root=$1 dir=$2
        shift 2
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs tmpfs "$root/tmp"
        mount --bind "$dir" "$root/srv"
        exec chroot "$root" "$@"' sh "$ROOT" "$dir" "${environment[@]}" "$@"
}

node_start() {
    local release=$1 where='' plugins=unset conf='' reused=no
    shift
    check_release "$release"
    while [ $# -gt 0 ]; do
        case $1 in
            --plugins)
                [ $# -ge 2 ] || usage
                plugins=$2
                shift
                ;;
            --conf)
                [ $# -ge 2 ] || usage
                conf=$2
                shift
                ;;
            -*) usage ;;
            *) where=$1 ;;
        esac
        shift
    done
    [ -n "$where" ] || usage
    [ -n "$(release_version "$release")" ] || die "RabbitMQ $release is not installed: scripts/broker install $release"
    if [ -f "$where/env" ]; then
        load_node "$where"
        reused=yes
        [ "$RELEASE" = "$release" ] || die "$where belongs to a node of $RELEASE"
        ! node_runs || die "the node of $where runs already"
        [ "$plugins" != unset ] || plugins=$PLUGINS
    fi
    [ "$plugins" != unset ] || plugins=$DEFAULT_PLUGINS
    if [ "$reused" = no ]; then
        mkdir -p "$where"
        dir=$(cd "$where" && pwd)
        AMQP_PORT=$(free_port) MANAGEMENT_PORT=$(free_port) DIST_PORT=$(free_port) EPMD_PORT=$(free_port)
    fi
    if [ -n "$conf" ]; then
        mkdir -p "$dir/etc"
        cp "$conf" "$dir/etc/more.conf"
    fi
    write_node "$release" "$plugins"
    load_node "$dir"
    boot
    cat "$dir/env"
}

write_node() {
    local release=$1 plugins=$2 management_url='' node_sees=$dir
    [ "$(release_root "$release")" = / ] || node_sees=/srv
    case ,$plugins, in
        *,rabbitmq_management,*) management_url=http://127.0.0.1:$MANAGEMENT_PORT ;;
    esac
    mkdir -p "$dir"/{home,etc,data,log}
    printf '[%s].\n' "$plugins" >"$dir/etc/enabled_plugins"
    printf '[].\n' >"$dir/etc/advanced.config"
    : >"$dir/etc/env.conf"
    {
        printf 'listeners.tcp.1 = 127.0.0.1:%s\n' "$AMQP_PORT"
        # A test broker needs no reserve: the default would alarm, and block publishers, on a disk nearly full.
        printf 'disk_free_limit.absolute = 1MB\n'
        # Figures of the management API every second, so that waiting for them is short.
        printf 'collect_statistics_interval = 1000\n'
        if [ -n "$management_url" ]; then
            printf 'management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = %s\n' "$MANAGEMENT_PORT"
        fi
        [ ! -f "$dir/etc/more.conf" ] || sed "s|{dir}|$node_sees|g" "$dir/etc/more.conf"
    } >"$dir/etc/rabbitmq.conf"
    cat >"$dir/env.new" <<TEXT
AMQP_URL=amqp://guest:guest@127.0.0.1:$AMQP_PORT/%2f
MANAGEMENT_URL=$management_url
NODE=hoptrail-$AMQP_PORT@localhost
AMQP_PORT=$AMQP_PORT
MANAGEMENT_PORT=$MANAGEMENT_PORT
DIST_PORT=$DIST_PORT
EPMD_PORT=$EPMD_PORT
VERSION=$(release_version "$release")
RELEASE=$release
ROOT=$(release_root "$release")
PLUGINS=$plugins
TEXT
    mv "$dir/env.new" "$dir/env"
}

boot() {
    local log="$dir/log/$NODE.log"
    boot_from=0
    [ ! -f "$log" ] || boot_from=$(stat -c %s "$log")
    inside epmd -daemon
    inside /usr/lib/rabbitmq/bin/rabbitmq-server -detached >"$dir/log/start" 2>&1 </dev/null ||
        fail_start "rabbitmq-server -detached failed"
    wait_until "$NODE_DEADLINE" is_up "$log" || fail_start "it was not up after $NODE_DEADLINE seconds"
}

# The node is up when the log of this start says so and the port answers.
is_up() {
    [ -f "$1" ] && tail -c "+$((boot_from + 1))" "$1" | grep -q 'Server startup complete' && listens "$AMQP_PORT"
}

fail_start() {
    say "the node $NODE did not start: $1. The end of its logs:"
    tail -n 15 "$dir"/log/start "$dir"/log/*.log >&2 2>/dev/null || true
    node_kill "$dir"
    stop_epmd
    exit 1
}

# The node's own process: started detached, it writes no pid file, but its environment names the node. rabbitmqctl runs
# with the same environment; only the server boots with SASL.
node_pid() {
    local path process
    for path in $(grep -lazxF -- "RABBITMQ_NODENAME=$NODE" /proc/[0-9]*/environ 2>/dev/null); do
        process=${path%/environ}
        if [ "$(cat "$process/comm" 2>/dev/null)" = beam.smp ] && grep -qazxF start_sasl "$process/cmdline"; then
            printf '%s\n' "${process#/proc/}"
            return
        fi
    done
    return 1
}

node_runs() { node_pid >/dev/null; }
node_gone() { ! node_runs; }

node_stop() {
    local pid
    load_node "$1"
    if pid=$(node_pid); then
        kill -TERM "$pid"
        if ! wait_until "$NODE_DEADLINE" node_gone; then
            say "the node $NODE did not stop within $NODE_DEADLINE seconds and is killed"
            kill -KILL "$pid" || true
        fi
    fi
    stop_epmd
}

node_kill() {
    local pid
    load_node "$1"
    if pid=$(node_pid); then
        kill -KILL "$pid"
        wait_until 10 node_gone || die "process $pid survived SIGKILL"
    fi
}

stop_epmd() {
    listens "$EPMD_PORT" || return 0
    inside epmd -kill >/dev/null 2>&1 || say "the epmd on port $EPMD_PORT still runs"
}

node_ctl() {
    [ $# -ge 2 ] || usage
    load_node "$1"
    shift
    inside /usr/lib/rabbitmq/bin/rabbitmqctl -n "$NODE" "$@"
}
