# Installs RabbitMQ: the distribution's package, and Debian trixie's in a directory of its own.
# shellcheck shell=bash

readonly POLICY=/usr/sbin/policy-rc.d

install_release() {
    check_release "$1"
    [ -z "$(release_version "$1")" ] || return 0
    case $1 in
        3.10) install_package ;;
        4.0) install_root ;;
    esac
    [ -n "$(release_version "$1")" ] || die "RabbitMQ $1 is still missing after its installation"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "needs root for: $*"
    fi
}

# Fetches the package lists only where the machine has none that will do.
apt_install() {
    say "installing $*"
    if ! apt_get install "$@"; then
        apt_get update
        apt_get install "$@"
    fi
}

apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends "$@" >&2; }

# The package would start a broker on the standard ports. A policy forbids that during the installation, and the script
# disables the service for the next boot. It does not install a broker that was there before.
install_package() {
    local guarded=no
    if [ ! -e "$POLICY" ]; then
        guarded=yes
        trap remove_policy EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
        as_root chmod 755 "$POLICY"
    fi
    apt_install rabbitmq-server
    if [ "$guarded" = yes ]; then
        remove_policy
        trap - EXIT
    fi
    as_root update-rc.d rabbitmq-server disable >/dev/null 2>&1 || say "rabbitmq-server may start at the next boot"
}

remove_policy() { as_root rm -f "$POLICY"; }

# Debian trixie's package with all it needs. Built under another name, so that the directory with the right name is
# complete.
install_root() {
    local root building mirror
    [ "$(id -u)" = 0 ] || die "RabbitMQ 4.0 needs root (debootstrap and chroot)"
    command -v debootstrap >/dev/null || apt_install debootstrap
    root=$(release_root 4.0)
    mirror=$(debian_mirror)
    building=$root.building.$$
    mkdir -p "$building"
    # shellcheck disable=SC2064
    trap "rm -rf --one-file-system '$building'" EXIT
    say "building $root from $mirror: takes about a minute"
    if ! debootstrap --variant=minbase --include=rabbitmq-server trixie "$building" "$mirror" \
        >"$building.log" 2>&1; then
        tail -n 20 "$building.log" >&2
        die "debootstrap failed; its output stands in $building.log"
    fi
    cp /etc/hosts "$building/etc/hosts"
    rm -rf "$building"/var/cache/apt/archives/*.deb "$building"/var/lib/apt/lists/* "$building.log"
    # Two of us may have built it at the same time: the first wins.
    mv -T "$building" "$root" 2>/dev/null || [ -n "$(release_version 4.0)" ] || die "cannot move $building to $root"
    rm -rf --one-file-system "$building"
    trap - EXIT
}

# The mirror that this machine's own apt is configured with. Proxies too are apt's own.
debian_mirror() {
    local mirror=${HOPTRAIL_DEBIAN_MIRROR:-}
    if [ -z "$mirror" ]; then
        mirror=$(apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(CODENAME) $(SITE)' 'Created-By: Packages' |
            awk '$1 == "Debian" && $2 == "main" && $3 !~ /-/ { print $4; exit }')
    fi
    if [ -z "$mirror" ]; then
        # Without package lists apt knows no origin yet.
        mirror=$(apt-get indextargets --format '$(COMPONENT) $(RELEASE) $(SITE)' 'Created-By: Packages' |
            awk '$1 == "main" && $2 !~ /-/ { print $3; exit }')
    fi
    [ -n "$mirror" ] || die "apt names no Debian mirror: set HOPTRAIL_DEBIAN_MIRROR"
    printf '%s\n' "$mirror"
}
