"""Writes the Enclave Image Files of this folder and what they measure, by hashlib, zlib and cryptography alone.

usage: python3 make_eif.py FOLDER
"""
import datetime
import hashlib
import json
import struct
import sys
import zlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

KERNEL, CMDLINE, RAMDISK, SIGNATURE, METADATA = 1, 2, 3, 4, 5


def pattern(label, size):
    out = b""
    while len(out) < size:
        out += hashlib.sha256(f"{label} {len(out)}".encode()).digest()
    return out[:size]


def extend(data):
    return hashlib.sha384(bytes(48) + hashlib.sha384(data).digest()).digest()


def image(sections, arm64=False):
    offset, offsets, sizes, body = 548, [], [], b""
    for kind, data in sections:
        offsets.append(offset)
        sizes.append(len(data))
        body += struct.pack(">HHQ", kind, 0, len(data)) + data
        offset += 12 + len(data)
    pad = [0] * (32 - len(sections))
    header = b".eif" + struct.pack(">HHQQHH", 4, int(arm64), 1 << 30, 2, 0, len(sections))
    header += struct.pack(">32Q", *(offsets + pad)) + struct.pack(">32Q", *(sizes + pad)) + struct.pack(">I", 0)
    return header + struct.pack(">I", zlib.crc32(header + body)) + body


def head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    if n < 256:
        return bytes([major << 5 | 24, n])
    return bytes([major << 5 | 25]) + struct.pack(">H", n)


def numbers(data):  # how AWS's tools write bytes
    return head(4, len(data)) + b"".join(head(0, b) for b in data)


def text(s):
    return head(3, len(s)) + s.encode()


def octets(data):
    return head(2, len(data)) + data


def sign(pcr0, key, pem):
    protected = bytes([0xA1, 0x01, 0x38, 0x22])
    payload = head(5, 2) + text("register_index") + head(0, 0) + text("register_value") + numbers(pcr0)
    message = head(4, 4) + text("Signature1") + octets(protected) + octets(b"") + octets(payload)
    r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA384())))
    raw = r.to_bytes(48, "big") + s.to_bytes(48, "big")
    cose = head(4, 4) + octets(protected) + head(5, 0) + octets(payload) + octets(raw)
    return head(4, 1) + head(5, 2) + text("signing_certificate") + numbers(pem) + text("signature") + numbers(cose)


def main(folder):
    kernel, cmdline = pattern("kernel", 1500), b"reboot=k panic=30 console=ttyS0"
    ramdisks = [pattern(f"ramdisk {i}", 700 + 100 * i) for i in range(3)]
    metadata = b'{"ImageName":"vector","ImageVersion":"1"}'
    measured = {
        "pcr0": extend(kernel + cmdline + b"".join(ramdisks)),
        "pcr1": extend(kernel + cmdline + ramdisks[0]),
        "pcr2": extend(b"".join(ramdisks[1:])),
    }
    sections = [(KERNEL, kernel), (CMDLINE, cmdline), (METADATA, metadata)] + [(RAMDISK, r) for r in ramdisks]
    expected = {"plain.eif": {k: v.hex() for k, v in measured.items()}}
    open(f"{folder}/plain.eif", "wb").write(image(sections))

    one = [(KERNEL, kernel), (CMDLINE, cmdline), (RAMDISK, ramdisks[0])]
    expected["one-ramdisk-arm64.eif"] = {
        "pcr0": extend(kernel + cmdline + ramdisks[0]).hex(),
        "pcr1": extend(kernel + cmdline + ramdisks[0]).hex(),
        "pcr2": extend(b"").hex(),
    }
    open(f"{folder}/one-ramdisk-arm64.eif", "wb").write(image(one, arm64=True))

    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "vector signer")])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(datetime.datetime(2026, 1, 1)).not_valid_after(datetime.datetime(2036, 1, 1))
        .sign(key, hashes.SHA384())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    measured["pcr8"] = extend(certificate.public_bytes(serialization.Encoding.DER))
    expected["signed.eif"] = {k: v.hex() for k, v in measured.items()}
    open(f"{folder}/signed.eif", "wb").write(image(sections + [(SIGNATURE, sign(measured["pcr0"], key, pem))]))
    with open(f"{folder}/eif.json", "w") as out:
        json.dump(expected, out, indent=1)
        out.write("\n")


main(sys.argv[1])
