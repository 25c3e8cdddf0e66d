#!/bin/sh
# Starts Pli as Complement wants it. Runs several times over the same files: everything that it writes
# is written anew, but the data.
set -eu

: "${SERVER_NAME:?Complement says what the server is called}"

# Whom the suite's own servers trust.
if [ -e /complement/ca/ca.crt ]; then
    cp /complement/ca/ca.crt /usr/local/share/ca-certificates/complement.crt
    update-ca-certificates >/dev/null 2>&1
fi

mkdir -p /data
cat > /data/pli.toml <<CONFIG
server_name = "$SERVER_NAME"
public_url = "http://$SERVER_NAME:8008"
data_dir = "/data"

[listen]
client = "0.0.0.0:8008"

# Everybody signs up, with passwords that nobody would choose, as often as they like. Nothing here is
# for a server with people on it.
[registration]
mode = "open"
shared_secret = "complement"

[passwords]
min_length = 7
argon2_memory = "1 MiB"
argon2_iterations = 1

[rate_limits]
enabled = false

# The suite names creators in power levels, which version 12 refuses.
[rooms]
default_version = "10"

[directory]
scope = "rooms"

[presence]
enabled = true

# The suite's web servers have addresses of the machine that runs it.
[media.url_previews]
enabled = true
allow_private_addresses = true

[push]
allow_private_addresses = true
allow_plain_http = true

[appservices]
registrations = ["/complement/appservice/*.yaml"]

[mail]
url = "outbox:/data/outbox"

[log]
filter = "warn"
CONFIG

exec pli serve --config /data/pli.toml
