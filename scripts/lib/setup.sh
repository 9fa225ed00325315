# The packages that demo and tests need beside a Rust toolchain. Asks apt only for missing ones.
# shellcheck shell=bash

# What builds hoptrail, and plays the demo.
install_tools() {
    local missing=()
    command -v cc >/dev/null || missing+=(build-essential)
    [ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
    # The system's Python, because apt's modules are for it.
    /usr/bin/python3 -c 'import pika' 2>/dev/null || missing+=(python3-pika)
    [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
    if ! command -v cargo >/dev/null && [ -f "$HOME/.cargo/env" ]; then
        # shellcheck disable=SC1091
        . "$HOME/.cargo/env"
    fi
    command -v cargo >/dev/null || die "cargo is missing: install a Rust toolchain first (rustup, or the distribution's)"
}

# What the tests need besides.
install_test_tools() {
    install_tools
    local missing=()
    # The test of the proxy compares with the packets that it decodes. dumpcap, of the same package, captures them.
    command -v tshark >/dev/null || missing+=(tshark)
    # AMQP 1.0, and certificates to test with.
    /usr/bin/python3 -c 'import proton' 2>/dev/null || missing+=(python3-qpid-proton)
    command -v openssl >/dev/null || missing+=(openssl)
    # The tests run on another day as well.
    command -v faketime >/dev/null || missing+=(faketime)
    [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
}
