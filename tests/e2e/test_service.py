# SPDX-License-Identifier: Apache-2.0
"""`ibid enable`, `disable`, `status`: on folders that look like a system, and with a real systemd in its own namespaces."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

PYTHON = "/usr/bin/python3"
BOOT = Path(__file__).resolve().parent / "boot_systemd.sh"
UNIT = "[Unit]\nDescription=test\n[Service]\nExecStart=/usr/bin/curl --version\n"


def call(*words: object, **options: object) -> subprocess.CompletedProcess[str]:
    settings: dict[str, object] = {"capture_output": True, "text": True, "timeout": 120, **options}
    return subprocess.run([str(word) for word in words], **settings)  # type: ignore[call-overload, no-any-return]


@pytest.fixture(scope="module")
def installed(ibid: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an installed ibid, like an image."""
    root = tmp_path_factory.mktemp("image")
    build = ibid.parent.parent
    done = call("cmake", "--install", build, env={**os.environ, "DESTDIR": str(root)})
    assert done.returncode == 0, done.stderr
    (root / "usr/bin").mkdir(parents=True, exist_ok=True)
    shutil.copy("/usr/bin/curl", root / "usr/bin/curl")
    return root


@pytest.fixture
def image(installed: Path) -> Path:
    if (installed / "etc").is_symlink():
        (installed / "etc").unlink()
    shutil.rmtree(installed / "etc", ignore_errors=True)
    units = installed / "etc/systemd/system"
    units.mkdir(parents=True)
    (installed / "usr/lib/systemd/system").mkdir(parents=True, exist_ok=True)
    (installed / "usr/lib/systemd/system/web.service").write_text(UNIT)
    return installed


class Image:
    """The command on an image."""

    def __init__(self, ibid: Path, root: Path) -> None:
        self.ibid, self.root = ibid, root

    def __call__(self, command: str, *words: str) -> subprocess.CompletedProcess[str]:
        return call(self.ibid, command, "--root", self.root, *words)

    def json(self, command: str, *words: str) -> Any:
        return json.loads(self(command, "--json", *words).stdout)

    def drop_in(self, unit: str) -> Path:
        return self.root / f"etc/systemd/system/{unit}.service.d/ibid.conf"

    def unit(self, text: str, name: str = "web") -> None:
        (self.root / f"etc/systemd/system/{name}.service").write_text(text)


@pytest.fixture
def on(ibid: Path, image: Path) -> Image:
    return Image(ibid, image)


def tree(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() if p.is_file() else "" for p in sorted((folder / "etc").rglob("*"))}


