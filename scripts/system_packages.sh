#!/bin/sh
# Install the system packages some tests use, where this machine lets us: a RabbitMQ broker
# and a browser. Never fails, and one that cannot be had is no reason to leave out the other:
# a test that needs a missing program says so itself.
set -u

LOG=.cache/apt.log

# why_not: answer why nothing can be installed here; nothing where it can.
why_not() {
    if [ "$(id -u)" != 0 ]; then
        echo "not root; install it yourself to run the tests that use it"
    elif ! command -v apt-get >/dev/null; then
        echo "no apt-get on this machine"
    fi
}

# install_it NAME PACKAGE...: packages that belong together, under the name of the first.
install_it() {
    reason=$(why_not)
    if [ -z "$reason" ]; then
        { apt_get "$@" || { apt-get update -qq && apt_get "$@"; }; } \
            >>"$LOG" 2>&1 </dev/null && return
        reason="apt-get could not install it, see $LOG"
    fi
    echo "skipped: $1 ($reason)"
}

apt_get() { DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"; }

: >"$LOG"
[ -x /usr/sbin/rabbitmq-server ] || install_it rabbitmq-server
command -v chromium >/dev/null || install_it chromium fonts-liberation
exit 0
