"""The smallest image there is: a program that sleeps for good, so that a task keeps its network.

As on Fargate (awsvpc), all containers of a task share one network namespace and address. One container must
hold it while `migrate` has ended and `app` has not begun, whatever the service's own image contains. So the
image is one static ELF file of about 150 bytes, written here; no compiler and no registry is asked.
"""

import io
import platform
import struct
import tarfile

# x86-64: mov eax, 34 (pause); syscall; jmp -9
X86_64 = (62, bytes.fromhex("b8220000000f05ebf7"))
# aarch64: x0..x3 = 0; x8 = 73 (ppoll); svc 0; b -24
AARCH64 = (183, bytes.fromhex("000080d2010080d2020080d2030080d2280980d2010000d4faffff17"))
LOAD_ADDRESS = 0x400000
HEADERS = 64 + 56


def program(machine: str = "") -> bytes:
    """A static Linux program for this machine that only sleeps. Raises ValueError for an unknown machine."""
    machine = machine or platform.machine()
    known = {"x86_64": X86_64, "amd64": X86_64, "aarch64": AARCH64, "arm64": AARCH64}
    if machine not in known:
        raise ValueError(f"no pause program for {machine}")
    elf_machine, code = known[machine]
    size = HEADERS + len(code)
    elf = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        2,
        elf_machine,
        1,
        LOAD_ADDRESS + HEADERS,
        64,
        0,
        0,
        64,
        56,
        1,
        64,
        0,
        0,
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, LOAD_ADDRESS, LOAD_ADDRESS, size, size, 0x1000)
    return elf + segment + code


def root_file_system() -> bytes:
    """The image's only layer, a tar archive with /pause."""
    content = program()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("pause")
        entry.mode, entry.size = 0o755, len(content)
        tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()
