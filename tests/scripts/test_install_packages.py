# SPDX-License-Identifier: ISC
"""What `make check` and `make test` need: who asks npm's registry, how often, and what is said when it
does not answer."""
import os
import pathlib
import shutil
import subprocess
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
INSTALLED = "#!/bin/sh\necho installed\n"


@pytest.fixture
def tree(tmp_path):
    """A clone in which each Debian package is there, with a registry of its own."""
    for path in ("scripts/install-packages", "tests/world/imapflow/package.json",
                 "tests/world/imapflow/package-lock.json"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / path, tmp_path / path)
    command(tmp_path, "dpkg-query", INSTALLED)
    command(tmp_path, "node", "#!/bin/sh\n")
    return tmp_path


def command(tree, name, text):
    path = tree / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def npm(tree, *answers):
    """An npm that does these one after the other, and says how often it was asked."""
    asked = tree / "asked"
    cases = "\n".join(f"{i}) {what} ;;" for i, what in enumerate(answers, 1))
    command(tree, "npm", f"""#!/bin/sh
[ "$1" = ci ] || {{ echo http://registry.test/; exit 0; }}
echo >> {asked}
case $(wc -l < {asked}) in
{cases}
esac
""")


def asked(tree):
    return (tree / "asked").read_text().count("\n") if (tree / "asked").exists() else 0


def install(tree, *groups):
    return subprocess.run([tree / "scripts/install-packages", *groups], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                          env=os.environ | {"PATH": f"{tree}/bin:{os.environ['PATH']}",
                                            "NPM_SECONDS": "1"})


def test_the_quick_loop_asks_no_registry(tree):
    npm(tree, "exit 1")
    assert install(tree, "build", "test").returncode == 0
    assert asked(tree) == 0


def test_what_is_there_is_not_fetched_again(tree):
    npm(tree, "exit 0", "exit 1", "exit 1")
    assert install(tree, "world").returncode == 0
    assert install(tree, "world").returncode == 0
    assert asked(tree) == 1


def test_a_registry_that_fails_once_is_asked_once_more(tree):
    npm(tree, "exit 1", "exit 0")
    assert install(tree, "world").returncode == 0
    assert asked(tree) == 2


def test_a_registry_that_does_not_answer_is_waited_for_twice_and_the_error_says_what_to_do(tree):
    npm(tree, "sleep 50", "sleep 50", "exit 0")
    began = time.monotonic()
    done = install(tree, "build", "world")
    assert done.returncode == 1 and time.monotonic() - began < 20
    assert asked(tree) == 2
    for words in ("http://registry.test/", "make check goes without", "npm config set registry"):
        assert words in done.stdout
