"""Writes small Unified Kernel Images of this folder and what they measure, by hashlib alone.

usage: python3 make_uki.py FOLDER

They have the form of such images and contain no program.
"""
import hashlib
import json
import struct
import sys

BANKS = ["sha1", "sha256", "sha384", "sha512"]
PHASES = ["enter-initrd", "leave-initrd", "sysinit", "ready"]


def pe(sections, tail=b""):
    """A PE32+ file; returns it and the ranges that Authenticode hashes."""
    headers = 0x400
    raw, table, body, address = headers, b"", b"", 0x1000
    for name, data in sections:
        size = (len(data) + 511) // 512 * 512
        table += name.encode().ljust(8, b"\0") + struct.pack("<IIIIIIHHI", len(data), address, size, raw, 0, 0, 0, 0, 0x40000040)
        body += data.ljust(size, b"\0")
        raw += size
        address += (len(data) + 4095) // 4096 * 4096
    coff = struct.pack("<HHIIIHH", 0x8664, len(sections), 0, 0, 0, 240, 0x22E)
    optional = struct.pack("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20B, 2, 0, 0, 0, 0, 0x1000, 0x1000, 0, 4096, 512,
                           0, 0, 1, 0, 0, 0, 0, address, headers, 0xDEADBEEF, 10, 0, 0, 0, 0, 0, 0, 16) + bytes(128)
    assert len(optional) == 240
    start = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + coff
    checksum, directory = len(start) + 64, len(start) + 144
    data = (start + optional + table).ljust(headers, b"\0") + body + tail
    return data, data[:checksum] + data[checksum + 4:directory] + data[directory + 8:]


def extended(bank, events):
    value = bytes(hashlib.new(bank).digest_size)
    for event in events:
        value = hashlib.new(bank, value + hashlib.new(bank, event).digest()).digest()
    return value.hex()


def variable(guid, name, data):
    return guid + struct.pack("<QQ", len(name), len(data)) + name.encode("utf-16-le") + data


def uki(version, extra=()):
    kernel, kernel_hashed = pe([(".text", b"no kernel " * 40)])
    sections = [
        (".text", b"no stub " * 100), (".sdmagic", f"#### LoaderInfo: systemd-stub {version} ####\0".encode()),
        (".sbat", b"sbat,1\n"), (".osrel", b"ID=vector\n"), (".cmdline", b"quiet\0"),
        (".uname", b"6.1\0"), (".pcrpkey", b"no key"), (".pcrsig", b"{}"), (".initrd", b"i" * 700), *extra, (".linux", kernel),
    ]
    data, hashed = pe(sections, tail=b"rest")
    return dict(sections), data, hashed, kernel_hashed


GLOBAL = bytes.fromhex("61dfe48bca93d211aa0d00e098032b8c")
SECURITY = bytes.fromhex("cbb219d73a3d9645a3bcdad00e67656f")


def main(folder):
    expected = {}
    orders = {
        "252": [".linux", ".osrel", ".cmdline", ".initrd", ".pcrpkey"],
        "255": [".linux", ".osrel", ".cmdline", ".initrd", ".uname", ".sbat", ".pcrpkey"],
        "258": [".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".uname", ".sbat", ".pcrpkey"],
    }
    for version, order in orders.items():
        extra = [(".ucode", b"microcode")] if version == "258" else []
        sections, data, hashed, kernel_hashed = uki(version + ".1-vector", extra)
        open(f"{folder}/uki-{version}.efi", "wb").write(data)
        boot = [b"Calling EFI Application from Boot Option", bytes(4), hashed]
        own_start = version == "258"
        secure_off = [variable(GLOBAL, "SecureBoot", b"\0"), variable(GLOBAL, "PK", b""), variable(GLOBAL, "KEK", b""),
                      variable(SECURITY, "db", b""), variable(SECURITY, "dbx", b""), bytes(4)]
        inner = [part for name in order for part in (name.encode() + b"\0", sections[name])]
        expected[f"uki-{version}.efi"] = {
            bank: {
                "authenticode": hashlib.new(bank, hashed).hexdigest(),
                "pcr4": extended(bank, boot + ([] if own_start else [kernel_hashed])),
                "pcr4_secure_boot": extended(bank, boot),
                "pcr7": extended(bank, secure_off),
                "pcr11_at_start": extended(bank, inner),
                "pcr11": extended(bank, inner + [p.encode() for p in PHASES]),
                "pcr12": extended(bank, []),
            }
            for bank in BANKS
        }
    with open(f"{folder}/uki.json", "w") as out:
        json.dump(expected, out, indent=1)
        out.write("\n")


main(sys.argv[1])