class TestEnable:
    def test_writes_one_file_that_it_shows_and_disable_removes_exactly_that(self, on: Image) -> None:
        before = tree(on.root)
        done = on("enable", "web")
        assert done.returncode == 0, done.stdout + done.stderr
        text = on.drop_in("web").read_text()
        assert re.fullmatch(
            r"# Written by 'ibid enable web\.service'\. 'ibid disable web\.service' removes it\.\n\[Service\]\n"
            r'Environment="LD_PRELOAD=/usr/local/lib/ibid/before-libasan\.so/\$LIB/libibid_preload\.so"\n',
            text,
        )
        assert all(f"    {line}\n" in done.stdout for line in text.splitlines())
        assert set(tree(on.root)) - set(before) == {"etc/systemd/system/web.service.d", "etc/systemd/system/web.service.d/ibid.conf"}
        assert on("status", "web").returncode == 0
        assert on("disable", "web.service").returncode == 0
        assert tree(on.root) == before
        assert on("status", "web").returncode == 1

    def test_keeps_the_folder_where_something_else_is_in_it(self, on: Image) -> None:
        folder = on.drop_in("web").parent
        folder.mkdir()
        (folder / "limits.conf").write_text("[Service]\nLimitNOFILE=1000\n")
        before = tree(on.root)
        assert on("enable", "web").returncode == 0
        assert on("disable", "web").returncode == 0
        assert tree(on.root) == before

    def test_shows_and_writes_nothing_when_asked_to(self, on: Image) -> None:
        before = tree(on.root)
        done = on("enable", "--dry-run", "web")
        assert done.returncode == 0
        assert "(not written: --dry-run)" in done.stdout and "LD_PRELOAD" in done.stdout
        assert on.json("enable", "--dry-run", "web")["written"] is False
        assert tree(on.root) == before

    def test_is_the_same_when_it_is_done_twice(self, on: Image) -> None:
        assert on.json("enable", "web")["written"] is True
        text = on.drop_in("web").read_text()
        again = on.json("enable", "web")
        assert (again["written"], again["unchanged"]) == (False, True)
        assert on.drop_in("web").read_text() == text

    def test_puts_ibid_before_a_preload_that_is_there(self, on: Image) -> None:
        on.unit(UNIT + 'Environment="A=b c" LD_PRELOAD=/usr/lib/libjemalloc.so.2\n')
        assert "before-libasan.so/$LIB/libibid_preload.so:/usr/lib/libjemalloc.so.2" in on.json("enable", "web")["content"]
        assert "jemalloc.so.2" in on.json("enable", "web")["content"]
        (on.root / "etc/web.env").write_text("LD_PRELOAD=/usr/lib/libjemalloc.so.2\n")
        on.unit(UNIT + "EnvironmentFile=-/etc/web.env\n")
        assert "/etc/web.env sets LD_PRELOAD" in str(on.json("enable", "web")["problems"])

    @pytest.mark.parametrize(("there", "then"), [("/%p/x.so", ":/%p/x.so"), ("/a%%b.so", ":/a%%b.so"), ("a\\x20b", ":a b"), ('\\"q', ':\\"q'), ("t\\tb", ":t\\x09b")])
    def test_keeps_specifiers_and_escapes_of_a_preload_that_is_there(self, on: Image, there: str, then: str) -> None:
        on.unit(f'{UNIT}Environment="LD_PRELOAD={there}"\n')
        assert on("enable", "web").returncode == 0
        assert f'libibid_preload.so{then}"\n' in on.drop_in("web").read_text()
        assert on("status", "web").returncode == 0

    def test_writes_specifiers_of_settings_as_text(self, on: Image) -> None:
        assert on("enable", "--set", "IBID_EXCLUDE=50%n", "web").returncode == 0
        assert 'Environment="IBID_EXCLUDE=50%%n"\n' in on.drop_in("web").read_text()

    def test_takes_settings_and_refuses_wrong_ones(self, on: Image) -> None:
        assert on("enable", "--set", "IBID_PRIVACY=strict", "--set=IBID_RETAIN=8M", "web").returncode == 0
        assert 'Environment="IBID_PRIVACY=strict"\nEnvironment="IBID_RETAIN=8M"\n' in on.drop_in("web").read_text()
        told = on.json("enable", "--dry-run", "--set", "IBID_PRIVACY=off", "web")
        gone = "IBID_RETAIN=8M was set in this file and no longer is; to keep it: --set IBID_RETAIN=8M"
        assert gone in told["notes"] and "IBID_PRIVACY=strict" not in str(told["notes"])
        for wrong in ("IBID_PRIVACY=much", "PATH=/", "IBID_PRIVACY", "IBID_EXCLUDE=a\nb", "IBID_EXCLUDE=\x1b[31m", "IBID_EXCLUDE=" + "a" * 2000):
            assert on("enable", "--set", wrong, "web").returncode == 2

    def test_copies_what_the_files_say_for_the_program(self, on: Image) -> None:
        (on.root / "etc/ibid.conf").write_text("IBID_RETAIN=8M\nIBID_SCOPE=some\n[curl]\nIBID_PRIVACY=strict\n[nginx]\nIBID_SCOPE=all\n")
        told = on.json("enable", "--set", "IBID_RETAIN=1M", "web")
        assert 'Environment="IBID_PRIVACY=strict"\nEnvironment="IBID_RETAIN=1M"\n' in told["content"]
        assert "IBID_SCOPE" not in told["content"]
        assert "IBID_PRIVACY=strict comes from /etc/ibid.conf:4 [curl]" in told["notes"]
        assert "/etc/ibid.conf:2: IBID_SCOPE=some" in str(told["notes"])
        on("disable", "web")
        (on.root / "etc/ibid.conf").write_text("[curl]\nIBID_DISABLE=1\n")
        done = on("enable", "web")
        assert done.returncode == 1 and "/etc/ibid.conf:2 [curl] disables ibid in it" in done.stdout

    def test_adds_programs_that_a_section_disables_to_those_that_are_excluded(self, on: Image) -> None:
        (on.root / "etc/ibid.conf").write_text("IBID_RETAIN=8M\n[git]\nIBID_DISABLE=1\n")
        assert 'Environment="IBID_EXCLUDE=a:git"\n' in on.json("enable", "--dry-run", "--set", "IBID_EXCLUDE=a", "web")["content"]
        on.unit(UNIT + "Environment=IBID_EXCLUDE=%p IBID_RETAIN=1M\n")
        content = on.json("enable", "--dry-run", "web")["content"]
        assert 'Environment="IBID_EXCLUDE=%p:git"\n' in content
        assert "IBID_RETAIN" not in content, "the unit's own value stays"

    def test_leaves_a_file_alone_that_it_did_not_write(self, on: Image) -> None:
        on.drop_in("web").parent.mkdir()
        on.drop_in("web").write_text("[Service]\nNice=5\n")
        before = tree(on.root)
        for command in ("enable", "disable"):
            done = on(command, "web")
            assert done.returncode == 1
            assert "ibid did not write it" in done.stderr
        assert tree(on.root) == before

    def test_follows_an_alias_and_knows_instances_and_masks(self, on: Image) -> None:
        units = on.root / "etc/systemd/system"
        (units / "other.service").symlink_to("/usr/lib/systemd/system/web.service")
        assert on.json("enable", "other")["file"] == str(on.drop_in("web"))
        on.unit(UNIT, "many@")
        assert on.json("enable", "many@one")["file"] == str(on.drop_in("many@one"))
        (units / "gone.service").symlink_to("/dev/null")
        assert "is masked" in on("enable", "gone").stderr
        assert "there is no nothing.service" in on("enable", "nothing").stderr

    def test_of_all_can_be_taken_back_at_once(self, on: Image) -> None:
        on.unit(UNIT, "one")
        before = tree(on.root)
        for name in ("one", "web"):
            assert on("enable", name).returncode == 0
        assert [s["service"] for s in on.json("status")["services"]] == ["one.service", "web.service"]
        assert on("disable", "--all").returncode == 0
        assert tree(on.root) == before
        assert on("disable", "--all").returncode == 0

    def test_leaves_nothing_behind_where_it_cannot_write(self, on: Image) -> None:
        before = tree(on.root)
        done = subprocess.run(
            [str(on.ibid), "enable", "--root", str(on.root), "web"], capture_output=True, text=True, timeout=60,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
        )
        assert (done.returncode, done.stderr) == (1, f"ibid: cannot write {on.drop_in('web')}: File too large\n")
        assert tree(on.root) == before

    def test_needs_ibid_in_the_image(self, ibid: Path, tmp_path: Path) -> None:
        (tmp_path / "etc/systemd/system").mkdir(parents=True)
        (tmp_path / "etc/systemd/system/web.service").write_text(UNIT)
        done = call(ibid, "enable", "--root", tmp_path, "web")
        assert (done.returncode, f"ibid is not installed in {tmp_path}" in done.stderr) == (1, True)
        assert call(ibid, "enable", "--root", tmp_path / "nowhere", "web").returncode == 2


