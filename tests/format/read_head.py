#!/usr/bin/env python3
"""A second reader of the head, written from docs/format/head.md alone and as plainly as can be: it walks the log from its
beginning, checks every checksum (when the xxhash module is there) and every chain, and prints all samples.

    read_head.py DATA             one line a sample, sorted: labels, milliseconds, value bits
    read_head.py DATA exemplars   one line an exemplar, in order of commitment: labels, its labels, milliseconds, value
    read_head.py DATA metadata    one line a metric, sorted: metric, type, help, unit
"""
import json
import os
import struct
import sys

try:
    import xxhash
except ImportError:
    xxhash = None

LOG_SHIFT = 26
MASK = (1 << 64) - 1


class Damaged(Exception):
    pass


def check(ok, what):
    if not ok:
        raise Damaged(what)


def xxh3(data, seed=0):
    return xxhash.xxh3_64_intdigest(data, seed=seed) if xxhash else None


def u32(b, at):
    return struct.unpack_from("<I", b, at)[0]


def u64(b, at):
    return struct.unpack_from("<Q", b, at)[0]


def i64(b, at):
    return struct.unpack_from("<q", b, at)[0]


def running_sum(total, checksum):
    x = (total ^ checksum) * 0x9e3779b97f4a7c15 & MASK
    return x ^ x >> 32


