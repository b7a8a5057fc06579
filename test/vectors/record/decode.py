#!/usr/bin/env python3
"""Reads the vectors of this folder by docs/format.md alone, without a line of the program: `decode.py FILE.json...`.
Prints one JSON line a file. A second opinion on the specification, run by test/vectors.test.ts."""
import hashlib
import hmac
import json
import struct
import sys
import zlib

KINDS = ["file", "probe", "stat", "absent", "directory", "symlink", "env", "git", "http"]


class Bad(Exception):
    pass


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise Bad("short")
        self.at += count
        return self.data[self.at - count : self.at]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            if byte == 0 and shift > 0:
                raise Bad("not the shortest form")
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def rest(self):
        return self.take(len(self.data) - self.at)


def inflate(data, size):
    stream = zlib.decompressobj(-15)
    raw = stream.decompress(data, size + 1)
    if len(raw) != size or not stream.eof:
        raise Bad("inflated size")
    return raw


def record(data):
    r = Reader(data)
    if r.take(3) != b"FGR":
        raise Bad("magic")
    version = r.take(1)[0]
    if version != 1:
        return {"expect": "newer"}
    header_raw, header_packed, columns_raw, columns_packed = (r.varint() for _ in range(4))
    header = json.loads(inflate(r.take(header_packed), header_raw).decode("utf-8"))
    columns = Reader(inflate(r.take(columns_packed), columns_raw))
    digests = Reader(r.rest())
    count = columns.varint()
    templates, programs = ([columns.take(columns.varint()) for _ in range(columns.varint())] for _ in range(2))
    kinds = columns.take(count)
    value_ids = [columns.varint() for _ in range(count)]
    program_ids = [columns.varint() for _ in range(count)]
    values = []
    for value_id in value_ids:
        shape, prefix = templates[value_id][0], templates[value_id][1:].decode("utf-8")
        if shape == 0:
            values.append(prefix)
        elif shape == 3:
            values.append(prefix + str(columns.varint()))
        else:
            values.append(prefix + digests.take({1: 20, 2: 32}[shape]).hex())
    text = columns.rest().decode("utf-8")
    keys = text.split("\0") if count else []
    if digests.rest() or len(keys) != count:
        raise Bad("columns")
    known = {
        "input-modified", "untraced-network", "untraced-process", "events-lost", "opaque-service", "io-uring",
        "privileged-job", "partial-run", "event-read", "side-effect", "too-large", "foreign-definition",
        "no-observer", "unresolved", "unresolved-path", "git-head-used", "secret-output",
    }
    gaps = header.pop("gaps")
    if any(gap["kind"] not in known for gap in gaps):
        raise Bad("gaps")
    observations = [
        {"kind": KINDS[kinds[i]], "key": keys[i], "value": values[i], "by": programs[program_ids[i]].decode("utf-8")}
        for i in range(count)
    ]
    return {"expect": "record", "record": {**header, "trace": {"observations": observations, "gaps": gaps}}}


def output_log(data):
    r = Reader(data)
    if r.take(4) != b"FGO\x01":
        raise Bad("magic")
    chunks = []
    while r.at < len(data):
        tag, size = struct.unpack("<BI", r.take(5))
        chunks.append([{1: "stdout", 2: "stderr"}[tag], r.take(size).decode("utf-8")])
    return {"expect": "chunks", "chunks": chunks}


def entry(body):
    kind, low, high = body[4], *struct.unpack("<IH", body[8:14])
    digests = ["sha256:" + body[at : at + 32].hex() for at in (16, 48, 80)]
    found = dict(zip(("pathSet", "strong", "record"), digests), recordedAt=low + (high << 32))
    return {**found, "disowned": True} if kind == 1 else found


def log(data, key, weak):
    def mac(kind, covered):
        return hmac.new(key, b"foregone/record-" + kind + b"/v1\0" + weak.encode() + b"\0" + covered, hashlib.sha256).digest()

    def is_line(at):
        line = data[at : at + 128]
        return len(line) == 128 and line[:4] == b"FGL\x01" and mac(b"line", line[:112])[:16] == line[112:]

    entries, at, torn, forged = [], 0, 0, 0
    if data[:4] == b"FGB\x01":
        end = 16 + 112 * struct.unpack("<I", data[4:8])[0]
        if mac(b"block", data[:end]) == data[end : end + 32]:
            entries = [entry(data[i : i + 112]) for i in range(16, end, 112)]
            at = end + 32
    while at < len(data):
        if is_line(at):
            entries.append(entry(data[at : at + 112]))
            at += 128
            continue
        start = at
        while at < len(data) and not is_line(at):
            at += 1
        torn, forged = (torn + 1, forged) if at - start < 128 else (torn, forged + max(1, (at - start) // 128))
    return {"expect": "entries", "entries": entries, "torn": torn, "forged": forged}


def witness(data, key, digest):
    covered, tag = data[:-32], data[-32:]
    magic, count = struct.unpack("<4sI", covered[:8])
    if hmac.new(key, covered, hashlib.sha256).digest() != tag or magic != b"FGW\x01":
        raise Bad("mac")
    if covered[8:40].hex() != digest.split(":")[1] or len(covered) != 48 + 40 * count:
        raise Bad("record")
    rows = [struct.unpack("<5q", covered[48 + 40 * i : 88 + 40 * i]) for i in range(count)]
    names = ("ino", "ctimeNs", "mtimeNs", "sizeBytes", "dev")
    return {"expect": "rows", "rows": [dict(zip(names, map(str, row))) if row[0] else None for row in rows]}


for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        vector = json.load(file)
    data, name = bytes.fromhex("".join(vector["hex"])), path.rsplit("/", 1)[-1]
    try:
        if name.startswith("record-"):
            answer = record(data)
        elif name.startswith("output-log"):
            answer = output_log(data)
        elif name.startswith("log-"):
            answer = log(data, bytes.fromhex(vector["key"]), vector["weak"])
        else:
            answer = witness(data, bytes.fromhex(vector["key"]), vector["record"])
    except (Bad, KeyError, IndexError, ValueError, zlib.error):
        answer = {"expect": "corrupt"}
    print(json.dumps({"file": name, **answer}))
