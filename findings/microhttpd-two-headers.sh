#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A server that has no room for a request's headers says 431 once, one would guess. Debian 12's libmicrohttpd 0.9.75 notices
# it for cookies, of which it makes a copy, when all headers are read already; it prepares the answer and then prepares it
# again: the status line and headers come twice, and of the page as many bytes are cut off as Content-Length counts, so a
# client reads a header as the page. What it finds wrong with a header's line comes once.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download libmicrohttpd12=0.9.75-6
dpkg -x libmicrohttpd12_*.deb .
python3 - "$(find . -name 'libmicrohttpd.so.12')" >seen <<'EOF'
import ctypes, socket, sys

lib = ctypes.CDLL(sys.argv[1])
INTERNAL_POLLING_THREAD, BIND_PORT = 8, 6
handler = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 8)(lambda *a: 0)
lib.MHD_start_daemon.restype = lib.MHD_get_daemon_info.restype = ctypes.c_void_p
daemon = ctypes.c_void_p(lib.MHD_start_daemon(INTERNAL_POLLING_THREAD, 0, None, None, handler, None, 0))
info = lib.MHD_get_daemon_info(daemon, BIND_PORT)
port = ctypes.cast(info, ctypes.POINTER(ctypes.c_uint16))[0]

def ask(header):
    s = socket.create_connection(("127.0.0.1", port))
    s.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n" + header + b"\r\n\r\n")
    answer = b"".join(iter(lambda: s.recv(65536), b""))
    return answer.split(b"\r\n")[0].decode(), answer.count(b"HTTP/1.1 431")

print("a header of 40,000 bytes:", *ask(b"X: " + b"a" * 40000), "time")
print("cookies of 20,000 bytes:", *ask(b"Cookie: " + b"a=b; " * 3999 + b"a=bcd"), "times")
EOF
cat seen
diff - seen <<'EOF' || { echo "the behaviour has changed" >&2; exit 1; }
a header of 40,000 bytes: HTTP/1.1 431 Request Header Fields Too Large 1 time
cookies of 20,000 bytes: HTTP/1.1 431 Request Header Fields Too Large 2 times
EOF
