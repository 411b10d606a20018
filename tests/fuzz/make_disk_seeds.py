#!/usr/bin/env python3
"""Writes the seeds of fuzz_disk: real images by sgdisk, mkfs.vfat and mtools, as that target takes them.

    tests/fuzz/make_disk_seeds.py tests/data/measure/uki-252.efi tests/fuzz/corpus/fuzz_disk
"""
import os
import struct
import subprocess
import sys
import tempfile

BLOCK = 512
FIRST = 64  # block of the partition


def run(*arguments):
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def image(folder, fat, disk_bytes, partition_bytes, files):
    esp, disk, file = (os.path.join(folder, name) for name in ("esp", "disk", "file"))
    for old in (esp, disk):
        if os.path.exists(old):
            os.remove(old)
    run("mkfs.vfat", "-i", "5ea1f01d", "-F", fat, "-s", "1", "-C", esp, str(partition_bytes // 1024))
    for name in ("::/EFI", "::/EFI/BOOT", "::/EFI/Linux"):
        run("mmd", "-i", esp, name)
    for name, content in files.items():
        with open(file, "wb") as out:
            out.write(content)
        run("mcopy", "-i", esp, file, "::" + name)
    with open(disk, "wb") as out:
        out.truncate(disk_bytes)
    run("sgdisk", "-a", "1", "-n", f"1:{FIRST}:{FIRST + partition_bytes // BLOCK - 1}", "-t", "1:ef00", disk)
    with open(disk, "r+b") as out, open(esp, "rb") as partition:
        out.seek(FIRST * BLOCK)
        out.write(partition.read())
        out.seek(0)
        return out.read(disk_bytes)


def pieces(disk, choice):
    out = bytearray([choice])
    for block in range(len(disk) // BLOCK):
        content = disk[block * BLOCK:(block + 1) * BLOCK].rstrip(b"\0")
        if content and block < 1 << 16:
            out += struct.pack("<HH", block, len(content)) + content
    return bytes(out)


def main():
    uki_path, out = sys.argv[1:]
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    os.makedirs(out, exist_ok=True)
    with open(uki_path, "rb") as file:
        uki = file.read()
    loader = uki.replace(b".linux", b".other", 1)
    with tempfile.TemporaryDirectory() as folder:
        seeds = {
            "fat16-uki": (0, image(folder, "16", 4 << 20, 3 << 20, {"/EFI/BOOT/BOOTX64.EFI": uki})),
            "fat16-loader": (0, image(folder, "16", 4 << 20, 3 << 20, {
                "/EFI/BOOT/BOOTX64.EFI": loader,
                "/EFI/Linux/a-long-name-of-a-release-6.1.0-27.efi": uki,
                "/EFI/Linux/notes.txt": b"notes"})),
            "fat32-uki": (1, image(folder, "32", 36 << 20, 35 << 20, {"/EFI/BOOT/BOOTX64.EFI": uki})),
        }
        for name, (choice, disk) in seeds.items():
            with open(os.path.join(out, name), "wb") as file:
                file.write(pieces(disk, choice))


if __name__ == "__main__":
    main()
