#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes what the fuzzers start from: valid messages in every kind, and short programs of operations.

    seeds.py FOLDER      writes FOLDER/PROGRAM/* for each fuzzer"""

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


def enumerators(name, file="client_program.hpp"):
    """The numbers of an enum of one of the fuzzers."""
    text = (HERE / file).read_text()
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


# What Shortage reads.
PLENTY = b"\0"


def no_memory_after(successes):
    return bytes([0xf0 + successes])


def messages():
    """Datagrams as a program sends them, and as none should."""
    good = message(b"hello", seq=1)
    asking = netlink(NLMSG_DONE, struct.pack("=IIIIHH", 1, 2, 3, 0, 0, 0), flags=5, seq=3)
    return {
        "message": good,
        "no_payload": message(b""),
        "batch": b"".join(message(b"abcdefgh"[:length], seq=length) for length in range(9)),
        "noop": netlink(NLMSG_NOOP, b"") + good,
        "asking": asking + good,
        "largest": message(b"x" * (16384 - 20)),
        "too_large": message(b"x" * (16384 - 19)) + good,
        "padded": netlink(NLMSG_DONE, struct.pack("=IIIIHH", 1, 2, 3, 0, 2, 0) + b"abcd"),
        "lies_about_payload": netlink(NLMSG_DONE, struct.pack("=IIIIHH", 1, 2, 3, 0, 5, 0) + b"abcd") + good,
        "short_body": netlink(NLMSG_DONE, b"abc") + good,
        "length_beyond": good + struct.pack("=IHHII", 4000, NLMSG_DONE, 0, 0, 0) + good,
        "length_below": good + struct.pack("=IHHII", 15, NLMSG_DONE, 0, 0, 0) + good,
        "cut_header": good + b"\x20\0\0\0",
        "unpadded": message(b"hello")[:-3],
    }


def dispatches():
    op = enumerators("Op", "core_dispatcher.cpp")
    atomic, sleepable = 0, 1
    plays, opened = 2, 1

    def register(number, kind=atomic, sender=-1, name=b"name", traits=0, status=0, memory=PLENTY):
        return op["Register"] + struct.pack("=BBbB", number, kind, sender, len(name)) + name + \
            struct.pack("=Bb", traits, status) + memory

    def built(*parts, who=0):
        body = b"".join(struct.pack("=BBBB", traits, number, 7, len(payload)) + payload + more
                        for traits, number, payload, more in parts)
        return op["Build"] + bytes([len(parts)]) + body + bytes([who])

    def sent(number, flags=4, who=0):
        return built((flags, number, b"hello", b""), who=who)

    def dispatch(number, interrupted=False):
        return op["Dispatch"] + b"\2hi" + bytes([number, 1, 0 if interrupted else 1])

    def unregister(*which, during=b"\0", memory=PLENTY):
        return op["Unregister"] + bytes([len(which) - 1, *which]) + memory + during

    def steps(*some):
        return bytes([len(some)]) + b"".join(some)

    def guard(number, *some):
        return op["Guard"] + bytes([number]) + steps(*some)

    check = op["Check"] + b"\0"
    raw = message(b"hello", 1, 1) + message(b"", 3, 3)
    return {
        "exchange": register(5) + sent(5) + sent(6) + dispatch(5) + dispatch(6) + check,
        "datagram": register(5) + op["Receive"] + struct.pack("=H", len(raw)) + raw + b"\0" + check,
        "lies": register(5) + built((4, 5, b"", b""), (4 | 1 << 3, 5, b"", b""), (4 | 3 << 3, 5, b"ab", b"\3"),
                                    (5, 5, b"cd", b""), (4 | 2 << 3, 5, b"", b"\3")) + check,
        "rights": register(5, sender=0) + register(6, sleepable, sender=1, traits=opened) + sent(5, who=1) +
                  sent(6, who=1) + op["Grant"] + struct.pack("=Q", 1) + b"\1" + sent(5, who=1) + sent(6, who=1) +
                  sent(5, who=2) + dispatch(6) + check,
        "failures": register(5, status=-5) + register(6, sleepable, status=-22) + sent(5, 1) + sent(6, 1) + dispatch(5) +
                    check,
        "bad_registrations": register(1, 2) + register(1, sender=42) + register(1, sender=-2) + register(1, name=b"") +
                             register(1, name=b"x" * 32) + register(1, name=b"x" * 31) + register(1) +
                             register(2, traits=0x3f << 2) + register(2, traits=0x3e << 2) + check,
        "sleepable": register(5, sleepable) + sent(5) + dispatch(5) + dispatch(5, interrupted=True) +
                     guard(5, dispatch(5)) + unregister(0) + check,
        "from_inside": register(5, sleepable, traits=plays) + op["Build"] + b"\1" +
                       struct.pack("=BBBB", 4, 5, 7, 0) + b"\0" +
                       steps(unregister(0), register(6), dispatch(6)) + sent(6) + check,
        "from_inside_atomic": register(5, traits=plays) + op["Dispatch"] + b"\0" + bytes([5, 1, 1]) +
                              steps(unregister(0), dispatch(6)) + check,
        "grace_period": register(5) + register(6, sleepable) + op["Unregister"] + b"\1\0\1" + PLENTY +
                        steps(sent(5), register(5), unregister(0)) + sent(5) + check,
        "removed_twice": register(5) + register(6) + unregister(0, 0) + unregister(0, 1) + check,
        "guarded": register(5) + guard(5, dispatch(5), unregister(0), dispatch(5)) + unregister(0) + guard(5) + check,
        "no_memory": b"".join(register(number, memory=no_memory_after(number)) for number in range(8)) + register(5) +
                     unregister(0, memory=no_memory_after(0)) + check,
        "crowd": b"".join(register(number, number % 2, traits=number % 2) for number in range(16)) +
                 b"".join(sent(number) for number in range(16)) + check +
                 b"".join(unregister(0) for _ in range(14)) + check,
        "cpus": register(5) + b"".join(op["Move"] + bytes([cpu]) + sent(5) for cpu in range(3)) + check,
    }


def controls():
    op = enumerators("Op", "core_control.cpp")
    order = ["info", "list", "counters", "show", "subscribe", "unsubscribe", "losses", "none", "event", "beyond"]

    def answered(who=0, room=None, memory=PLENTY):
        return bytes([who]) + (b"\0" if room is None else b"\1" + struct.pack("=H", room)) + memory

    def ask(what, count=0, number=0, cursor=0, val0=False, **how):
        """By a number that adds nothing odd: a multiple of 3 where the id's second half is to be 0, and not of 7."""
        odd = next(odd for odd in range(order.index(what), 0xc0, 10) if (odd % 3 == 0) == val0 and odd % 7 != 0)
        return op["Ask"] + bytes([odd, count, number, cursor]) + answered(**how)

    def raw(data):
        return op["AskBytes"] + bytes([len(data)]) + data + answered()

    def register(number, opened=0, memory=PLENTY):
        return op["Register"] + bytes([number, opened]) + memory

    def lose(portid, number, count, memory=PLENTY):
        return op["Lose"] + bytes([portid, number, count]) + memory

    def subscribe(group, who, flags=0, **how):
        return ask("subscribe", flags, group, val0=True, who=who, **how)

    some = b"".join(register(number, number % 2) for number in range(5))
    count = b"".join(op["Count"] + bytes([number]) for number in range(8))
    check = op["Check"]
    stranger = 0x80
    return {
        "info": some + ask("info") + ask("info", room=20),
        "list": some + ask("list") + ask("list", 2) + ask("list", 2, cursor=2) + ask("list", cursor=9) +
                ask("list", room=200) + ask("list", room=30),
        "counters": some + count + op["Move"] + b"\1" + count + ask("counters") + ask("counters", 1, cursor=1) +
                    ask("counters", cursor=3) + ask("counters", room=300),
        "show": some + ask("show", number=1) + ask("show", number=30) + ask("show", number=1, room=40),
        "subscribe": some + subscribe(1, 1) + subscribe(1, 1) + subscribe(1, 2, 1) + subscribe(1, 0) + check +
                     ask("unsubscribe", number=1, val0=True, who=1) + ask("unsubscribe", number=1, val0=True, who=1) +
                     subscribe(0, 3) + subscribe(0, 3, 1) + subscribe(2, 3, 2) + ask("subscribe", number=5, who=4) +
                     subscribe(2, 4, memory=no_memory_after(0)) + check,
        "rights": register(1, 1) + register(2) + register(5) + subscribe(1, stranger | 1) + subscribe(2, stranger | 2) +
                  subscribe(3, stranger | 3) + ask("losses", number=2, val0=True, who=stranger | 1) + check,
        "losses": lose(1, 5, 3) + lose(2, 5, 4) + lose(1, 6, 5) + lose(1, 5, 6) + lose(3, 3, 1, no_memory_after(0)) +
                  ask("losses", val0=True) + ask("losses", number=1, val0=True, who=1) +
                  ask("losses", 1, val0=True) + ask("losses", number=4, who=1) + ask("losses", val0=True, room=20) +
                  ask("losses", cursor=1, val0=True),
        "closing": some + subscribe(1, 1) + subscribe(2, 1) + subscribe(1, 2) + lose(1, 5, 3) + lose(2, 5, 3) +
                   op["Close"] + b"\0\1" + subscribe(1, 1)[1:] + PLENTY + check + op["Close"] + b"\0\0" + PLENTY +
                   op["Close"] + b"\1\0" + no_memory_after(0) + check,
        "bounds": b"".join(op["Crowd"] + bytes([portid, 3]) + PLENTY for portid in (1, 2, 2, 3, 4)) + check,
        "unregister": some + ask("list", 2) + op["Unregister"] + b"\2" + op["Unregister"] + b"\2" + ask("list", 2) + check,
        # What a page that holds nothing said of the next one was that there is none.
        "page_without_room": some + lose(1, 5, 3) + ask("list", room=30) + ask("counters", room=30) +
                             ask("losses", val0=True, room=30),
        "odd_ops": ask("none") + ask("event") + ask("beyond"),
        "bytes": raw(b"") + raw(struct.pack("=HHIIIQ", 1, 1, 0, 0, 0, 0)) + raw(struct.pack("=HHIIIQ", 2, 1, 0, 0, 0, 0)) +
                 raw(struct.pack("=HHIIIQ", 1, 2, 2**32 - 1, 2**32 - 1, 2**32 - 1, 2**64 - 1)) + raw(b"\1" * 23),
        # 0xe1: a cursor of eight bytes; 0xe9: and a group of four; 0xf3: and another version.
        "far_numbers": some + op["Ask"] + b"\xe1\0\0\0" + b"\xff" * 8 + answered() +
                       op["Ask"] + b"\xea\0\0\0" + b"\xff" * 8 + b"\xff" * 4 + answered() +
                       op["Ask"] + b"\xf3\0\0\0" + b"\7\7" + b"\0" * 12 + answered(),
    }


def tables():
    op = enumerators("Op", "core_table.cpp")
    one_home, last_home, one_tag, far = 0, 1 << 14, 2 << 14, 3 << 14

    def key(number):
        return struct.pack("=H", number)

    def insert(number, memory=PLENTY):
        return op["Insert"] + key(number) + memory

    def many(number, count):
        return op["InsertMany"] + key(number) + bytes([count]) + PLENTY * count

    def erase(number, exactly=True):
        return op["Erase"] + key(number) + (b"\0" if exactly else b"\1")

    recycle = op["Recycle"] + b"\0" + PLENTY
    find_all = op["FindAll"]
    return {
        "come_and_go": insert(far + 1) + insert(far + 1) + op["Find"] + key(far + 1) + op["Find"] + key(far + 2) +
                       erase(far + 1) + erase(far + 1) + find_all + recycle + find_all,
        "one_home": b"".join(insert(one_home + 8 * number) for number in range(20)) + find_all +
                    b"".join(erase(one_home + 8 * number) + recycle for number in range(20)) + find_all,
        "around_the_end": b"".join(insert(last_home + 128 * number) for number in range(20)) + find_all +
                          erase(last_home) + recycle + find_all,
        "one_tag": b"".join(insert(one_tag + 8 * number) for number in range(20)) + find_all,
        "grow_and_shrink": many(far, 63) + many(far + 100, 63) + find_all +
                           b"".join(erase(far, False) + recycle for _ in range(126)) + find_all,
        "leaving_fills": b"".join(insert(far + number) + erase(far + number) for number in range(40)) + find_all +
                         recycle * 40,
        "held": insert(far + 1) + op["Open"] + key(far + 1) + erase(far + 1) + many(far + 10, 30) + recycle + op["Open"] +
                key(far + 1) + op["Close"] * 2 + recycle + find_all,
        "no_memory": insert(far, no_memory_after(0)) + insert(far, no_memory_after(1)) + insert(far) + many(far + 1, 63) +
                     erase(far) + op["Recycle"] + b"\0" + no_memory_after(0) + find_all,
    }


def coalescings():
    op = enumerators("Op", "core_coalescer.cpp")

    def limits(size, most, delay):
        return bytes([size, most - 1, delay])

    def add(to=5, memory=PLENTY, length=None, during=b""):
        return op["Add"] + bytes([to if length is None else to | 0x80]) + \
            (b"" if length is None else struct.pack("=H", length)) + memory + during

    def wait(nanoseconds):
        return op["Wait"] + struct.pack("=H", nanoseconds)

    timer = op["WaitForTimer"]
    during = bytes([2]) + add() + add(6)
    return {
        "by_number": limits(200, 3, 10) + add() * 3 + b"\0" + add(),
        "by_bytes": limits(16, 16, 10) + add() * 4 + b"\0" + add() * 3,
        "by_time": limits(200, 16, 10) + add() + wait(10) + add(6) + wait(2000) + b"\0\0" + add() + timer,
        "large": limits(16, 16, 10) + add() + add(length=4000) + b"\0" + add(),
        "no_buffer_at_all": limits(0, 16, 10) + add() + add(),
        "many_destinations": limits(200, 16, 10) + b"".join(add(to) for to in range(16)) + timer,
        "while_sending": limits(200, 1, 10) + add(during=during) + timer,
        "queue_full": limits(200, 1, 10) + add(during=bytes([40]) + add() * 40) + add() + timer,
        "queue_full_and_late": limits(200, 2, 1) + add() * 2 + bytes([47]) + (add() * 2) * 20 + add(6) + timer * 4,
        "no_memory": limits(200, 3, 10) + add(memory=b"\xf0") + add() + add(memory=b"\xf0") * 3 + timer,
    }


def magazines():
    op = enumerators("Op", "core_magazines.cpp")

    def of(depth, memory=PLENTY):
        return bytes([depth]) + memory

    take, more = op["Take"], op["WantMore"]

    def give(to=None):
        return op["Give"] + b"\1" if to is None else op["GiveTo"] + bytes([to])

    def many(what, count):
        return op[what] + bytes([count]) + (b"\1" * count if what == "GiveMany" else b"")

    def drain(cpu, most):
        return op["Drain"] + bytes([cpu, most])

    return {
        "none": of(0), "no_memory": of(8, no_memory_after(0)), "deepest": b"\xff\4" + PLENTY + give() + take,
        "beyond": b"\xff\5" + PLENTY,
        "one": of(8) + take + give() + take + take,
        "full": of(8) + many("GiveMany", 9) + many("TakeMany", 9) + give() + take,
        "other_cpus": of(8) + give(1) + b"\1" + give(2) + b"\1" + op["Move"] + b"\1" + take * 2 + give(0) + b"\1",
        "learns": of(39) + more * 3 + many("GiveMany", 39) + many("TakeMany", 39) + drain(0, 255) + more + drain(0, 0),
        "drained": of(20) + many("GiveMany", 20) + drain(0, 5) + take + drain(0, 255) + take,
    }


def main():
    if len(sys.argv) != 2:
        sys.exit("cnx: name the folder for the seeds: seeds.py userspace/fuzz/corpus")
    for target, seeds in (("client_datagram", DATAGRAMS), ("client_exchange", exchanges()), ("core_message", messages()),
                          ("core_dispatcher", dispatches()), ("core_control", controls()), ("core_table", tables()),
                          ("core_coalescer", coalescings()), ("core_magazines", magazines())):
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            (folder / name).write_bytes(data)


main()
