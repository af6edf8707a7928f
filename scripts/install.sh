#!/usr/bin/env bash
# Installs a built sn1 below PREFIX: the binary, beside it the libraries that it takes from this
# checkout, units for systemd that start it, and sample settings. What is installed needs the checkout
# no more. With --remove it takes all of that away. DESTDIR goes before every path, for packagers.
#
#     PREFIX=/usr/local scripts/install.sh target/release/sn1
set -euo pipefail
prefix=${PREFIX:-/usr/local}
root=${DESTDIR:-}$prefix
units=(sn1-miner.service sn1-validator.service)

remove() {
    rm -rf "$root/lib/sn1" "$root/share/sn1"
    rm -f "$root/bin/sn1" "${units[@]/#/$root/lib/systemd/system/}"
}

if [[ ${1:-} == --remove ]]; then
    remove
    exit
fi
binary=$(realpath "$1")
cd "$(dirname "$(realpath "$0")")/.."

found=$(ldd "$binary")
if grep 'not found' <<<"$found" >&2; then
    echo "error: $binary lacks these libraries: run \`make libtorch\`, and build it in this checkout" >&2
    exit 1
fi
remove
install -D -m 755 "$binary" "$root/bin/sn1"
# Where the run path of the binary looks: $ORIGIN/../lib/sn1.
here=$(realpath third_party 2>/dev/null || echo none)
while read -r library; do
    path=$(realpath "$library")
    [[ $path != "$here"/* ]] || install -D -m 644 "$path" "$root/lib/sn1/$(basename "$library")"
done < <(awk '$2 == "=>" { print $3 }' <<<"$found")
for unit in "${units[@]}"; do
    install -D -m 644 <(sed "s|/usr/local/|$prefix/|" "config/$unit") "$root/lib/systemd/system/$unit"
done
install -D -m 644 -t "$root/share/sn1" config/*.toml config/prometheus.yml
env -i "$root/bin/sn1" --version