class TestLaterDropIns:
    """systemd applies drop-ins in the order of their names: override.conf, which `systemctl edit` writes, comes after ibid.conf."""

    PLACES = ("etc/systemd/system/web.service.d", "etc/systemd/system/service.d", "usr/lib/systemd/system/web.service.d")

    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize(
        ("line", "says"),
        [("Environment=LD_PRELOAD=/x.so", "sets LD_PRELOAD again"), ("Environment=", "its empty Environment= removes what that sets")],
    )
    def test_that_undo_it_are_a_problem(self, on: Image, place: str, line: str, says: str) -> None:
        file = on.root / place / "override.conf"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"[Service]\n{line}\n")
        try:
            expected = f"/{place}/override.conf is read after ibid.conf, and {says}"
            found = on.json("enable", "web")
            assert (found["written"], found["problems"]) == (False, [expected])
            assert on("enable", "--force", "web").returncode == 0
            done = on("status", "web")
            assert (done.returncode, f"on, but {expected}" in done.stdout) == (1, True)
            assert on.json("status", "web")["services"][0]["overridden"] == [expected]
        finally:
            file.unlink()

    def test_that_override_a_setting_are_a_problem(self, on: Image) -> None:
        on.drop_in("web").parent.mkdir()
        later = on.drop_in("web").with_name("override.conf")
        later.write_text("[Service]\nEnvironment=IBID_PRIVACY=strict\n")
        assert "sets IBID_PRIVACY again" in str(on.json("enable", "--set", "IBID_PRIVACY=off", "web")["problems"])
        assert on.json("enable", "--set", "IBID_PRIVACY=strict", "web")["problems"] == []

    @pytest.mark.parametrize("name", ["override.conf", "10-first.conf"])
    def test_that_do_not_undo_it_are_none(self, on: Image, name: str) -> None:
        on.drop_in("web").parent.mkdir()
        line = "Environment=LANG=C" if name == "override.conf" else "Environment="
        on.drop_in("web").with_name(name).write_text(f"[Service]\n{line}\n")
        assert on("enable", "web").returncode == 0
        assert on("status", "web").returncode == 0
        assert on.json("status", "web")["services"][0]["overridden"] == []


