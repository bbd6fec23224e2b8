#!/bin/sh
# Install the system packages some tests use, where this machine lets us. Never fails: a
# test that needs a missing program says so itself.
set -u

skip() { echo "skipped: rabbitmq-server ($1)"; exit 0; }

[ -x /usr/sbin/rabbitmq-server ] && exit 0
[ "$(id -u)" = 0 ] || skip "not root; install it yourself to run the RabbitMQ tests"
command -v apt-get >/dev/null || skip "no apt-get on this machine"
export DEBIAN_FRONTEND=noninteractive
install_it() { apt-get install -qq -y --no-install-recommends rabbitmq-server; }
{ install_it || { apt-get update -qq && install_it; }; } >.cache/apt.log 2>&1 </dev/null \
    || skip "apt-get could not install it, see .cache/apt.log"
