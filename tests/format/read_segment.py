#!/usr/bin/env python3
"""A second reader of segments and the manifest, written from docs/format/segment.md alone and as plainly as can be. It
checks all that the document promises: checksums (when the xxhash module is there), orders, statistics, lists of series.

    read_segment.py DATA         one line a sample of all segments, as read_head.py has them, not sorted
    read_segment.py DATA list    one line a segment
"""
import json
import os
import re
import struct
import sys

from read_column import Bytes, Damaged, check, read_column as column, signed

try:
    import xxhash
except ImportError:
    xxhash = None

MASK = (1 << 64) - 1
BLOCK = 4096


def xxh3(data, seed=0):
    return xxhash.xxh3_64_intdigest(data, seed=seed)


def u32(b, at):
    return struct.unpack_from("<I", b, at)[0]


def u64(b, at):
    return struct.unpack_from("<Q", b, at)[0]


def i64(b, at):
    return struct.unpack_from("<q", b, at)[0]


def double(bits):
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def file_head(b, kind, number):
    check(b[:8] == b"pmdfile\0" and u32(b, 8) == 1 and u32(b, 12) == kind, "head of a file")
    check(u64(b, 16) == 0 and u64(b, 24) == number and b[48:64] == bytes(16), "head of a file")
    check(not xxhash or u64(b, 40) == xxh3(b[:40]), "checksum of the head of a file")


class Manifest:
    def __init__(self, data):
        with open(os.path.join(data, "meta"), "rb") as f:
            meta = f.read(4096)
        number = u64(meta, 1024 + (u64(meta, 96) & 1) * 1024 + 24)
        self.segments, self.tombstones = [], []
        if not number:
            return
        with open(os.path.join(data, "manifest.%08x" % number), "rb") as f:
            b = f.read()
        file_head(b, 8, number)
        check(not xxhash or u64(b, 64) == xxh3(b[72:], number), "checksum of the manifest")
        check(u64(b, 72) == number, "number of the manifest")
        segments, tombstones = struct.unpack_from("<II", b, 88)
        for i in range(segments):
            self.segments.append(struct.unpack_from("<QQIIqqQQQ", b, 96 + 64 * i))
        check([s[1::-1] for s in self.segments] == sorted(s[1::-1] for s in self.segments), "order of segments")
        check(all(s[0] < u64(b, 80) for s in self.segments), "numbers of segments")
        r = Bytes(b, 96 + 64 * segments)
        for _ in range(tombstones):
            first, last, before, n = signed(r.folded()), signed(r.folded()), r.varint(), r.varint()
            check(n <= 64, "matchers of a tombstone")
            matchers = [(r.varint(), *(r.take(r.varint()).decode("utf-8", "surrogateescape") for _ in range(2))) for _ in range(n)]
            self.tombstones.append((first, last, before, matchers))
        check(r.at == len(b), "the manifest goes on behind its last tombstone")

    def deleted(self, number, labels):
        """The ranges of a series that tombstones cover."""
        labels = dict(labels)

        def matches(kind, name, value):
            have = labels.get(name, "")
            return (have == value if kind < 2 else bool(re.fullmatch(value, have, re.DOTALL))) == (kind % 2 == 0)
        return [(a, z) for a, z, before, m in self.tombstones if number < before and all(matches(*x) for x in m)]


