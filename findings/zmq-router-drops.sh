#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A ROUTER of ZeroMQ (pyzmq 27.1.0) answers one request by 10,000 messages, as vLLM's replay of KV events does, all by sends that
# may wait; who asked begins to read two seconds later. One would guess that a send which may wait waits when the queue to its
# reader is full, as those of DEALER and PUSH do. A ROUTER's says that all went well and drops: some thousands come (1,000 of
# each side's queue, and what the sockets between hold), and the last one, by which the end would be known, does not. With
# ROUTER_MANDATORY, whose name and first line in the manual are about receivers that are unknown, it waits, and all come.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q pyzmq==27.1.0
cat >"$work/replay.py" <<'END'
import sys, threading, zmq
N, END = 10000, b"\xff" * 8
context = zmq.Context()
router = context.socket(zmq.ROUTER)
router.set(zmq.ROUTER_MANDATORY, sys.argv[1] == "mandatory")
port = router.bind_to_random_port("tcp://127.0.0.1")

def serve():
    peer, empty, _ = router.recv_multipart()
    for i in range(N):
        router.send_multipart([peer, empty, i.to_bytes(8, "big"), b"x" * 4000])  # raises nothing
    router.send_multipart([peer, empty, END, b""])

thread = threading.Thread(target=serve, daemon=True)
thread.start()
dealer = context.socket(zmq.DEALER)
dealer.connect(f"tcp://127.0.0.1:{port}")
dealer.send_multipart([b"", bytes(8)])
thread.join(2)
got = []
while dealer.poll(2000):
    got.append(dealer.recv_multipart()[1])
    if got[-1] == END:
        break
thread.join(5)
assert not thread.is_alive()
print(len([g for g in got if g != END]), "of", N, "messages, the end" if END in got else "messages, no end")
context.destroy(linger=0)
END
plain=$("$work/venv/bin/python" "$work/replay.py" plain) mandatory=$("$work/venv/bin/python" "$work/replay.py" mandatory)
echo "a ROUTER as it is:     $plain"
echo "with ROUTER_MANDATORY: $mandatory"
[ "$mandatory" = "10000 of 10000 messages, the end" ]
case $plain in *"no end") ;; *) exit 1 ;; esac
