#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes what the fuzzers of the client library start from: valid messages, in every kind.

    seeds.py FOLDER      writes FOLDER/client_datagram/* and FOLDER/client_exchange/*"""

import re
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NLMSG_NOOP, NLMSG_ERROR, NLMSG_DONE = 1, 2, 3
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NLMSGERR_ATTR_MSG = 1
CONTROL = 0xFFFFFFFF
OWN_PORTID = 77


def enumerators(name):
    """The numbers of an enum of client_program.hpp."""
    text = (HERE / "client_program.hpp").read_text()
    names = re.search(rf"enum class {name} : std::uint8_t {{([^}}]*)}}", text)[1].split(",")
    return {one.strip(): bytes([number]) for number, one in enumerate(names)}


def padded(data):
    return data + b"\0" * (-len(data) % 4)


def netlink(kind, body, flags=0, seq=0):
    return padded(struct.pack("=IHHII", 16 + len(body), kind, flags, seq, 0) + body)


def message(payload, idx=1, val=2, seq=7, ack=0):
    return netlink(NLMSG_DONE, struct.pack("=IIIIHH", idx, val, seq, ack, len(payload), 0) + payload)


def refusal(errno, seq, sentence=b"", quoted=b""):
    """As the kernel writes it: with the quoted message or without, with a sentence or without."""
    flags = (0 if quoted else NLM_F_CAPPED) | (NLM_F_ACK_TLVS if sentence else 0)
    body = struct.pack("=i", -errno) + struct.pack("=IHHII", 16 + len(quoted), NLMSG_DONE, 0, seq, 0) + padded(quoted)
    if sentence:
        body += padded(struct.pack("=HH", 4 + len(sentence) + 1, NLMSGERR_ATTR_MSG) + sentence + b"\0")
    return netlink(NLMSG_ERROR, body, flags)


def event():
    return message(struct.pack("=HHIII32s", 1, 16, 1, 32, 1, b"echo"), CONTROL, CONTROL)


DATAGRAMS = {
    "message": message(b"hello"),
    "no_payload": message(b""),
    "batch": b"".join(message(b"abcdefgh"[:length], seq=length) for length in range(9)),
    "noop": netlink(NLMSG_NOOP, b"") + message(b"behind it"),
    "acknowledgement": refusal(0, 5),
    "refusal": refusal(19, 6, b"no callback is registered under this id"),
    "quoting_refusal": refusal(19, 6, b"no callback is registered under this id", b"the whole message"),
    "refusal_and_message": refusal(1, 6) + message(b"good"),
    "event": event(),
    "unpadded": message(b"hello")[:-3],
    "cut": message(b"hello")[:30],
}


def exchanges():
    call, found = enumerators("Call"), enumerators("Found")

    def datagram(data, kind="Datagram"):
        return found[kind] + struct.pack("=H", len(data)) + data + b"\0"

    def answer(payload):
        return found["Answer"] + struct.pack("=H", len(payload)) + payload + b"\0"

    def acknowledgement(errno, distance=0):
        return found["Acknowledgement"] + bytes([errno, distance, 0])

    def control(op, records=(), cursor=0):
        return answer(struct.pack("=HHIQ", 1, op, len(records), cursor) + b"".join(records))

    info = struct.pack("=IIIIQQ32s", 28, 1024, 16384, 24, 3, 1, b"0.1.0")
    callback = struct.pack("=IIQIiQQQQQ32s", 32, 1, 1, 0, -1, 5, 0, 0, 5, 0, b"echo")
    counters = struct.pack("=II24Q", 0, 0, *range(24))
    loss = struct.pack("=IIIIQ", OWN_PORTID, 0, 33, 1, 3)
    plain, batches = b"\0", b"\1"
    counted = control(7) + control(3, [counters])
    joined = call["Join"] + b"\x21\0" + counted + control(5)
    receive, request = call["Receive"], call["Request"] + b"\4ping"
    return {
        "request": plain + request + datagram(message(b"another")) + answer(b"pong") + receive,
        "refused": plain + request + acknowledgement(19),
        "silence": plain + request + found["Nothing"],
        "send": plain + call["Send"] + b"\1x\3" + acknowledgement(0) + call["Send"] + b"\1x\1" + receive +
                acknowledgement(1),
        "batch": plain + call["Batch"] + b"\3" + acknowledgement(0) + acknowledgement(19, 1) + acknowledgement(0, 2),
        "info": plain + call["Info"] + control(1, [info]),
        "list": plain + call["List"] + control(2, [callback] * 2, 2) + control(2, [callback]),
        "show": plain + call["Show"] + control(4, [callback]),
        "counters": plain + call["Counters"] + control(3, [counters] * 2),
        "losses": plain + call["Losses"] + control(7, [loss]),
        "join": batches + counted + control(5) + call["Join"] + b"\x21\0" + control(5) + receive + datagram(event()) +
                call["Leave"] + b"\x21\0" + control(6),
        "overrun": plain + joined + receive + datagram(message(b"first")) + receive + found["Overflow"] +
                   datagram(message(b"second")) + found["Nothing"] + control(7, [loss]) + receive + receive,
        "foreign": plain + receive + datagram(message(b"forged"), "Foreign") + datagram(message(b"true")),
        "long": plain + receive + found["Long"] + b"\0\1" + datagram(message(b"whole"))[1:] + receive,
        "signal": plain + receive + found["Signal"] + receive + datagram(DATAGRAMS["batch"]) + receive * 9,
    }


def main():
    if len(sys.argv) != 2:
        sys.exit("cnx: name the folder for the seeds: seeds.py userspace/fuzz/corpus")
    for target, seeds in (("client_datagram", DATAGRAMS), ("client_exchange", exchanges())):
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            (folder / name).write_bytes(data)


main()