class Segment:
    SECTIONS = ("data", "times", "symbols", "series", "blocks", "lists", "pairs", "checksums")

    def __init__(self, data, entry):
        self.number, order, level, series, min_ms, max_ms, size, self.samples_count, footer_hash = entry
        with open(os.path.join(data, "segment.%08x" % self.number), "rb") as f:
            b = self.b = f.read()
        file_head(b, 7, self.number)
        f = b[-256:]
        check(f[:8] == b"segment\0" and u32(f, 8) == 1 and u32(f, 12) == BLOCK, "magic of the footer")
        check(not xxhash or u64(f, 248) == xxh3(f[:248]), "checksum of the footer")
        check(u64(f, 248) == footer_hash, "another segment's footer")
        check((u64(f, 16), u64(f, 24), u32(f, 68), u32(f, 64)) == (self.number, order, level, series), "footer and manifest")
        check((i64(f, 32), i64(f, 40), u64(f, 48), u64(f, 56)) == (min_ms, max_ms, self.samples_count, size), "footer and manifest")
        check(size == len(b) and f[220:248] == bytes(28), "size of the file")
        self.series_count, self.range, self.histograms_count, self.symbol_count = series, (min_ms, max_ms), u64(f, 72), u32(f, 216)
        at = 64
        self.section = {}
        for i, name in enumerate(self.SECTIONS):
            off, length = u64(f, 80 + 16 * i), u64(f, 88 + 16 * i)
            check(off >= at and (name == "data" or off % 8 == 0) and b[at:off] == bytes(off - at), "place of " + name)
            self.section[name], at = (off, length), off + length
        check(len(b) - 256 - at < 8, "the footer is not behind the checksums")
        self.check_sums(u64(f, 208))
        self.read_symbols()
        self.read_times()

    def part(self, name):
        off, length = self.section[name]
        return self.b[off:off + length]

    def check_sums(self, want):
        sums, end = self.part("checksums"), self.section["checksums"][0]
        check(len(sums) == (end + BLOCK - 1) // BLOCK * 4, "number of checksums")
        if not xxhash:
            return
        check(xxh3(sums) == want, "hash of the checksums")
        for i in range(len(sums) // 4):
            seed = (self.number * 0x9e3779b97f4a7c15 + i) & MASK
            block = self.b[i * BLOCK:min((i + 1) * BLOCK, end)]
            check(xxh3(block, seed) & 0xffffffff == u32(sums, 4 * i), "checksum of block %d" % i)

    def read_symbols(self):
        s, n = self.part("symbols"), self.symbol_count
        at = struct.unpack_from("<%dI" % (n + 1), s)
        raw = [s[4 * (n + 1):][a:z] for a, z in zip(at, at[1:])]
        check(raw == sorted(set(raw)), "order of symbols")
        self.symbols = [r.decode("utf-8", "surrogateescape") for r in raw]

    def read_times(self):
        t = self.part("times")
        check(len(t) % 32 == 0, "table of times")
        self.times = []
        for at in range(0, len(t), 32):
            off, length, n, first, last = struct.unpack_from("<QIIqq", t, at)
            elements, is_time, end = column(self.b, off)
            elements = [signed(x) for x in elements]
            check(is_time and end == off + length and len(elements) == n, "column of times")
            check((elements[0], elements[-1]) == (first, last), "first and last time")
            self.times.append(elements)
        check(len(set(map(tuple, self.times))) == len(self.times), "a column of times comes twice")

    def series(self):
        """(labels, bytes of the list of chunks), in order"""
        blocks = struct.unpack("<%dQ" % ((self.series_count + 15) // 16 + 1), self.part("blocks"))
        check(blocks[0] == self.section["series"][0] and blocks[-1] == sum(self.section["series"]), "blocks of series")
        r, last = None, None
        for n in range(self.series_count):
            if n % 16 == 0:
                check(r is None or r.at == blocks[n // 16], "a block of series does not end where it should")
                r, pairs = Bytes(self.b, blocks[n // 16]), []
            shared, more = r.varint(), r.varint()
            check(shared <= len(pairs), "labels shared with the series before")
            pairs = pairs[:shared] + [(r.varint(), r.varint()) for _ in range(more)]
            check(last is None or last < pairs, "order of series")  # symbols are sorted as their strings are
            check([p[0] for p in pairs] == sorted({p[0] for p in pairs}), "order of labels")
            yield n, pairs, Bytes(r.take(r.varint()))
            last = pairs
        check(r.at == blocks[-1], "the last series does not end where it should")

    def samples(self):
        """(series, pairs, time, text of the sample)"""
        count, histograms, low, high = 0, 0, [], []
        for n, pairs, chunks in self.series():
            end, last = 0, None
            while chunks.at < len(chunks.data):
                flags, time = chunks.byte(), chunks.varint()
                starts = self.times[chunks.varint()] if flags & 4 else None
                off = end + chunks.varint()
                end = off + chunks.varint()
                stats = struct.unpack("<dd", chunks.take(16)) if flags & 2 else None
                t = self.times[time]
                check(len(t) <= 4096 and t == sorted(set(t)) and (last is None or t[0] > last), "times of a series")
                check(starts is None or len(starts) == len(t), "start times")
                last = t[-1]
                texts, at = self.histograms(off, len(t)) if flags & 1 else self.floats(off, len(t), stats)
                check(at == end, "a chunk does not end where it should")
                count, histograms = count + len(t), histograms + (len(t) if flags & 1 else 0)
                low.append(t[0])
                high.append(t[-1])
                for i, text in enumerate(texts):
                    yield n, pairs, t[i], text + (" start %d" % starts[i] if starts and starts[i] else "")
        check((count, histograms) == (self.samples_count, self.histograms_count), "number of samples")
        check((min(low), max(high)) == self.range, "range of times")

    def floats(self, off, n, stats):
        bits, is_time, end = column(self.b, off)
        check(not is_time and len(bits) == n, "a column of values")
        values = [double(x) for x in bits]
        check(stats is None or stats == (min(values), max(values)) and all(v == v for v in values), "statistics of a chunk")
        return ["%016x" % x for x in bits], end

    def histograms(self, off, n):
        r = Bytes(self.b, off)
        schema, integer, threshold = signed(r.folded()), r.byte(), u64(r.take(8), 0)
        spans = [[(signed(r.folded()), r.varint()) for _ in range(r.varint())] for _ in range(2)]
        buckets = [r.varint(), r.varint()]
        check(buckets == [sum(length for _, length in s) for s in spans], "buckets of a chunk of histograms")
        bounds = [u64(r.take(8), 0) for _ in range(r.varint())]
        columns, at = [], r.at
        for _ in range(4 + sum(buckets)):
            bits, is_time, at = column(self.b, at)
            check(not is_time and len(bits) == n, "a column of histograms")
            columns.append(bits)
        count, zero, total, hint, *counts = columns
        texts = []
        for i in range(n):
            bits = [threshold, zero[i], count[i], total[i], *bounds, *(c[i] for c in counts)]
            texts.append(" ".join(["histogram %d %d %d" % (schema, double(hint[i]), integer),
                                   *("%d+%d" % s for s in spans[0] + spans[1]), *("%016x" % x for x in bits)]))
        return texts, at

    def check_pairs(self):
        """The list of each pair has the series with that label, and every label of every series has a pair."""
        want, have, order = {}, {}, []
        for n, pairs, _ in self.series():
            for p in pairs:
                want.setdefault(p, []).append(n)
        p = self.part("pairs")
        for at in range(0, len(p), 24):
            name, value, off, length, count = struct.unpack_from("<IIQII", p, at)
            have[name, value] = [off] if length == 0 else roaring(self.b[off:off + length])
            check(len(have[name, value]) == count, "number of series with a label")
            order.append((name, value))
        check(order == sorted(order) and have == want, "pairs")


def roaring(b):
    """The portable format: keys of 16 bits, and for each a container of the lower 16."""
    cookie, at = u32(b, 0), 4
    runs = bytes(1 << 13)
    if cookie & 0xffff == 12347:
        n = (cookie >> 16) + 1
        runs, at = b[4:4 + (n + 7) // 8], 4 + (n + 7) // 8
    else:
        check(cookie == 12346, "cookie of a list")
        n, at = u32(b, 4), 8
    keys = [struct.unpack_from("<HH", b, at + 4 * i) for i in range(n)]
    at += 4 * n
    offsets = None
    if cookie == 12346 or n >= 4:
        offsets = struct.unpack_from("<%dI" % n, b, at)
        at += 4 * n
    out = []
    for i, (key, less_one) in enumerate(keys):
        check(offsets is None or offsets[i] == at, "offset of a container")
        if runs[i // 8] >> i % 8 & 1:
            count, = struct.unpack_from("<H", b, at)
            pairs = struct.unpack_from("<%dH" % (2 * count), b, at + 2)
            low = [v for a, more in zip(pairs[::2], pairs[1::2]) for v in range(a, a + more + 1)]
            at += 2 + 4 * count
        elif less_one < 4096:
            low = list(struct.unpack_from("<%dH" % (less_one + 1), b, at))
            at += 2 * len(low)
        else:
            low = [v for v in range(1 << 16) if b[at + v // 8] >> v % 8 & 1]
            at += 8192
        check(len(low) == less_one + 1, "size of a container")
        out += [key << 16 | v for v in low]
    check(at == len(b) and out == sorted(set(out)), "a list of series")
    return out


def main():
    data, first = sys.argv[1], {}
    m = Manifest(data)
    for entry in m.segments:
        s = Segment(data, entry)
        s.check_pairs()
        if sys.argv[2:] == ["list"]:
            print("segment %d, level %d: %d series, %d samples" % (entry[0], entry[2], entry[3], entry[7]))
            continue
        known = {}
        for n, pairs, t, text in s.samples():
            if n not in known:
                labels = [(s.symbols[a], s.symbols[b]) for a, b in pairs]
                known[n] = json.dumps(labels), m.deleted(s.number, labels)
            if not any(a <= t <= z for a, z in known[n][1]):
                first.setdefault((known[n][0], t), text)
    for (labels, t), text in first.items():
        print("%s %d %s" % (labels, t, text))


if __name__ == "__main__":
    try:
        main()
    except Damaged as e:
        sys.exit("read_segment.py: " + str(e))