class TestFilesOfOthers:
    """The files of an image, and units that systemd reads differently from what one would think."""

    @pytest.mark.parametrize("part", ["etc/systemd/system/web.service.d", "etc/systemd/system", "etc/systemd", "etc"])
    def test_links_of_an_image_do_not_lead_out_of_it(self, on: Image, tmp_path: Path, part: str) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        link = on.root / part
        if link.is_dir():
            shutil.rmtree(link)
        link.symlink_to(outside)
        on("enable", "web")
        assert list(outside.rglob("*")) == []
        (outside / "ibid.conf").write_text("# Written by 'ibid enable web.service'.\n")
        on("disable", "web")
        assert (outside / "ibid.conf").exists()

    def test_links_of_an_image_are_followed_inside_it(self, on: Image) -> None:
        (on.root / "etc/real").mkdir()
        on.drop_in("web").parent.symlink_to("/etc/real")
        assert on("enable", "web").returncode == 0
        assert (on.root / "etc/real/ibid.conf").exists()
        assert on("status", "web").returncode == 0
        assert on("disable", "web").returncode == 0
        assert not (on.root / "etc/real/ibid.conf").exists()

    def test_settings_are_those_of_the_image(self, on: Image, tmp_path: Path) -> None:
        (tmp_path / "hosts.conf").write_text("IBID_RETAIN=1M\n")
        (on.root / "etc/ibid.conf").symlink_to(tmp_path / "hosts.conf")
        assert "IBID_RETAIN" not in on.json("enable", "--dry-run", "web")["content"]

    @pytest.mark.parametrize("file", ["web.service", "web.service.d/x.conf", "web.service.d/ibid.conf"])
    def test_a_fifo_is_not_waited_for(self, on: Image, file: str) -> None:
        fifo = on.root / "etc/systemd/system" / file
        fifo.parent.mkdir(exist_ok=True)
        os.mkfifo(fifo)
        for words in (["enable", "--dry-run", "web"], ["status", "web"], ["disable", "--dry-run", "web"]):
            call(on.ibid, words[0], "--root", on.root, *words[1:], timeout=5)

    def test_links_that_are_no_unit_are_told(self, on: Image) -> None:
        units = on.root / "etc/systemd/system"
        (units / "loop.service").symlink_to("loop.service")
        (units / "odd.service").symlink_to("/etc/passwd")
        for name in ("loop", "odd"):
            done = on("enable", name)
            assert done.returncode == 1
            assert f"/etc/systemd/system/{name}.service is a link to" in done.stderr
            assert "which is no unit of a service" in done.stderr

    @pytest.mark.parametrize(
        "text",
        [
            "\ufeff[Service]\nExecStart=/usr/bin/curl --version\n",
            "[Service]\nExecStart=/usr/bin/c\\x75rl --version\n",
            "[Service]\nExecStart=/usr/bin/curl --version \\\n",
            "[Service]\nExecStart=/usr/bin/curl --version",
        ],
        ids=["byte-order-mark", "escape", "goes-on-at-the-end", "no-newline"],
    )
    def test_a_unit_is_read_as_systemd_reads_it(self, on: Image, text: str) -> None:
        on.unit(text)
        found = on.json("enable", "--dry-run", "web")
        assert (found["program"], found["problems"]) == ("/usr/bin/curl", [])

    def test_names_obey_nothing_on_a_terminal(self, on: Image) -> None:
        on.unit("[Service]\nExecStart=/usr/sbin/\x1b[31msvc\n")
        (on.root / "etc/systemd/system/\x1b[31mx.service.d").mkdir()
        (on.root / "etc/systemd/system/\x1b[31mx.service.d/ibid.conf").write_text("# Written by 'ibid enable x'\n")
        shown = [on(*words) for words in (["enable", "web"], ["status"], ["disable", "--all"])]
        assert "/usr/sbin/?[31msvc" in shown[0].stdout
        assert not any("\x1b" in done.stdout + done.stderr for done in shown)

    @pytest.mark.parametrize("command", ["enable", "disable", "status"])
    def test_a_name_that_no_service_can_have_is_wrong_usage(self, on: Image, command: str) -> None:
        done = on(command, "../x")
        assert done.returncode == 2
        assert "'../x' is not the name of a service" in done.stderr