class Store:
    def __init__(self, data):
        with open(os.path.join(data, "meta"), "rb") as f:
            meta = f.read(4096)
        check(meta[:8] == b"pmstore\0" and u32(meta, 8) == 1 and u32(meta, 12) == 4096, "meta page")
        check(not xxhash or u64(meta, 32) == xxh3(meta[:32]), "checksum of the meta page")
        seq = u64(meta, 96)
        r = meta[1024 + (seq & 1) * 1024:][:440]
        check(u64(r, 0) == seq, "sequence number of the record")
        check(not xxhash or u64(r, 8) == xxh3(r[16:440], seq), "checksum of the record")
        self.generation = u64(r, 16)
        self.catalog_len, self.layouts_len, self.postings_len = (u64(r, 32 + 8 * i) for i in range(3))
        self.runs_off = u64(r, 56)
        self.log_first, self.log_end, self.heads_pos = u64(r, 72), u64(r, 80), u64(r, 88)
        self.sid_end, self.runs_sid_end, self.family_count, self.series_count = (u32(r, 96 + 4 * i) for i in range(4))
        self.sample_count, self.txn_count, self.min_ms, self.max_ms = u64(r, 152), u64(r, 160), i64(r, 168), i64(r, 176)
        self.newest_metadata = u32(r, 148)
        self.tables = {n: u32(r, 116 + 4 * i) for i, n in enumerate(("symbols", "series", "families", "aliases"))}
        self.dir = os.path.join(data, "head.%08x" % self.generation)
        self.catalog = self.file("catalog", 1, self.catalog_len)
        self.ids = self.file("ids", 2, 64 + 4 * self.sid_end)
        self.layouts = self.file("layouts", 3, self.layouts_len)
        self.postings = self.file("postings", 4, self.postings_len)
        self.versions = {}
        self.check_marks(meta)
        self.check_slots()

    def check_marks(self, meta):
        marks = [meta[at:at + 440] for at in (3072, 3584)]
        sound = [m for m in marks if u64(m, 0) and (not xxhash or u64(m, 8) == xxh3(m[16:440], u64(m, 0)))]
        check(sound and max(u64(m, 0) for m in sound) <= u64(meta, 96), "marks of syncs")

    def check_slots(self):
        for name, number in self.tables.items():
            with open(os.path.join(self.dir, "%s.%08x" % (name, number)), "rb") as f:
                b = f.read()
            slots = u64(b, 32)
            for i in range(slots):
                slot, parity = b[64 + 8 * i:72 + 8 * i], 0
                for byte in slot:
                    parity ^= byte
                check(not any(slot) or b[64 + 8 * slots + i] == parity, "slot %d of %s" % (i, name))

    def sums(self, b, kind_of_file):
        """the running sum at the end of each record"""
        out, total = {64: 0}, 0
        for off, _, _, _, rec in self.records(b, kind_of_file):
            total = running_sum(total, u64(rec, 0))
            out[off + len(rec)] = total
        return out

    def file(self, name, kind, length, number=0):
        with open(os.path.join(self.dir, name), "rb") as f:
            b = f.read(length)
        check(len(b) == length, name + " ends early")
        check(b[:8] == b"pmdfile\0" and u32(b, 8) == 1 and u32(b, 12) == kind, "head of " + name)
        check(u64(b, 16) == self.generation and u64(b, 24) == number, "head of " + name)
        check(not xxhash or u64(b, 40) == xxh3(b[:32] + bytes(8)), "checksum of the head of " + name)
        return b

    def records(self, b, kind_of_file, at=64, base=0, end=None):
        """(offset or position, kind, flags, small, bytes of the record)"""
        end = len(b) if end is None else end
        while at < end:
            length, kind, flags, small = struct.unpack_from("<IBBH", b, at + 8)
            check(length >= 16 and length % 8 == 0, "length of the record at %d" % (base + at))
            rec = b[at:at + length]
            if xxhash:
                seed = (((base + at) ^ kind_of_file << 56) + self.generation * 0x9e3779b97f4a7c15) & MASK
                covered = rec[8:] if kind != 51 else struct.pack("<IBBH", 16, kind, flags, small)
                check(u64(rec, 0) == xxh3(covered, seed), "checksum of the record at %d" % (base + at))
            yield base + at, kind, flags, small, rec
            at += length
        check(at == end or kind == 51, "records do not end where they should")

    def symbol(self, sym):
        size = u32(self.catalog, sym * 8 + 16)
        return self.catalog[sym * 8 + 24:sym * 8 + 24 + size].decode("utf-8", "surrogateescape")

    def series(self):
        """id -> labels; the home of each is in self.home"""
        out, self.home = {}, {}
        for off, kind, _, small, rec in self.records(self.catalog, 1):
            if kind != 2:
                continue
            sid = u32(rec, 16)
            if sid >= self.sid_end or u32(self.ids, 64 + 4 * sid) * 8 != off:
                continue
            self.home[sid] = u32(rec, 20)
            pairs = [(u32(rec, 24 + 8 * i), u32(rec, 28 + 8 * i)) for i in range(small)]
            out[sid] = [(self.symbol(n), self.symbol(v)) for n, v in pairs]
            check(out[sid] == sorted(out[sid]), "labels of series %d are not sorted" % sid)
        check(len(out) == self.series_count, "number of series")
        return out

    def version(self, off):
        """series ids by position"""
        if off in self.versions:
            return self.versions[off]
        v = self.layouts[off:]
        check(v[12] == 18, "no version at %d" % off)
        sids = []
        for i in range(u32(v, 20)):
            at, _, series_base = struct.unpack_from("<QII", v, 40 + 16 * i)
            b = self.layouts[at:at + u32(self.layouts, at + 8)]
            entries, series = u32(b, 16), u32(b, 20)
            check(b[12] == 17 and entries <= 512 and series_base == len(sids), "block at %d" % at)
            text = b[13] & 1
            refs = [u32(b, 32 + 16 * e + 12) if text else u32(b, 32 + 4 * e) for e in range(entries)]
            here = [r for r in refs if r < 0xfffffff0]
            ways = 32 + entries * (16 if text else 4)
            ascending = [u32(b, ways + 4 * k) for k in range(series)]
            places = struct.unpack_from("<%dH" % series, b, ways + 4 * series)
            check(ascending == sorted(here) and [here[p] for p in places] == ascending, "ways back of block %d" % at)
            sids += here
        check(len(sids) == u32(v, 28), "series of version %d" % off)
        self.versions[off] = sids
        return sids

    def log(self):
        for number in range(self.log_first, (self.log_end >> LOG_SHIFT) + 1):
            base = number << LOG_SHIFT
            end = min(self.log_end - base, 1 << LOG_SHIFT)
            yield from self.records(self.file("log.%08x" % number, 5, end, number), 5, base=base, end=end)

    def samples(self):
        """(series id, time, value bits) in order of commitment"""
        last, chain_max, count, txns, log_sum = {}, {}, 0, 0, 0
        catalog_sums, layouts_sums = self.sums(self.catalog, 1), self.sums(self.layouts, 3)
        for pos, kind, flags, _, rec in self.log():
            if kind == 50:
                for f in range(u32(rec, 16)):
                    check(u64(rec, 24 + 8 * f) == last.get(f, 0), "table of heads at %d, family %d" % (pos, f))
            elif kind == 56:
                txns += 1
                check(u64(rec, 16) == txns and u64(rec, 56) == count, "commit at %d" % pos)
                check((u64(rec, 80), u64(rec, 88), u64(rec, 96)) ==
                      (catalog_sums[u64(rec, 24)], layouts_sums[u64(rec, 32)], log_sum), "sums of the commit at %d" % pos)
            elif kind in (48, 49, 53):
                family, width = u32(rec, 16), u32(rec, 20)
                check(not xxhash or u32(rec, 76) == xxh3(rec[8:76]) & 0xffffffff, "head of the row at %d" % pos)
                check(u64(rec, 40) == last.get(family, 0), "chain of family %d at %d" % (family, pos))
                last[family] = pos
                if kind == 53:
                    found = [e[1:] for e in self.exemplars_of(rec)]
                else:
                    found = list(self.row(rec, flags, width) if kind == 48 else self.batch(rec, flags, width))
                if found:
                    times = [t for _, t, _ in found]
                    check((i64(rec, 48), i64(rec, 56)) == (min(times), max(times)), "times of the row at %d" % pos)
                chain_max[family] = max(chain_max.get(family, -1 << 63), i64(rec, 56))
                check(i64(rec, 64) == chain_max[family], "latest time of the chain at %d" % pos)
                if kind != 53:
                    count += len(found)
                    yield from found
            log_sum = running_sum(log_sum, u64(rec, 0))
        check(count == self.sample_count and txns == self.txn_count, "number of samples")

    def row(self, rec, flags, width):
        sids, at, present = self.version(u64(rec, 32)), 80, list(range(width))
        check(len(sids) == width, "width of a row")
        if flags & 1:
            words = [u64(rec, at + 8 * w) for w in range((width + 63) // 64)]
            present = [p for p in present if words[p // 64] >> p % 64 & 1]
            at += 8 * len(words)
        check(len(present) == u32(rec, 72), "present positions of a row")
        times = [i64(rec, 24)] * len(present)
        if flags & 2:
            times = [i64(rec, at + 8 * i) for i in range(len(present))]
            at += 8 * len(present)
        values = self.columns(rec, flags, at, len(present))
        return ((sids[p], t, v) for p, t, v in zip(present, times, values))

    def batch(self, rec, flags, width):
        n = u64(rec, 32)
        times = 80 + ((2 * width + 1) * 4 + 7) // 8 * 8
        values = self.columns(rec, flags, times + 8 * n, n)
        for s in range(width):
            for i in range(u32(rec, 80 + 4 * (width + s)), u32(rec, 80 + 4 * (width + s + 1))):
                yield u32(rec, 80 + 4 * s), i64(rec, times + 8 * i), values[i]

    def columns(self, rec, flags, at, n):
        """What n samples have beside their times, as text: value bits or a histogram, and a start time if there is one."""
        starts, bitmap = [0] * n, [False] * n
        if flags & 4:
            starts = [i64(rec, at + 8 * i) for i in range(n)]
            at += 8 * n
        if flags & 8:
            bitmap = [bool(u64(rec, at + 8 * (i // 64)) >> i % 64 & 1) for i in range(n)]
            at += (n + 63) // 64 * 8
        values = [u64(rec, at + 8 * i) for i in range(n)]
        part = rec[at + 8 * n:]
        texts = [self.histogram(part, v) if h else "%016x" % v for v, h in zip(values, bitmap)]
        return [t + (" start %d" % st if st else "") for t, st in zip(texts, starts)]

    def histogram(self, part, at):
        shape = u32(part, at) * 8
        hint, integer, width = part[at + 4:at + 7]
        schema, = struct.unpack_from("<i", part, shape)
        pos_spans, neg_spans, bounds, pos, neg = struct.unpack_from("<5I", part, shape + 4)
        threshold, = struct.unpack_from("<d", part, shape + 24)
        spans = [struct.unpack_from("<iI", part, shape + 32 + 8 * i) for i in range(pos_spans + neg_spans)]
        custom = struct.unpack_from("<%dd" % bounds, part, shape + 32 + 8 * (pos_spans + neg_spans))
        count, zero, total = struct.unpack_from("<3d", part, at + 8)
        counts = struct.unpack_from("<%d%s" % (pos + neg, {1: "B", 2: "H", 4: "I", 8: "d"}[width]), part, at + 32)
        check(sum(n for _, n in spans[:pos_spans]) == pos and sum(n for _, n in spans[pos_spans:]) == neg, "spans of a histogram")
        bits = ["%016x" % struct.unpack("<Q", struct.pack("<d", v))[0] for v in (threshold, zero, count, total, *custom, *counts)]
        return " ".join(["histogram %d %d %d" % (schema, hint, integer), *("%d+%d" % s for s in spans), *bits])

    def exemplars_of(self, rec):
        """(labels, series id, time, value)"""
        at = 80
        for _ in range(u32(rec, 20)):
            sid, labels, size, t, v = struct.unpack_from("<IHHqd", rec, at)
            text, found = at + 24, []
            for _ in range(labels):
                name, value = struct.unpack_from("<HH", rec, text)
                found.append((rec[text + 4:text + 4 + name].decode(), rec[text + 4 + name:text + 4 + name + value].decode()))
                text += 4 + name + value
            check(size % 8 == 0 and text <= at + size < text + 8, "size of an exemplar")
            yield found, sid, t, v
            at += size
        check(at == len(rec), "size of a record of exemplars")

    def exemplars(self):
        out = []
        for _, kind, flags, _, rec in self.log():
            if kind == 53:
                out = ([] if flags & 16 else out) + list(self.exemplars_of(rec))
        return out[-100000:]

    def metadata(self):
        out, newest = {}, 0
        for off, kind, _, _, rec in self.records(self.catalog, 1):
            if kind == 3:
                metric, kind_, help_, unit, previous = struct.unpack_from("<5I", rec, 16)
                check(previous == newest, "chain of metadata at %d" % off)
                newest = off // 8
                out[self.symbol(metric)] = [self.symbol(s) if s else "" for s in (kind_, help_, unit)]
        check(newest == self.newest_metadata, "newest record of metadata")
        return out

    def check_postings(self, series):
        """Every pair of every series is in exactly one run's list."""
        want, have, covered = {}, {}, 0
        kinds = {off: (kind, rec) for off, kind, _, _, rec in self.records(self.postings, 4)}
        runs = []
        if self.runs_off:
            kind, rec = kinds[self.runs_off]
            check(kind == 33, "list of runs")
            runs = [u64(rec, 24 + 8 * i) for i in range(u32(rec, 16))]
        for off in runs:
            kind, rec = kinds[off]
            check(kind == 32 and u32(rec, 16) == covered, "runs leave a gap")
            covered = u32(rec, 20)
            pairs = u32(rec, 24)
            for p in range(pairs):
                name, value, first, n = struct.unpack_from("<IIII", rec, 32 + 16 * p)
                sids = struct.unpack_from("<%dI" % n, rec, 32 + 16 * pairs + 4 * first)
                have.setdefault((self.symbol(name), self.symbol(value)), []).extend(sids)
        check(covered == self.runs_sid_end, "series in runs")
        for sid, labels in series.items():
            if sid < covered:
                for pair in labels:
                    want.setdefault(pair, []).append(sid)
        check(want == have, "postings")


def main():
    s = Store(sys.argv[1])
    series = s.series()
    s.check_postings(series)
    if sys.argv[2:] == ["exemplars"]:
        for labels, sid, t, v in s.exemplars():
            print("%s %s %d %r" % (json.dumps(series[sid]), json.dumps(labels), t, v))
        return
    if sys.argv[2:] == ["metadata"]:
        for metric, said in sorted(s.metadata().items()):
            print(json.dumps([metric] + said))
        return
    first = {}
    for sid, t, v in s.samples():
        first.setdefault((sid, t), v)
    for labels, t, v in sorted((json.dumps(series[sid]), t, v) for (sid, t), v in first.items()):
        print("%s %d %s" % (labels, t, v))


if __name__ == "__main__":
    try:
        main()
    except Damaged as e:
        sys.exit("read_head.py: " + str(e))
