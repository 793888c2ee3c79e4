"""The recipes of the base images, and the mmdebstrap command that builds one."""

import hashlib
import shlex
from dataclasses import dataclass
from pathlib import Path

from local_aws.host.distribution import Distribution

_UNNEEDED = ("doc", "man", "locale", "info", "lintian", "groff", "zoneinfo-icu")

# Debian's server-core has no service scripts: this script sets a volume up once. The settings are the
# defaults of MySQL 8.4.
_DATABASE_ENTRYPOINT = """#!/bin/sh
set -eu
data=/var/lib/mysql
mode=ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE
mode=$mode,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION
install -d -o mysql -g mysql "$data" /run/mysqld
if [ ! -d "$data/mysql" ]; then
  mariadb-install-db --user=mysql --datadir="$data" --skip-test-db --auth-root-authentication-method=socket \\
    >/tmp/install.log 2>&1 || { cat /tmp/install.log >&2; exit 1; }
fi
if [ ! -f "$data/server-key.pem" ]; then
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=rds.local \\
    -keyout "$data/server-key.pem" -out "$data/server-cert.pem" 2>/dev/null
  chown mysql:mysql "$data"/server-*.pem
  chmod 600 "$data/server-key.pem"
fi
exec mariadbd --user=mysql --datadir="$data" --socket=/run/mysqld/mysqld.sock --bind-address=0.0.0.0 \\
  --ssl-cert="$data/server-cert.pem" --ssl-key="$data/server-key.pem" --skip-name-resolve \\
  --character-set-server=utf8mb4 --collation-server=utf8mb4_unicode_ci --sql-mode="$mode" "$@"
"""


@dataclass(frozen=True)
class Recipe:
    """A base image of packages. `files` become executables; `changes` are Dockerfile instructions."""

    repository: str
    packages: tuple[str, ...]
    users: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    changes: tuple[str, ...] = ()

    def tag(self, suite: str) -> str:
        return f"{self.repository}:{suite}"

    def fingerprint(self, suite: str) -> str:
        """A hash of the recipe: another hash means another image."""
        return hashlib.sha256(repr((self, suite, _UNNEEDED)).encode()).hexdigest()[:12]


PYTHON = Recipe(
    "slipway-local/python",
    ("python3", "python3-venv", "ca-certificates", "passwd"),
    changes=("CMD /usr/bin/python3", "ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"),
)
DATABASE = Recipe(
    "slipway-local/mariadb",
    ("mariadb-server-core", "mariadb-client-core", "openssl", "passwd"),
    users=("mysql",),
    files=(("/usr/local/bin/slipway-database", _DATABASE_ENTRYPOINT),),
    changes=(
        'ENTRYPOINT ["slipway-database"]',
        "VOLUME /var/lib/mysql",
        "ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
    ),
)


def mmdebstrap_command(
    recipe: Recipe, distribution: Distribution, directory: Path, archive: Path
) -> list[str]:
    """The command that writes the root file system to `archive`; the recipe's files go to `directory`."""
    command = ["mmdebstrap", "--variant=custom", "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"]
    command += [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _UNNEEDED]
    command += [f"--aptopt={option}" for option in distribution.apt_options]
    # usr-is-merged replaces usrmerge, which needs 50 MB of Perl.
    command += ["--include=?essential", f"--include=usr-is-merged,{','.join(recipe.packages)}"]
    command += [f'--customize-hook=chroot "$1" useradd --system {user}' for user in recipe.users]
    for number, (path, text) in enumerate(recipe.files):
        source = directory / f"file-{number}"
        source.write_text(text)
        source.chmod(0o755)
        command.append(f"--customize-hook=upload {shlex.quote(str(source))} {path}")
        command.append(f'--customize-hook=chmod 755 "$1"{path}')
    command.append('--customize-hook=rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap')
    return [*command, distribution.suite, str(archive), *distribution.sources]