PRELOAD = "/usr/local/lib/libibid_preload.so"


class TestJudgement:
    """It prints the reasons against enabling; then it writes only with --force."""

    @pytest.mark.parametrize(
        ("setting", "problem"),
        [
            ("RootDirectory=/srv/jail", "the service sees the files there"),
            ("RootImage=/srv/jail.img", "the service sees the files there"),
            (f"InaccessiblePaths=-{PRELOAD}", "InaccessiblePaths= hides"),
            ("TemporaryFileSystem=/usr/local:ro", "TemporaryFileSystem= hides"),
            ("NoExecPaths=/", "NoExecPaths= forbids"),
            ("UnsetEnvironment=LANG LD_PRELOAD", "UnsetEnvironment= removes"),
            ("Environment=IBID_DISABLE=1", "IBID_DISABLE=1"),
            ("Environment=IBID_EXCLUDE=git:curl", "IBID_EXCLUDE names curl"),
            ("Environment=LD_AUDIT=/nowhere/at/all.so", "LD_AUDIT is set"),
        ],
    )
    def test_of_directives_that_stand_in_the_way(self, on: Image, setting: str, problem: str) -> None:
        on.unit(UNIT + setting + "\n")
        done = on("enable", "web")
        assert done.returncode == 1
        assert problem in done.stdout
        assert "--force" in done.stdout
        assert not on.drop_in("web").exists()
        assert on("enable", "--force", "web").returncode == 0
        assert on.drop_in("web").exists()

    def test_of_settings_that_mean_nothing(self, on: Image) -> None:
        on.unit(UNIT + "Environment=IBID_VERIFY_MEMO=bogus IBID_DISABLED=1 IBID_EXCLUDE=git\n")
        found = on.json("enable", "web")
        assert found["problems"] == []
        assert "IBID_VERIFY_MEMO" in str(found["notes"]) and "IBID_DISABLED" in str(found["notes"])

    def test_of_each_command_of_a_oneshot_service(self, on: Image) -> None:
        for commands in (("/usr/bin/curl", "/bin/true"), ("/usr/sbin/kamailio", "/usr/bin/curl"), ("/usr/bin/curl", "/usr/sbin/kamailio")):
            on.unit("[Service]\nType=oneshot\n" + "".join(f"ExecStart={command}\n" for command in commands))
            found = on.json("enable", "web")
            assert (found["program"], found["problems"]) == ("/usr/bin/curl", [])

    def test_of_a_program_that_the_image_does_not_have(self, on: Image) -> None:
        on.unit("[Service]\nExecStart=/usr/bin/there-is-no-such-program\n")
        found = on.json("enable", "web")  # the program may be installed later
        assert found["written"] is True
        assert f"there is no program /usr/bin/there-is-no-such-program in {on.root} so far" in found["notes"]

    def test_of_units_that_are_no_services(self, on: Image) -> None:
        done = on("enable", "web.socket")
        assert done.returncode == 1
        assert "web.socket is a socket unit: name the service that it starts" in done.stderr

    @pytest.mark.parametrize(
        "settings",
        [
            "MemoryDenyWriteExecute=yes\nSystemCallFilter=@system-service\nProtectProc=invisible\nProcSubset=pid\nRestrictAddressFamilies=AF_INET",
            "ProtectSystem=strict\nProtectHome=yes\nPrivateTmp=yes\nPrivateDevices=yes\nNoNewPrivileges=yes",
            "NoExecPaths=/\nExecPaths=/usr/bin /usr/lib \\\n  /usr/local/lib",
            "TemporaryFileSystem=/usr/local\nBindReadOnlyPaths=/usr/local/lib",
            "InaccessiblePaths=/usr/local\nInaccessiblePaths=",
            "RootDirectory=/",
            "UnsetEnvironment=LD_PRELOAD=/x.so",
        ],
    )
    def test_of_directives_that_do_not(self, on: Image, settings: str) -> None:
        on.unit(f"{UNIT}{settings}\n")
        assert on.json("enable", "web")["problems"] == []

    @pytest.mark.parametrize(
        ("command", "problem"),
        [
            ("/usr/lib/postgresql/15/bin/postgres -D x", "each connection is a process of its own"),
            ("socat OPENSSL-LISTEN:443,fork,cert=x STDIO", "each connection is a process of its own"),
            ("+/usr/sbin/kamailio -DD", "ibid is disabled"),
            ("/usr/sbin/apachectl start", "prefork"),
        ],
    )
    def test_of_services_that_have_one_connection_in_a_process(self, on: Image, command: str, problem: str) -> None:
        mods = on.root / "etc/apache2/mods-enabled"
        mods.mkdir(parents=True)
        (mods / "mpm_prefork.load").touch()
        on.unit(f"[Service]\nExecStart={command}\n")
        found = on.json("enable", "web")
        assert problem in str(found["problems"])
        assert found["written"] is False
        (mods / "mpm_prefork.load").rename(mods / "mpm_event.load")
        if "apache" in command:
            assert on.json("enable", "web")["problems"] == []

    def test_of_sockets_that_accept(self, on: Image) -> None:
        on.unit(UNIT, "each@")
        (on.root / "etc/systemd/system/each.socket").write_text("[Socket]\nListenStream=443\nAccept=yes\n")
        assert "Accept=yes" in str(on.json("enable", "each@")["problems"])

    @pytest.mark.parametrize(
        ("name", "command", "line"),
        [("dovecot", "/usr/sbin/dovecot -F", "import_environment LD_PRELOAD"), ("postfix@-", "/usr/sbin/postfix start", "postconf -e")],
    )
    def test_says_the_line_that_a_server_needs_beside_it(self, on: Image, name: str, command: str, line: str) -> None:
        on.unit(f"[Service]\nExecStart={command}\n", name)
        found = on.json("enable", name)
        assert found["written"] is True
        assert line in str(found["needed"])

    def test_knows_that_postfix_is_another_unit(self, on: Image) -> None:
        on.unit("[Service]\nExecStart=/bin/true\n", "postfix")
        assert "postfix@-.service" in str(on.json("enable", "postfix")["problems"])

    def test_looks_at_the_program(self, ibid: Path) -> None:
        """On the running system it also tells which TLS library the service uses."""
        if not any(Path(f, "nginx.service").exists() for f in ("/lib/systemd/system", "/usr/lib/systemd/system")):
            pytest.skip("there is no nginx.service here")
        found = json.loads(call(ibid, "enable", "--dry-run", "--json", "nginx").stdout)
        assert found["program"].endswith("/nginx")
        assert found["problems"] == []
        text = call(ibid, "doctor", "nginx.service")
        assert text.returncode == 0
        assert "about      nginx.service (" in text.stdout
        assert "'ibid enable nginx.service' enables it" in text.stdout
        assert "off; 'ibid enable nginx.service' turns it on" in call(ibid, "status", "nginx").stdout


