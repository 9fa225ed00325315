# AMQP clients of other languages, for the tests. Asks apt and the registries only for missing packages.
# shellcheck shell=bash

readonly CLIENTS=${HOPTRAIL_CLIENTS:-$repo/.clients}
readonly PINNED=$repo/tests/it/proxy/clients
readonly COPY_JARS=org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies

install_clients() {
    # A failed installation leaves nothing half done.
    trap 'rm -rf "$CLIENTS"/*.building.$$' EXIT
    local missing=()
    # The system's Python, because apt's modules are for it.
    /usr/bin/python3 -c 'import pika' 2>/dev/null || missing+=(python3-pika)
    command -v node >/dev/null || missing+=(nodejs)
    command -v npm >/dev/null || missing+=(npm)
    command -v javac >/dev/null || missing+=(default-jdk-headless)
    command -v mvn >/dev/null || missing+=(maven)
    [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
    is_installed npm package-lock.json || install_npm
    is_installed java pom.xml || install_java
}

# is_installed WHAT LIST: the newest installation has the pinned versions.
is_installed() { cmp -s "$PINNED/$1/$2" "$CLIENTS/$1/$2"; }

# Both are built under another name, so that the directory with the right name is complete.
install_npm() {
    local building=$CLIENTS/npm.building.$$
    mkdir -p "$building"
    cp "$PINNED"/npm/package*.json "$building"
    # Without scripts, and without a word about anything but errors.
    (cd "$building" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >&2 || die "npm ci failed"
    replace npm
}

install_java() {
    local building=$CLIENTS/java.building.$$
    mkdir -p "$building"
    mvn -q -B -f "$PINNED/java/pom.xml" "$COPY_JARS" -DoutputDirectory="$building" >&2 || die "mvn failed"
    cp "$PINNED/java/pom.xml" "$building"
    replace java
}

replace() {
    rm -rf "${CLIENTS:?}/$1"
    mv -T "$CLIENTS/$1.building.$$" "$CLIENTS/$1"
}
