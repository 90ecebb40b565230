"""What the process does with memory that it frees."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import numpy as np
from titlekit.core.device import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        np.ones(6_000_000)  # 48 MB: above what glibc ever keeps by itself
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

plain = faults()
keep_freed_memory()
faults()
print(plain, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_freed_memory_is_taken_again_without_new_pages():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    plain, kept = map(int, done.stdout.split())
    assert plain > 1000  # ten times 48 MB, in pages of 4 kB or of 2 MB
    assert kept < plain / 100
