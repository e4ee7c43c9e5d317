"""No package of the lock asks the machine for a library that a fresh Debian or Ubuntu lacks."""

from __future__ import annotations

import mmap
import struct
import sysconfig
from collections import defaultdict
from pathlib import Path

_NEEDED, _DYNAMIC = 1, 6
# What python3 itself pulls in on Debian, by way of libc6, libgcc-s1, libstdc++6 and zlib1g.
EVERYWHERE = {
    "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0",
    "librt.so.1", "libresolv.so.2", "libutil.so.1", "libgcc_s.so.1", "libstdc++.so.6", "libz.so.1",
}  # fmt: skip

# Loaded where a spec names its family alone: with a sentence that says what to install, and never its part for GPUs.
ON_DEMAND = {"implicit"}


def needed(path):
    """Return the names of the shared libraries that a 64-bit ELF file asks for (System V ABI, chapter 5)."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:5] != b"\x7fELF\x02":
            return set()
        (table,), (size, count) = struct.unpack_from("<Q", data, 0x28), struct.unpack_from("<HH", data, 0x3A)
        sections = [struct.unpack_from("<IIQQQQIIQQ", data, table + place * size) for place in range(count)]
        names = set()
        for _, kind, _, _, start, length, link, *_ in sections:
            if kind == _DYNAMIC:
                for tag, value in struct.iter_unpack("<qQ", data[start : start + length]):
                    if tag == _NEEDED:
                        at = sections[link][4] + value
                        names.add(data[at : data.find(b"\0", at)].decode())
        return names


def test_every_library_comes_with_its_wheel_or_with_every_debian():
    site = Path(sysconfig.get_path("purelib"))
    libraries = [path for path in site.rglob("*.so*") if path.is_file() and path.stat().st_size]
    assert len(libraries) > 500
    brought, lacking = {path.name for path in libraries}, defaultdict(set)
    for path in libraries:
        for name in needed(path) - brought - EVERYWHERE:
            package = path.relative_to(site).parts[0]
            if package not in ON_DEMAND:
                lacking[name].add(package)
    assert dict(lacking) == {}, "a fresh machine lacks these; leave the package out, or check for them in the door"
