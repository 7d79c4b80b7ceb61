#!/usr/bin/env bash
# Builds deploy/Dockerfile and runs docker-compose.yml for real, on a machine that reaches no image registry: what the images are
# made from comes from debootstrap.
#
#   deploy/tests/containers.sh          builds, starts, lets a call's signals pass at one URL while gateways stop, and ends it all
#
# It also starts deploy/systemd/switchboard.service under a systemd of its own, in a container.
#
# Needs root; podman, buildah, runc, iptables, debootstrap, curl and pip (Debian: apt-get install podman buildah runc iptables
# debootstrap curl python3-pip); the Rust toolchain; ports 8080 and 9090 of the loopback address; and, the first time, a mirror of
# Debian, crates.io and PyPI. Takes 15 minutes the first time, 3 later.
# Stays on the machine: images, in podman's store, and target/containers.
#
# In the place of the images that the files name are others, under the same names: a Debian 13 with Rust for `BUILDER`, a bare one
# for `RUNTIME`, and Debian's valkey, haproxy and prometheus. There is none for Grafana.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "$0 makes root file systems and containers: run it as root" >&2; exit 1; }
for program in podman buildah runc iptables debootstrap curl python3 cargo; do
  command -v "$program" >/dev/null || { echo "$0 needs $program: see its head" >&2; exit 1; }
done
cd "$here"
folder=$here/target/containers
mkdir -p "$folder"

# What this machine allows: runc, and no more open files than it may have itself.
cat > "$folder/containers.conf" <<END
[engine]
runtime = "runc"
[containers]
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=10000:10000"]
END
export CONTAINERS_CONF=$folder/containers.conf

say() { printf '\n=== %s\n' "$*"; }

# A root file system of Debian 13, and in it what its image is to have.
debian() { # name of the image, packages
  podman image exists "$1" && return
  say "image $1"
  [ -e "$folder/trixie/done" ] || {
    rm -rf "$folder/trixie"
    debootstrap --variant=minbase --include=ca-certificates trixie "$folder/trixie" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} >"$folder/debootstrap.log"
    # Nothing is started in there.
    printf '#!/bin/sh\nexit 101\n' > "$folder/trixie/usr/sbin/policy-rc.d"
    chmod +x "$folder/trixie/usr/sbin/policy-rc.d"
    touch "$folder/trixie/done"
  }
  local container root
  container=$(buildah from scratch)
  root=$(buildah mount "$container")
  cp -a "$folder/trixie/." "$root"
  # How this machine reaches the network, whatever its way is.
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  if [ $# -gt 1 ]; then
    chroot "$root" sh -c "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends ${*:2}" >"$folder/apt.log" 2>&1
  fi
  # Debian's haproxy and prometheus are told where; the official ones know.
  mkdir -p "$root/usr/local/rust" "$root/usr/local/cargo" "$root/prometheus"
  chown 65534:65534 "$root/prometheus"
  buildah umount "$container" >/dev/null
  buildah config --env PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin --env CARGO_HOME=/usr/local/cargo "$container"
  buildah commit -q "$container" "$1" >/dev/null
  buildah rm "$container" >/dev/null
}

# The same under the name that docker-compose.yml has for it, with the command and the user that it starts as.
stand_in() { # name in docker-compose.yml, user, command
  local container
  container=$(buildah from localhost/switchboard-services)
  buildah config --entrypoint '[]' --user "$2" --cmd "$3" "$container" 2>/dev/null
  buildah commit -q "$container" "$1" >/dev/null
  buildah rm "$container" >/dev/null
}

image_of() { awk -v service="  $1:" '$0 == service {found = 1} found && $1 == "image:" {print $2; exit}' docker-compose.yml; }

debian localhost/switchboard-builder gcc libc6-dev
debian localhost/switchboard-runtime
debian localhost/switchboard-services valkey-server haproxy prometheus
debian localhost/switchboard-systemd systemd valkey-server curl
stand_in "docker.io/$(image_of redis)" 999:1000 valkey-server
stand_in "docker.io/library/$(image_of balancer)" 99:99 "haproxy -W -db -f /usr/local/etc/haproxy/haproxy.cfg"
stand_in "docker.io/$(image_of prometheus)" 65534:65534 "prometheus --config.file=/etc/prometheus/prometheus.yml --storage.tsdb.path=/prometheus"

say "the image of deploy/Dockerfile"
buildah build --isolation chroot --format docker --layers --file deploy/Dockerfile --tag localhost/switchboard:local \
  --build-arg BUILDER=localhost/switchboard-builder --build-arg RUNTIME=localhost/switchboard-runtime \
  --volume "$(rustc --print sysroot):/usr/local/rust:ro" .

