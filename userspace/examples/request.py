#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Asks the driver behind an id something and prints its answer: request.py [IDX VAL [TEXT]]"""
import ctypes
import sys
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint16, c_uint32, c_void_p


class Id(ctypes.Structure):
    _fields_ = [("idx", c_uint32), ("val", c_uint32)]


class Message(ctypes.Structure):
    _fields_ = [("id", Id), ("seq", c_uint32), ("ack", c_uint32), ("flags", c_uint16), ("group", c_uint32),
                ("payload", c_void_p), ("length", c_size_t)]


cnx = ctypes.CDLL("libcnx.so.0")
cnx.cnx_client_open.argtypes = [POINTER(c_void_p), c_void_p]
cnx.cnx_client_close.argtypes = [c_void_p]
cnx.cnx_client_request.argtypes = [c_void_p, POINTER(Message), c_int, POINTER(Message)]
cnx.cnx_client_error.restype = c_char_p


def checked(status):
    """What a function of the library returned, or its failure as Python has failures."""
    if status < 0:
        raise OSError(-status, cnx.cnx_client_error().decode())
    return status


class Client:
    def __enter__(self):
        self.handle = c_void_p()
        checked(cnx.cnx_client_open(byref(self.handle), None))
        return self

    def __exit__(self, *_):
        cnx.cnx_client_close(self.handle)

    def request(self, idx, val, payload, timeout_ms=5000):
        question = Message(id=Id(idx, val), length=len(payload))
        question.payload = ctypes.cast(payload, c_void_p)
        reply = Message()
        checked(cnx.cnx_client_request(self.handle, byref(question), timeout_ms, byref(reply)))
        # Copied, because the reply's bytes are the library's until the next request.
        return ctypes.string_at(reply.payload, reply.length)


if __name__ == "__main__":
    idx, val, text = sys.argv[1:] + ["32", "1", "hello"][len(sys.argv) - 1:]
    try:
        with Client() as client:
            print(client.request(int(idx, 0), int(val, 0), text.encode()).decode())
    except OSError as error:
        sys.exit(f"request.py: {error.strerror}")
