# SPDX-License-Identifier: Apache-2.0
"""Programs that fetch pages: downloaders, browsers, git, load generators."""

from __future__ import annotations

from ..subject import NUMBERS, Client

DATE = ((rb"(?i)(date: ).*", rb"\1<date>"),)
CLOCK = ((rb"\d+:\d\d:\d\d", b"<time>"), (rb"\d\d\d\d[-/]\d\d[-/]\d\d", b"<day>"), (rb"\[\d+\]", b"[<pid>]"))

WEB_CLIENTS = (
    Client("curl", "curl", ("curl", "-sS", "--cacert", "@trust@", "@more@", "@url@", "@url@"), with_certificate=("--cert", "@chain@", "--key", "@key@"),
           with_crl=("--crlfile", "@crls@")),
    Client("wget", "wget", ("wget", "-nv", "-t1", "-O-", "--ca-certificate=@trust@", "@more@", "@url@"),
           with_certificate=("--certificate=@chain@", "--private-key=@key@"), with_crl=("--crl-file=@crls@",), noise=(*CLOCK, *NUMBERS)),
    Client("wget2", "wget2", ("wget2", "-q", "-t1", "-O-", "--ca-certificate=@trust@", "@more@", "@url@"),
           with_certificate=("--certificate=@chain@", "--private-key=@key@"), with_crl=("--crl-file=@crls@",), noise=(*CLOCK, *NUMBERS)),
    Client("aria2", "aria2", ("aria2c", "-q", "--async-dns=false", "--ca-certificate=@trust@", "--allow-overwrite=true", "-m1", "-oout", "@more@", "@url@"),
           with_certificate=("--certificate=@chain@", "--private-key=@key@"), output="out", noise=NUMBERS),
    Client("axel", "axel", ("axel", "-q", "-n1", "-oout", "@url@"), env={"SSL_CERT_FILE": "@trust@"}, output="out", noise=NUMBERS),
    Client("lftp", "lftp", ("lftp", "-c", "set ssl:ca-file @trust@; set net:max-retries 1; cat @url@"), noise=NUMBERS),
    Client("w3m", "w3m", ("w3m", "-o", "ssl_ca_file=@trust@", "-o", "ssl_verify_server=1", "@more@", "-dump_source", "@url@"),
           with_certificate=("-o", "ssl_cert_file=@chain@", "-o", "ssl_key_file=@key@")),
    Client("links", "links", ("links", "-ssl.certificates", "2", "@more@", "-source", "@url@"), env={"SSL_CERT_FILE": "@trust@"},
           with_certificate=("-ssl.client-cert-key", "@key@", "-ssl.client-cert-crt", "@cert@")),
    Client("elinks", "elinks", ("elinks", "-config-dir", "@folder@", "-eval", "set connection.ssl.cert_verify = 1",
           "-eval", "set connection.ssl.trusted_ca_file = '@trust@'", "-source", "@url@")),
    Client("lynx", "lynx", ("lynx", "-source", "-cfg=@folder@/cfg", "@url@"), {"cfg": "FORCE_SSL_PROMPT:no\n"}, env={"SSL_CERT_FILE": "@trust@"},
           env_with_certificate={"SSL_CLIENT_CERT_FILE": "@chain@", "SSL_CLIENT_KEY_FILE": "@key@"}, with_certificate=()),
    Client("git", "git", ("git", "ls-remote", "@url@x.git"), env={"GIT_SSL_CAINFO": "@trust@", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"},
           env_with_certificate={"GIT_SSL_CERT": "@chain@", "GIT_SSL_KEY": "@key@"}, with_certificate=()),
    Client("openssl s_client", "openssl", ("openssl", "s_client", "-connect", "localhost:@port@", "-verify_return_error", "-verify_hostname", "localhost",
           "-CAfile", "@trust_with_crls@", "-quiet", "@more@"), input=b"GET / HTTP/1.0\r\n\r\n", with_crl=("-crl_check",),
           with_certificate=("-cert", "@cert@", "-cert_chain", "@above@", "-key", "@key@"), noise=((rb"(?m)^[0-9A-F]{16}:", b""),)),
    Client("socat, client", "socat", ("socat", "-", "OPENSSL:localhost:@port@,cafile=@trust@,verify=1,pf=ip4"), input=b"GET / HTTP/1.0\r\n\r\n",
           noise=(*CLOCK, (rb"N?\w* ?socat", b"socat"), *NUMBERS)),
    Client("ncat, client", "ncat", ("ncat", "--ssl-verify", "--ssl-trustfile", "@trust@", "@more@", "localhost", "@port@"), input=b"GET / HTTP/1.0\r\n\r\n",
           with_certificate=("--ssl-cert", "@chain@", "--ssl-key", "@key@")),
    Client("nmap, ssl-cert", "nmap", ("nmap", "-n", "-Pn", "-p@port@", "--script=ssl-cert", "127.0.0.1"),
           noise=((rb"(?m)^(Starting Nmap|Nmap done|Host is up|.*open|PORT ).*", b""),)),
    Client("sslscan", "sslscan", ("sslscan", "--no-colour", "--no-groups", "--no-heartbleed", "--no-check-certificate", "localhost:@port@"), noise=NUMBERS),
    Client("h2load", "nghttp2-client", ("h2load", "--h1", "-n40", "-c40", "@url@"), noise=((rb"(?m)^(time for|finished|Traffic|req/s|spawning|progress).*", b""), (rb"[\d.]+(us|ms|s|%)", b"<n>"), *NUMBERS)),
    Client("siege", "siege", ("siege", "-q", "-b", "-r16", "-c1", "-R", "@folder@/rc", "@more@", "@url@"), {"rc": "json_output = true\ncolor = off\nlogging = false\n"},
           noise=NUMBERS),
    Client("httperf", "httperf", ("httperf", "--hog", "--ssl", "--server=localhost", "--port=@port@", "--num-conns=20"), noise=((rb"(?m)^[0-9A-F]{16}:", b""), (rb"(?m)^(Connection|Request|Reply|CPU|Net).*", b""), *NUMBERS)),
    Client("check_http", "monitoring-plugins-basic", ("/usr/lib/nagios/plugins/check_http", "-I", "127.0.0.1", "-H", "localhost", "-p", "@port@", "-S", "-C1"),
           noise=((rb"in \d+ \w+|\(.*\)|\b[0-9A-F]{16}:", b""),)),
)