compose() {
  PYTHONPATH=$folder/python python3 -m podman_compose --profile observability -f docker-compose.yml -f "$folder/here.yml" "$@" 2>"$folder/compose.log"
}
end() {
  podman rm --force --time 1 switchboard-alone switchboard-systemd >/dev/null 2>&1 || true
  compose down --volumes >/dev/null || true
}
trap end EXIT
last_word() { podman logs "$1" 2>&1 | grep --only-matching '"stopped: [^"]*"' | tail -1; }
quietly() { "$@" >/dev/null 2>&1; } # podman complains of systemd, which is not there

say "one gateway, read-only, as nobody"
quietly podman run --detach --name switchboard-alone --read-only --cap-drop all --env SWITCHBOARD_AUTH__MODE=open localhost/switchboard:local
until quietly podman exec switchboard-alone switchboard healthcheck --ready; do sleep 0.2; done
quietly podman healthcheck run switchboard-alone && echo "its healthcheck says yes"
podman exec switchboard-alone sh -c 'grep -E "^(Uid|CapEff):" /proc/1/status; ! touch /x 2>/dev/null && echo "its files cannot be written"'
quietly podman stop --time 75 switchboard-alone
last_word switchboard-alone
[ "$(podman inspect switchboard-alone --format '{{.State.ExitCode}}')" = 0 ]

say "the systemd unit"
quietly podman run --detach --name switchboard-systemd --privileged --systemd always localhost/switchboard-systemd /lib/systemd/systemd
podman cp switchboard-alone:/usr/local/bin/switchboard "$folder/switchboard"
podman cp "$folder/switchboard" switchboard-systemd:/usr/local/bin/switchboard
podman cp deploy/systemd/switchboard.service switchboard-systemd:/etc/systemd/system/switchboard.service
podman exec --interactive switchboard-systemd bash -euo pipefail <<'END'
  ready() { until curl --silent --fail http://127.0.0.1:8080/readyz; do sleep 0.5; done; echo; }
  until [[ $(systemctl is-system-running) =~ running|degraded ]]; do sleep 0.5; done
  systemctl start valkey-server
  mkdir -p /etc/switchboard
  echo 'drain = {grace_ms = 100, window_ms = 0}' > /etc/switchboard/switchboard.toml
  echo 'SWITCHBOARD_REDIS__URL=redis://localhost:6379' > /etc/switchboard/switchboard.env
  chmod 600 /etc/switchboard/switchboard.env
  systemctl start switchboard && ready
  grep -E "^(Uid|CapEff|NoNewPrivs|Seccomp):" "/proc/$(systemctl show -p MainPID --value switchboard)/status"
  systemctl kill --signal=KILL switchboard
  sleep 0.5; ready; echo "started again after it was killed"
  systemctl stop switchboard
  [ "$(systemctl show -p Result --value switchboard)" = success ]
  journalctl --unit switchboard --no-pager | grep --only-matching "stopped.*" | tail -1
END

say "docker-compose.yml: three gateways, Redis, haproxy, Prometheus"
[ -d "$folder/python/podman_compose-1.6.0.dist-info" ] ||
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$folder/python" podman-compose==1.6.0
# A service with limits of its own does not have the default ones.
limits="{ulimits: {nofile: $(ulimit -Hn), nproc: 10000}}"
printf 'services:\n  gateway-a: %s\n  gateway-b: %s\n  gateway-c: %s\n' "$limits" "$limits" "$limits" > "$folder/here.yml"
compose up --detach --no-build gateway-a gateway-b gateway-c redis balancer prometheus >/dev/null
for gateway in a b c; do
  until quietly podman exec "switchboard_gateway-${gateway}_1" switchboard healthcheck --ready; do sleep 0.5; done
  echo "gateway-$gateway is ready"
done
until curl --silent --fail --output /dev/null http://127.0.0.1:8080/health; do sleep 0.5; done

say "a call at http://127.0.0.1:8080 while gateways stop, one after another"
cargo build --quiet --package switchboard-client --example call
target/debug/examples/call ws://127.0.0.1:8080 100 & call=$!
for gateway in a b; do
  compose stop "gateway-$gateway" >/dev/null
  last_word "switchboard_gateway-${gateway}_1"
  [ "$(podman inspect "switchboard_gateway-${gateway}_1" --format '{{.State.ExitCode}}')" = 0 ]
  compose start "gateway-$gateway" >/dev/null
  until quietly podman exec "switchboard_gateway-${gateway}_1" switchboard healthcheck --ready; do sleep 0.5; done
done
wait "$call"

say "what Prometheus has seen"
ask() { curl --silent --fail --get http://127.0.0.1:9090/api/v1/query --data-urlencode "query=$1"; }
drained=$(ask 'count(max_over_time(switchboard_drain_share[5m]) == 1)')
rules=$(curl --silent --fail http://127.0.0.1:9090/api/v1/rules | grep -o '"name":"Switchboard' | wc -l)
echo "$drained; $rules alerts"
[[ $drained == *'"2"'* && $rules -gt 20 ]]
say "all of it worked"
