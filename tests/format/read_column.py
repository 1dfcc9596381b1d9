#!/usr/bin/env python3
"""A second reader of columns, written from docs/format/column.md alone and as plainly as can be: bit by bit, with
Python's integers, and exact fractions where doubles come from integers.

    read_column.py times|values FILE    columns one behind the other: a line each, its elements as 64 bits in hexadecimal
    read_column.py example DOCUMENT     the values of the document's example
"""
import re
import struct
import sys
from fractions import Fraction

MASK = (1 << 64) - 1
TIME, INTEGER, MULTIPLE, DECIMAL, BITS, ROTATED = range(6)
CONSTANT, PROGRESSION, FRAME, DELTA, DELTA2 = range(5)


class Damaged(Exception):
    pass


def check(ok, what):
    if not ok:
        raise Damaged(what)


class Bytes:
    """What is left to read."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def take(self, n):
        check(self.at + n <= len(self.data), "it ends early")
        self.at += n
        return self.data[self.at - n:self.at]

    def byte(self):
        return self.take(1)[0]

    def varint(self):
        x = 0
        for i in range(10):
            b = self.byte()
            x |= (b & 127) << 7 * i
            if b < 128:
                check(x <= MASK, "a number of more than 64 bits")
                return x
        raise Damaged("a number of more than ten bytes")

    def folded(self):
        z = self.varint()
        return -(z + 1) // 2 if z % 2 else z // 2

    def u64(self):
        return int.from_bytes(self.take(8), "little")

    def u16(self):
        return int.from_bytes(self.take(2), "little")

    def bits(self, w, n):
        data = self.take((n * w + 7) // 8)
        bit = [data[k // 8] >> k % 8 & 1 for k in range(n * w)]
        check(all(data[k // 8] >> k % 8 & 1 == 0 for k in range(n * w, len(data) * 8)), "bits behind the last number")
        return [sum(b << k for k, b in enumerate(bit[i * w:(i + 1) * w])) for i in range(n)]


def signed(x):
    x &= MASK
    return x - (1 << 64) if x >> 63 else x


def double_bits(v):
    return struct.unpack("<Q", struct.pack("<d", v))[0]


def element(map_, scale, x):
    x &= MASK
    if map_ == ROTATED:
        return x >> 1 | (x & 1) << 63
    if map_ in (TIME, BITS):
        return x
    v = float(Fraction(signed(x)))  # to the nearest, even when halfway
    if map_ == MULTIPLE:
        v = float(Fraction(v) * scale)
    if map_ == DECIMAL:
        v = float(Fraction(v) / 10 ** scale)
    return double_bits(v)


def read_block(b, form, n):
    """The integers of a block, and its raw elements by index."""
    head = b.byte()
    w = head & 63
    check(w <= 58, "a width that is none")
    w = 64 if w == 58 else w
    sparse, near_count, far_count, raw_count = head & 64, 0, 0, 0
    check(not sparse or form == DELTA, "a sparse block of another form")
    if head & 128:
        near_count = b.byte()
        if near_count & 128:
            far_count, raw_count = b.byte(), b.byte()
        near_count &= 127
    check(raw_count <= 128 and (w < 64 or near_count + far_count == 0), "counts of patches")
    base = b.folded() << max(w - 4, 0)
    start = b.folded() << w if form in (DELTA, DELTA2) else 0
    if w == 64:
        start = 0
    start2 = b.folded() if form == DELTA2 else 0
    stored = list(range(n))
    if sparse:
        bitmap = b.take((n + 7) // 8)
        stored = [i for i in range(n) if bitmap[i // 8] >> i % 8 & 1]
    packed = b.bits(w, len(stored))
    patched = set()

    def patch(i, by):
        check(i < len(packed) and i not in patched, "the index of a patch")
        patched.add(i)
        packed[i] += by << w
    for p in b.take(near_count):
        patch(p & 127, -1 if p & 128 else 1)
    for i in list(b.take(far_count)):
        patch(i, 0)
        packed[i] += b.folded() << w
    raw_at = b.take(raw_count)
    check(all(i < n for i in raw_at), "the index of a raw element")
    raw = {i: b.u64() for i in raw_at}

    d = [0] * n
    for i, p in zip(stored, packed):
        d[i] = p + base
    return integers(form, d, start - base if form == DELTA else start, start2), raw


def integers(form, d, start, start2):
    if form == FRAME:
        return d
    sums = [start + sum(d[:i + 1]) for i in range(len(d))]
    return sums if form == DELTA else [start2 + sum(sums[:i + 1]) for i in range(len(d))]


def read_column(data, at):
    """Its elements as 64 bits, whether they are times, and where it ends."""
    b = Bytes(data, at)
    encoding = b.byte()
    map_, form = encoding >> 4, encoding & 15
    check(map_ <= ROTATED and form <= DELTA2, "an encoding that is none")
    n = b.varint() + 1
    check(n <= 65536, "too many elements")
    scale = b.varint() if map_ in (MULTIPLE, DECIMAL) else 1
    check(1 <= scale <= (18 if map_ == DECIMAL else 1 << 53), "the scale")
    first = b.u64() if map_ in (BITS, ROTATED) else b.folded()
    step = b.folded() if form in (PROGRESSION, FRAME) else 0
    if form in (CONSTANT, PROGRESSION):
        return [element(map_, scale, first + i * step) for i in range(n)], map_ == TIME, b.at
    sizes = [b.u16() for _ in range((n + 1023) // 1024)]
    body, out = b.at, []
    for g, size in enumerate(sizes):
        check(b.at == body + sum(sizes[:g]), "a group is not where the directory has it")
        for i in range(g * 1024, min(n, (g + 1) * 1024), 128):
            x, raw = read_block(b, form, min(128, n - i))
            elements = [element(map_, scale, first + x[k] + (i + k) * step) for k in range(len(x))]
            for k, bits in raw.items():
                elements[k] = bits
            out += elements
    check(b.at == body + sum(sizes), "the last group does not end where the directory has it")
    return out, map_ == TIME, b.at


def main():
    what, name = sys.argv[1:]
    if what == "example":
        text = open(name).read().split("## Example")[1]
        data = bytes.fromhex("".join(re.findall(r"(?m)^\| `([0-9a-f ]+)` \|", text)))
        out, _, end = read_column(data, 0)
        check(end == len(data), "the example is longer than its column")
        print(*("%016x" % x if x >> 52 & 2047 == 2047 else struct.unpack("<d", struct.pack("<Q", x))[0] for x in out))
        return
    data, at = open(name, "rb").read(), 0
    while at < len(data):
        out, times, at = read_column(data, at)
        check(times == (what == "times"), "times and values are mixed up")
        print(*("%016x" % x for x in out))


if __name__ == "__main__":
    main()
