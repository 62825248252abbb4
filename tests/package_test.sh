#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# package_test.sh BUILD: makes the Debian packages of what is built, looks at what they hold and ask for, and installs,
# removes and purges them in a folder that is a system of its own.
set -eu
build=$(realpath "$1")
for tool in cpack dpkg-shlibdeps file gzip; do
  command -v $tool >/dev/null || { echo "no $tool here" && exit 77; }
done
. tests/support/shell.sh

(cd "$build" && cpack -B "$work/made" -D CPACK_DEBIAN_COMPRESSION_TYPE=none -D CPACK_STRIP_FILES=OFF) >"$work/log" 2>&1 ||
  fail "cpack: $(cat "$work/log")"
for package in infuse libinfuse0 libinfuse-dev; do
  dpkg-deb -c "$work"/made/${package}_*.deb | awk -v p=$package '!/\/$/ { print p, $1, $2, $6 }'
done | sed 's/targets-[a-z]*/targets-TYPE/; s/0\.[0-9]*\.[0-9]*$/0.VERSION/; s/[a-z]*\.h$/*.h/' | LC_ALL=C sort -u >"$work/files"
diff - "$work/files" <<'END' || fail "the packages hold other files than this test knows of"
infuse -rw------- root/root ./etc/infuse/serve.env
infuse -rw-r--r-- root/root ./usr/lib/systemd/system/infuse.service
infuse -rw-r--r-- root/root ./usr/share/doc/infuse/changelog.Debian.gz
infuse -rw-r--r-- root/root ./usr/share/doc/infuse/copyright
infuse -rw-r--r-- root/root ./usr/share/lintian/overrides/infuse
infuse -rw-r--r-- root/root ./usr/share/man/man1/infuse.1.gz
infuse -rwxr-xr-x root/root ./usr/bin/infuse
libinfuse-dev -rw-r--r-- root/root ./usr/include/infuse/*.h
libinfuse-dev -rw-r--r-- root/root ./usr/lib/cmake/infuse/infuse-config-version.cmake
libinfuse-dev -rw-r--r-- root/root ./usr/lib/cmake/infuse/infuse-config.cmake
libinfuse-dev -rw-r--r-- root/root ./usr/lib/cmake/infuse/infuse-targets-TYPE.cmake
libinfuse-dev -rw-r--r-- root/root ./usr/lib/cmake/infuse/infuse-targets.cmake
libinfuse-dev -rw-r--r-- root/root ./usr/lib/libinfuse.a
libinfuse-dev -rw-r--r-- root/root ./usr/lib/pkgconfig/infuse.pc
libinfuse-dev -rw-r--r-- root/root ./usr/share/doc/libinfuse-dev/changelog.Debian.gz
libinfuse-dev -rw-r--r-- root/root ./usr/share/doc/libinfuse-dev/copyright
libinfuse-dev lrwxrwxrwx root/root ./usr/lib/libinfuse.so
libinfuse0 -rw-r--r-- root/root ./usr/lib/libinfuse.so.0.VERSION
libinfuse0 -rw-r--r-- root/root ./usr/share/doc/libinfuse0/changelog.Debian.gz
libinfuse0 -rw-r--r-- root/root ./usr/share/doc/libinfuse0/copyright
libinfuse0 lrwxrwxrwx root/root ./usr/lib/libinfuse.so.0
END

asks() { dpkg-deb -f "$work"/made/"$1"_*.deb Depends; }
for library in libjansson4 libmicrohttpd12 libpcre2-8-0 libutf8proc2 libhwloc15; do
  asks infuse | grep -q "$library (>= " || fail "infuse depends on: $(asks infuse)"
done
dpkg-deb -f "$work"/made/infuse_*.deb Suggests | grep -qx libzmq5
dpkg-deb -f "$work"/made/infuse_*.deb Recommends | grep -qx 'libcurl3-gnutls | libcurl4'
! asks infuse | grep -q curl || fail "infuse depends on: $(asks infuse)"
! asks libinfuse0 | grep -q microhttpd || fail "libinfuse0 depends on: $(asks libinfuse0)"
asks libinfuse-dev | grep -qx 'libinfuse0 (= .*)'

# The folder's own list of packages has none of Debian's, so what they depend on is forced; as it has no shell either,
# scripts run here, and are told by DPKG_ROOT to leave this system alone.
root=$work/root
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/var/cache/infuse/kept"
: >"$root/var/lib/dpkg/status"
run() {
  PATH=$PATH:/usr/sbin:/sbin dpkg --root="$root" --log=/dev/null --force-depends --force-not-root --force-script-chrootless "$@" >"$work/log" 2>&1 ||
    fail "dpkg $*: $(cat "$work/log")"
}
run -i "$work"/made/*.deb
[ "$("$root/usr/bin/infuse" --version)" = "infuse $(pkg-config --modversion "$root/usr/lib/pkgconfig/infuse.pc")" ]
grep -qx prefix=/usr "$root/usr/lib/pkgconfig/infuse.pc"
unit=$root/usr/lib/systemd/system/infuse.service
grep -q '^ExecStart=/usr/bin/infuse serve ' "$unit"
[ -z "$(find "$root/etc/systemd" 2>/dev/null)" ] || fail "the service starts without being asked to"
if command -v systemd-analyze >/dev/null; then
  sed "s,/usr/bin/infuse,$root&," "$unit" >"$work/infuse.service"
  said=$(systemd-analyze verify --man=no "$work/infuse.service" 2>&1 | grep infuse.service || true)
  [ -z "$said" ] || fail "$said"
fi

echo INFUSE_MODEL=/srv/models/mine >"$root/etc/infuse/serve.env"
run -r infuse
[ ! -e "$root/usr/bin/infuse" ]
grep -q mine "$root/etc/infuse/serve.env" || fail "removing the package loses its configuration"
run -P infuse libinfuse-dev libinfuse0
left=$(find "$root" -not -path "$root/var/lib/dpkg*" -type f -o -name '*infuse*')
[ -z "$left" ] || fail "purged packages leave $left"