SERVER = """
import ssl, sys, time
contexts = [ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt") for _ in range(3)]
open("/srv/trial/ready", "w").close()
time.sleep(1000)
"""
# All hardening options in systemd's manual with which a Python program still starts.
HARDENED = """[Service]
ExecStart=/usr/bin/python3 /srv/trial/server.py
MemoryDenyWriteExecute=yes
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallArchitectures=native
ProtectProc=invisible
ProcSubset=pid
RestrictAddressFamilies=AF_INET AF_INET6
RestrictNamespaces=yes
NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateIPC=yes
ProtectSystem=strict
ProtectHome=tmpfs
ProtectKernelTunables=yes
ProtectControlGroups=yes
LockPersonality=yes
CapabilityBoundingSet=
ReadWritePaths=/srv/trial
"""
TRIAL = """
started() {
    rm -f /srv/trial/ready
    systemctl daemon-reload && systemctl restart trial-web.service || exit
    for _ in $(seq 200); do [[ -e /srv/trial/ready ]] && return; sleep 0.05; done
    systemctl status trial-web.service
    exit 1
}
say() { echo "== $1"; shift; "$@"; echo "$1=$?"; }
started
say before IBID status --json trial-web
say enable IBID enable trial-web
say verify systemd-analyze verify --man=no trial-web.service
say shown systemctl show -p Environment trial-web.service
say early IBID status trial-web
started
say on IBID status --json trial-web
say blind setpriv --reuid=65534 --clear-groups IBID status --json trial-web
say unseen setpriv --reuid=65534 --clear-groups IBID status trial-web
own=/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/trial-web.service
mkdir -p $own
sleep 1000 &
echo $! >$own/cgroup.procs
say others IBID status --json trial-web
kill $!
python3 -c 'import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 1))'
say unit systemd-analyze verify --man=no ibid-exporter.service
systemctl start ibid-exporter
for _ in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/9842) 2>/dev/null && break; sleep 0.05; done
say metrics curl -sS http://127.0.0.1:9842/metrics
say user sh -c 'ps -o user=,args= -C ibid'
say sandbox sh -c 'cat /proc/$(systemctl show -p MainPID --value ibid-exporter)/status'
say security systemd-analyze security --no-pager --threshold=20 ibid-exporter.service
systemctl stop ibid-exporter
say disable IBID disable trial-web
say late IBID status trial-web
started
say off IBID status --json trial-web
say files ls /etc/systemd/system
"""


