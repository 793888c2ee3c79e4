"""What importing the local AWS does, in a process that has imported nothing else."""

import subprocess
import sys


def test_importing_the_package_does_not_import_ministack():
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, local_aws; print('ministack' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "False" == loaded.stdout.strip()


def test_every_module_finds_the_ministack_names_it_registers_with(tmp_path):
    program = (
        "import sys; from importlib import import_module; from pathlib import Path\n"
        "from local_aws.emulator.registry import Registry; from local_aws.server import MODULES\n"
        "from local_aws.checkout import Checkout\n"
        "registry = Registry(Checkout(Path(sys.argv[1])))\n"
        "for name in MODULES: import_module(f'local_aws.{name}').register(registry)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False
    )

    assert "" == done.stderr
    assert 0 == done.returncode
