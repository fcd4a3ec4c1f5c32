# SPDX-License-Identifier: Apache-2.0
"""`ibid doctor`: which TLS library a program or a process has."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from command import PYTHON, examine, ldd, make_embedding, make_library, make_program, run_to_end
from this_openssl import LIBCRYPTO, LIBSSL, SONAME_VERSION, VERSION


class TestTlsOfPrograms:
    def test_says_whose_tls_it_is_when_it_is_not_openssls(self, ibid: Path, tmp_path: Path) -> None:
        gnutls = make_library(tmp_path, "libgnutls.so.30")
        for others in ([], [f"-l:{LIBCRYPTO}"]):
            found = examine(ibid, make_program(tmp_path, str(gnutls), *others))
            assert found["helps"] is False
            assert f"its TLS is GnuTLS ({gnutls}); ibid helps programs whose TLS is OpenSSL" in found["problems"]
        # One of its libraries loads OpenSSL, so it is unknown which TLS library the program uses.
        library = make_library(tmp_path, "libuses.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(tmp_path / "libuses.so.c"), "-Wl,--no-as-needed", f"-l:{LIBSSL}", f"-l:{LIBCRYPTO}"], check=True)
        found = examine(ibid, make_program(tmp_path, str(gnutls), str(library)))
        assert found["helps"] is None
        assert "its own TLS is GnuTLS" in str(found["notes"])

    @pytest.mark.parametrize("name", ["wget", "aria2c", "lynx", "weechat-headless"])
    def test_says_so_of_real_programs(self, ibid: Path, name: str) -> None:
        path = shutil.which(name)
        if path is None or "libgnutls" not in run_to_end(["ldd", path]).stdout:
            pytest.skip(f"there is no {name} with GnuTLS here")
        done = run_to_end([str(ibid), "doctor", name])
        assert done.returncode == 1
        assert "its TLS is GnuTLS" in done.stdout
        assert "ibid helps here" not in done.stdout

    def test_does_not_say_that_it_helps_a_program_with_libcrypto_alone(self, ibid: Path, tmp_path: Path) -> None:
        program = make_program(tmp_path, f"-l:{LIBCRYPTO}")
        assert examine(ibid, program)["helps"] is None
        text = run_to_end([str(ibid), "doctor", str(program)]).stdout
        assert "only with OpenSSL's libcrypto, which does no TLS" in text
        assert "ibid helps here" not in text

    def test_says_that_ibid_is_disabled_where_a_program_has_memory_of_its_own(self, ibid: Path, tmp_path: Path) -> None:
        code = "int CRYPTO_set_mem_functions(void*, void*, void*); int f(void) { return CRYPTO_set_mem_functions(0, 0, 0); }"
        library = make_library(tmp_path, "libmemory.so", code)
        found = examine(ibid, make_program(tmp_path, str(library), f"-l:{LIBSSL}", f"-l:{LIBCRYPTO}"))
        assert found["helps"] is False
        assert f"{library} sets OpenSSL's memory functions" in str(found["problems"])
        assert not any(feature["active"] for feature in found["features"])

    @pytest.mark.parametrize(
        ("names", "when"),
        [
            (("CRYPTO_get_ex_new_index", "EC_KEY_set_ex_data"), "it has a callback for each key that is copied or freed"),
            (("OSSL_LIB_CTX_set0_default",), "it gives a thread a default library context of its own"),
            (("SSL_CTX_add_custom_ext", "X509_set_ex_data"), "it adds a TLS extension, which gets certificates"),
            (("CRYPTO_get_ex_new_index", "X509_set_ex_data"), None),  # as nginx
            (("SSL_CTX_add_custom_ext",), None),
        ],
    )
    def test_knows_what_it_does_not_know_before_a_program_runs(self, ibid: Path, tmp_path: Path, names: tuple[str, ...], when: str | None) -> None:
        code = "".join(f"int {name}(void*);" for name in names) + f"int f(void) {{ return {' + '.join(f'{name}(0)' for name in names)}; }}"
        library = make_library(tmp_path, "libcalls.so", code)
        found = examine(ibid, make_program(tmp_path, str(library), f"-l:{LIBSSL}", f"-l:{LIBCRYPTO}"))
        assert found["helps"] is (None if when else True)
        assert ("ibid is disabled in that process" in str(found["notes"])) == bool(when)
        if when:
            assert any(note.startswith(f"{library} names {names[0]}") and when in note for note in found["notes"])

    def test_does_not_say_that_it_helps_openvpn(self, ibid: Path) -> None:
        """Its library for tokens registers a callback for each key (docs/operators/programs.md)."""
        if shutil.which("openvpn") is None:
            pytest.skip("there is no openvpn here")
        found = json.loads(run_to_end([str(ibid), "doctor", "--json", "openvpn"]).stdout)
        assert found["helps"] is not True

    def test_sees_openssl_inside_an_executable(self, ibid: Path, tmp_path: Path) -> None:
        source = tmp_path / "inside.c"
        source.write_text("int SSL_CTX_new(void) { return 0; }\nint main(void) { return 0; }\n")
        program = tmp_path / "inside"
        subprocess.run(["cc", "-rdynamic", "-o", str(program), str(source)], check=True)
        found = examine(ibid, program)
        assert found["helps"] is False
        assert "OpenSSL is inside the executable (it exports SSL_CTX_new itself): ibid cannot help" in found["problems"]

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("OpenSSL 3.0.15 3 Sep 2024", 'OpenSSL is inside the executable (the text "OpenSSL 3.0.15" is in it): ibid cannot help'),
            ("OpenSSL 1.1.1 (compatible; BoringSSL)", "its TLS is BoringSSL; ibid helps programs whose TLS is OpenSSL"),
            ("OpenSSL 1.1.1 (compatible; AWS-LC 1.40.0)", "its TLS is AWS-LC; ibid helps programs whose TLS is OpenSSL"),
            ("LibreSSL 3.8.2", "its TLS is LibreSSL; ibid helps programs whose TLS is OpenSSL"),
        ],
    )
    def test_sees_what_is_linked_in_statically(self, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]], text: str, what: str) -> None:
        """Like Node and Envoy: doctor on the program, and on a process of it."""
        program = make_embedding(tmp_path, text)
        process = started([str(ibid), "run", str(program)])
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        for subject in (program, process.pid):
            found = examine(ibid, subject)
            assert found["helps"] is False
            assert what in found["problems"]  # type: ignore[operator]

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("OpenSSL 1.1.1w  11 Sep 2023", "is neither OpenSSL 3 nor 4 (version 1.1.1w)"),
            ("OpenSSL 1.1.1 (compatible; BoringSSL)", "its TLS is BoringSSL"),
            ("LibreSSL 4.0.0", "its TLS is LibreSSL"),
            ("OpenSSL 4.0.1 9 Jun 2026", "4.0.3 or newer"),
        ],
    )
    def test_sees_libraries_that_only_have_the_names(self, ibid: Path, tmp_path: Path, text: str, what: str) -> None:
        code = f'const char text[] = "{text}"; int f(void) {{ return 1; }}'
        libraries = [str(make_library(tmp_path, name, code)) for name in ("libssl.so.9", "libcrypto.so.9")]
        found = examine(ibid, make_program(tmp_path, *libraries))
        assert found["helps"] is False
        assert what in str(found["problems"]) + str(found["next"])
        assert not any(feature["active"] for feature in found["features"])  # type: ignore[attr-defined]

    def test_sees_openssl_that_a_wheel_brings(self, ibid: Path, tmp_path: Path) -> None:
        """With a name as from auditwheel."""
        theirs = []
        for path in ldd("/usr/bin/curl"):
            for name in ("libssl", "libcrypto"):
                if f"/{name}.so" in path:
                    theirs.append(tmp_path / f"{name}-0d2d4e85.so.{SONAME_VERSION}")
                    shutil.copy(path, theirs[-1])
        module = make_library(tmp_path, "module.so")
        subprocess.run(["cc", "-shared", "-o", str(module), "-Wl,--no-as-needed", f"-Wl,-rpath,{tmp_path}", f"-L{tmp_path}", *[f"-l:{one.name}" for one in theirs]], check=True)
        found = examine(ibid, make_program(tmp_path, str(module)))
        assert found["openssl"]["version"] == VERSION  # type: ignore[index]

    def test_sees_nss(self, ibid: Path, tmp_path: Path) -> None:
        found = examine(ibid, make_program(tmp_path, str(make_library(tmp_path, "libssl3.so"))))
        assert found["helps"] is False
        assert "its TLS is NSS" in str(found["problems"])

    @pytest.mark.parametrize(("name", "whose"), [("prometheus", "Go's own (crypto/tls)"), ("rustup", "rustls")])
    def test_sees_other_tls_inside_an_executable(self, ibid: Path, name: str, whose: str) -> None:
        if shutil.which(name) is None:
            pytest.skip(f"there is no {name} here")
        found = examine(ibid, name)
        assert found["helps"] is False
        assert f"its TLS is {whose}; ibid helps programs whose TLS is OpenSSL" in str(found["problems"])

    def golike(self, folder: Path, *options: str, mark: str = r"\377 Go buildinf:\010\002", names: str = "crypto/tls.(*Conn).Handshake") -> Path:
        """A program with what Go's linker writes (debug/buildinfo) and with these names of functions."""
        source, program = folder / "golike.c", folder / "golike"
        source.write_text(
            f'__attribute__((aligned(16), used)) const char mark[] = "{mark}";\n__attribute__((used)) const char names[] = "{names}";\n'
            "int main(void) { return mark[0] + names[0]; }\n"
        )
        subprocess.run(["cc", "-o", str(program), str(source), "-Wl,--no-as-needed", *options], check=True)
        return program

    def test_knows_a_go_program_that_has_no_tls(self, ibid: Path, tmp_path: Path) -> None:
        """The name of the package is in each Go program, in the table of Go's settings."""
        assert "its TLS is Go's own (crypto/tls)" in str(examine(ibid, self.golike(tmp_path))["problems"])
        found = examine(ibid, self.golike(tmp_path, names="crypto/tls tlsmaxrsasize"))
        assert (found["helps"], found["problems"]) == (None, [])
        # A program that looks for Go programs contains the mark, too.
        found = examine(ibid, self.golike(tmp_path, mark=r"x\377 Go buildinf:\010\002"))
        assert (found["helps"], found["problems"]) == (None, [])

    def test_does_not_advise_another_build_of_a_static_go_program(self, ibid: Path, tmp_path: Path) -> None:
        found = examine(ibid, self.golike(tmp_path, "-static"))
        assert "its TLS is Go's own (crypto/tls)" in str(found["problems"])
        assert found["next"] == []
        assert examine(ibid, self.golike(tmp_path, "-static", names="net"))["next"] == []

    def test_does_not_know_of_a_go_program_with_cgo_and_tls_of_its_own(self, ibid: Path, tmp_path: Path) -> None:
        found = examine(ibid, self.golike(tmp_path, f"-l:{LIBSSL}", f"-l:{LIBCRYPTO}"))
        assert found["helps"] is None
        assert "has TLS of its own, too (Go's own (crypto/tls))" in str(found["notes"])
        assert "ibid run --stats" in str(found["next"])
        assert examine(ibid, self.golike(tmp_path, f"-l:{LIBSSL}", f"-l:{LIBCRYPTO}", names="net"))["helps"] is True

    def test_is_not_deceived_by_what_it_looks_for(self, ibid: Path) -> None:
        found = examine(ibid, ibid)
        assert (found["helps"], found["problems"]) == (None, [])

    def test_sees_openssl_that_does_not_name_its_version(
        self, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]
    ) -> None:
        """The linker leaves out the text of the version where nothing refers to it."""
        source, program = tmp_path / "context.c", tmp_path / "context"
        source.write_text(
            "#include <openssl/ssl.h>\n#include <unistd.h>\n"
            'int main(void) { SSL_CTX* c = SSL_CTX_new(TLS_client_method()); write(1, "ready\\n", 6); pause(); return c == 0; }\n'
        )
        built = subprocess.run(["cc", "-s", "-o", str(program), str(source), "-l:libssl.a", "-l:libcrypto.a", "-lz", "-ldl", "-lpthread"], capture_output=True)
        if built.returncode != 0:
            built = subprocess.run(["cc", "-s", "-o", str(program), str(source), "-l:libssl.a", "-l:libcrypto.a", "-ldl", "-lpthread"], capture_output=True)
        if built.returncode != 0:
            pytest.skip("there are no static libraries of OpenSSL here")
        process = started([str(program)])
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        for subject in (program, process.pid):
            found = examine(ibid, subject)
            assert found["helps"] is False
            assert "OpenSSL is inside the executable" in str(found["problems"])
            assert "ibid run" not in str(found["next"])

    def test_sees_openssl_inside_a_module(self, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]) -> None:
        """As in the wheel of cryptography."""
        code = 'char big[2 << 20] = {1}; const char* f(void) { return "tls_process_server_hello"; }'
        module = make_library(tmp_path, "module.so", code)
        process = started([str(ibid), "run", PYTHON, "-c", f"import ctypes, ssl, sys; ctypes.CDLL({str(module)!r}); print('ready', flush=True); sys.stdin.read()"])
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        found = examine(ibid, process.pid)
        assert f"{module} contains an OpenSSL of its own: what that one parses is not shared" in found["notes"]  # type: ignore[operator]

    def test_knows_java(self, ibid: Path, tmp_path: Path) -> None:
        found = examine(ibid, make_program(tmp_path, str(make_library(tmp_path, "libjli.so"))))
        assert found["helps"] is None
        assert "starts Java, which has TLS of its own (JSSE)" in str(found["notes"])

    def test_lists_the_libcryptos_of_a_process(self, ibid: Path, tmp_path: Path, started: Callable[..., subprocess.Popen[str]]) -> None:
        """As with psycopg2-binary, which contains an OpenSSL of its own."""
        ours = next(path for path in ldd("/usr/bin/curl") if LIBCRYPTO in path)
        another = tmp_path / f"libcrypto-ca1fdc2f.so.{SONAME_VERSION}"
        shutil.copy(ours, another)
        loads = f"import ctypes, _ssl, os; ctypes.CDLL({str(another)!r}); print('ready', flush=True)\nimport sys\nsys.stdin.read()"
        process = started([str(ibid), "run", PYTHON, "-c", loads])
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        paths = [one["path"] for one in examine(ibid, process.pid)["libcryptos"]]  # type: ignore[attr-defined]
        assert len(paths) == 2
        assert str(another) in paths
        text = run_to_end([str(ibid), "doctor", str(process.pid)]).stdout
        assert "it has 2 of them:" in text