@pytest.fixture(scope="module")
def log(ibid: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The output of the commands in TRIAL, by name."""
    if not Path("/lib/systemd/systemd").exists():
        pytest.skip("there is no systemd here")
    folder = tmp_path_factory.mktemp("trial")
    (folder / "units").mkdir()
    (folder / "units/trial-web.service").write_text(HARDENED)
    unit = (ibid.parent.parent / "package/ibid-exporter.service").read_text()
    (folder / "units/ibid-exporter.service").write_text(re.sub(r"ExecStart=\S+", f"ExecStart={ibid}", unit))
    (folder / "server.py").write_text(SERVER)
    (folder / "trial.sh").write_text(TRIAL.replace("IBID", str(ibid)))
    # A preload below /tmp or /root would be hidden by PrivateTmp= and ProtectHome=.
    done = call(BOOT, folder, ibid.parent.parent)
    log = folder / "log"
    if done.returncode != 77 or not log.exists():
        pytest.skip(f"systemd does not start in namespaces here: {done.stderr}")
    parts = log.read_text().split("== ")[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to boot a systemd")
class TestWithSystemd:
    def state(self, text: str) -> Any:
        return json.loads(text[: text.rindex("}") + 1])["services"][0]

    def test_a_service_is_off_before(self, log: dict[str, str]) -> None:
        found = self.state(log["before"])
        assert (found["enabled"], len(found["processes"])) == (False, 1)
        assert found["processes"][0]["under_ibid"] is False

    def test_the_drop_in_is_taken_and_without_fault(self, log: dict[str, str], ibid: Path) -> None:
        assert "systemctl daemon-reload && systemctl restart trial-web.service" in log["enable"]
        assert "trial-web" not in log["verify"]
        assert log["verify"].endswith("=0\n")
        assert "$LIB/libibid_preload.so" in log["shown"] or "LD_PRELOAD" not in log["shown"]  # not reloaded yet

    def test_nothing_is_restarted_unasked(self, log: dict[str, str]) -> None:
        assert "its processes were started before: systemctl daemon-reload && systemctl restart" in log["early"]
        assert log["early"].endswith("=1\n")

    def test_after_the_restart_the_hardened_program_is_helped(self, log: dict[str, str]) -> None:
        found = self.state(log["on"])
        assert (found["enabled"], found["took"]) == (True, True)
        assert [p["under_ibid"] for p in found["processes"]] == [True]
        assert [p["helped"] for p in found["processes"]] == [True]
        assert log["on"].endswith("=0\n")

    def test_what_may_not_be_read_is_not_known(self, log: dict[str, str]) -> None:
        found = self.state(log["blind"])
        assert found["took"] is None
        assert [(p["under_ibid"], p["helped"], p["hits"]) for p in found["processes"]] == [(None, None, None)]
        assert "on; it is not known whether ibid is in its 1 process\n" in log["unseen"]
        assert "1 may not be read; try it with sudo" in log["unseen"]
        assert log["unseen"].endswith("=1\n")

    def test_a_users_service_of_the_same_name_does_not_count(self, log: dict[str, str]) -> None:
        assert self.state(log["others"]) == self.state(log["on"])

    def test_the_exporter_reads_other_users_processes_as_nobody_special(self, log: dict[str, str]) -> None:
        assert "ibid-exporter" not in log["unit"] and log["unit"].endswith("=0\n")
        assert 'ibid_processes{program="python3",service="trial-web.service",state="helped"} 1' in log["metrics"], log["metrics"]
        assert 'ibid_cache_hits_total{program="python3",service="trial-web.service",kind="trust_store"} 2' in log["metrics"]
        assert log["user"].split()[0] not in ("root", "nobody")

    def test_the_exporter_has_one_capability_and_a_filter_of_system_calls(self, log: dict[str, str]) -> None:
        has = dict(re.findall(r"^(\w+):\t(\w+)$", log["sandbox"], re.MULTILINE))
        assert (has["NoNewPrivs"], has["Seccomp"]) == ("1", "2")
        ptrace = f"{1 << 19:016x}"
        assert [has[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")] == [ptrace] * 4
        assert "Overall exposure level" in log["security"] and log["security"].endswith("=0\n"), log["security"]

    def test_after_disable_and_restart_nothing_is_left(self, log: dict[str, str]) -> None:
        assert "off, but still loaded in processes that were started before" in log["late"]
        found = self.state(log["off"])
        assert (found["enabled"], found["processes"][0]["under_ibid"]) == (False, False)
        assert "trial-web.service.d" not in log["files"]
