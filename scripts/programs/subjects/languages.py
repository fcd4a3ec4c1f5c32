# SPDX-License-Identifier: Apache-2.0
"""TLS clients of programming languages: each script makes three requests, each with a new context, as scripts usually do."""

from __future__ import annotations

from ..subject import Client

PHP_STREAMS = """<?php
for ($i = 0; $i < 3; $i++) {
    $ssl = ["cafile" => "@trust@", "peer_name" => "localhost", "capture_peer_cert" => true];
    if ("@with_certificate@") { $ssl += ["local_cert" => "@chain@", "local_pk" => "@key@"]; }
    $context = stream_context_create(["ssl" => $ssl]);
    $got = @file_get_contents("@url@", false, $context);
    echo $got === false ? "no: " . error_get_last()["message"] . "\\n" : $got;
}
"""


def python(name: str, package: str, body: str, crl: bool = False) -> Client:
    script = "import os, ssl, sys\nurl = '@url@'\nown = ('@chain@', '@key@') if '@with_certificate@' else None\n"
    script += "def context():\n    made = ssl.create_default_context(cafile='@trust_with_crls@' if '@with_crl@' else '@trust@')\n"
    script += "    if '@with_crl@':\n        made.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF\n"
    script += "    if own:\n        made.load_cert_chain(*own)\n    return made\n"
    script += f"{body}\n"
    return Client(name, package, ("@python@", "@folder@/client.py"), {"client.py": script}, with_certificate=(), with_crl=() if crl else None,
                  noise=((rb"0x[0-9a-f]+", b"<address>"), (rb"_ssl\.c:\d+", b"_ssl.c")))


LOOP = "for _ in range(3):\n    try:\n        print({})\n    except Exception as error:\n        print(type(error).__name__, error)\n"

LANGUAGES = (
    python("Python, urllib", "python3", "import urllib.request\n" + LOOP.format("urllib.request.urlopen(url, context=context()).read()"), crl=True),
    python("Python, http.client", "python3",
           "import http.client\ndef get():\n    c = http.client.HTTPSConnection('localhost', @port@, context=context())\n    c.request('GET', '/')\n"
           "    return c.getresponse().read()\n" + LOOP.format("get()"), crl=True),
    python("Python, asyncio", "python3",
           "import asyncio\nasync def get():\n    reader, writer = await asyncio.open_connection('localhost', @port@, ssl=context())\n"
           "    writer.write(b'GET / HTTP/1.0\\r\\n\\r\\n')\n    answer = await reader.read(-1)\n    writer.close()\n    return answer\n"
           + LOOP.format("asyncio.run(get())"), crl=True),
    python("requests", "python3-requests", "import requests\n" + LOOP.format("requests.get(url, verify='@trust@', cert=own).text")),
    python("urllib3", "python3-urllib3", "import urllib3\n" + LOOP.format("urllib3.PoolManager(ssl_context=context(), retries=False).request('GET', url).data"), crl=True),
    python("httpx", "python3-httpx", "import httpx\n" + LOOP.format("httpx.get(url, verify=context()).text"), crl=True),
    python("aiohttp", "python3-aiohttp",
           "import aiohttp, asyncio\nasync def get():\n    async with aiohttp.ClientSession() as session, session.get(url, ssl=context()) as answer:\n"
           "        return await answer.text()\n" + LOOP.format("asyncio.run(get())"), crl=True),
    python("tornado, client", "python3-tornado",
           "import asyncio, tornado.httpclient as t\nasync def get():\n"
           "    return (await t.AsyncHTTPClient(force_instance=True).fetch(t.HTTPRequest(url, ssl_options=context()))).body\n" + LOOP.format("asyncio.run(get())")),
    python("pycurl", "python3-pycurl",
           "import io, pycurl\ndef get():\n    c, out = pycurl.Curl(), io.BytesIO()\n    c.setopt(c.URL, url)\n    c.setopt(c.CAINFO, '@trust@')\n"
           "    c.setopt(c.WRITEDATA, out)\n    if own:\n        c.setopt(c.SSLCERT, own[0])\n        c.setopt(c.SSLKEY, own[1])\n    c.perform()\n"
           "    return out.getvalue()\n" + LOOP.format("get()")),
    python("pyOpenSSL", "python3-openssl",
           "import socket\nfrom OpenSSL import SSL\ndef get():\n    c = SSL.Context(SSL.TLS_METHOD)\n    c.load_verify_locations('@trust@')\n"
           "    c.set_verify(SSL.VERIFY_PEER, lambda *a: bool(a[-1]))\n    if own:\n        c.use_certificate_chain_file(own[0])\n        c.use_privatekey_file(own[1])\n"
           "    s = SSL.Connection(c, socket.create_connection(('127.0.0.1', @port@)))\n    s.set_connect_state()\n    s.do_handshake()\n"
           "    s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n')\n    names = [x.get_subject().CN for x in s.get_peer_cert_chain()]\n"
           "    return names, s.recv(4096)[:15]\n" + LOOP.format("get()")),
    Client("Ruby, net/http", "ruby", ("ruby", "@folder@/client.rb"), {"client.rb": """require "net/http"
3.times do
  http = Net::HTTP.new("localhost", @port@, nil)
  http.use_ssl = true
  store = OpenSSL::X509::Store.new
  store.add_file("@with_crl@".empty? ? "@trust@" : "@trust_with_crls@")
  store.flags = OpenSSL::X509::V_FLAG_CRL_CHECK unless "@with_crl@".empty?
  http.cert_store = store
  unless "@with_certificate@".empty?
    http.cert = OpenSSL::X509::Certificate.new(File.read("@cert@"))
    http.key = OpenSSL::PKey.read(File.read("@key@"))
    http.extra_chain_cert = [OpenSSL::X509::Certificate.new(File.read("@above@"))]
  end
  http.start { |k| puts k.peer_cert.subject, k.peer_cert.not_after, k.get("/").body }
rescue => error
  puts error.class, error.message
end
"""}, with_certificate=(), with_crl=()),
    Client("PHP, streams", "php-cli", ("php", "-n", "@folder@/client.php"), {"client.php": PHP_STREAMS}, with_certificate=()),
    Client("PHP, curl", "php-curl", ("php", "@folder@/client.php"), {"client.php": """<?php
for ($i = 0; $i < 3; $i++) {
    $c = curl_init("@url@");
    curl_setopt_array($c, [CURLOPT_CAINFO => "@trust@", CURLOPT_RETURNTRANSFER => true, CURLOPT_CERTINFO => true]);
    if ("@with_certificate@") { curl_setopt_array($c, [CURLOPT_SSLCERT => "@chain@", CURLOPT_SSLKEY => "@key@"]); }
    if ("@with_crl@") { curl_setopt($c, CURLOPT_CRLFILE, "@crls@"); }
    $got = curl_exec($c);
    echo $got === false ? curl_errno($c) . " " . curl_error($c) . "\\n" : $got . count(curl_getinfo($c, CURLINFO_CERTINFO)) . "\\n";
}
"""}, with_certificate=(), with_crl=()),
    Client("PHP-FPM", "php-fpm", ("bash", "@folder@/client.sh"), {"client.php": PHP_STREAMS, "fpm.conf": """[global]
error_log = @folder@/fpm.log
[www]
user = root
group = root
listen = @folder@/fpm.sock
pm = static
pm.max_children = 1
""", "client.sh": """set -eu
"$(ls /usr/sbin/php-fpm* | head -n 1)" -n -R -F -y @folder@/fpm.conf &
server=$!
until [ -S @folder@/fpm.sock ]; do kill -0 $server; sleep 0.01; done
SCRIPT_FILENAME=@folder@/client.php REQUEST_METHOD=GET cgi-fcgi -bind -connect @folder@/fpm.sock
kill -QUIT $server
wait $server
"""}, with_certificate=(), needs=("libfcgi-bin",)),
    Client("Perl, LWP", "liblwp-protocol-https-perl", ("perl", "@folder@/client.pl"), {"client.pl": """use LWP::UserAgent;
for (1 .. 3) {
    my %ssl = (SSL_ca_file => "@with_crl@" ? "@trust_with_crls@" : "@trust@", verify_hostname => 1);
    $ssl{SSL_check_crl} = 1 if "@with_crl@";
    if ("@with_certificate@") { $ssl{SSL_cert_file} = "@chain@"; $ssl{SSL_key_file} = "@key@"; }
    my $answer = LWP::UserAgent->new(ssl_opts => \\%ssl)->get("@url@");
    print $answer->code, " ", $answer->message, " ", $answer->header("Client-SSL-Cert-Subject") // "", "\\n";
}
"""}, with_certificate=(), with_crl=()),
    Client("Perl, IO::Socket::SSL", "libio-socket-ssl-perl", ("perl", "@folder@/client.pl"), {"client.pl": """use IO::Socket::SSL;
for (1 .. 3) {
    my %own = "@with_certificate@" ? (SSL_cert_file => '@chain@', SSL_key_file => '@key@') : ();
    my $crl = "@with_crl@" ? 1 : 0;
    my $s = IO::Socket::SSL->new(PeerAddr => "127.0.0.1:@port@", SSL_hostname => "localhost", SSL_verifycn_name => "localhost", SSL_verifycn_scheme => "http",
        SSL_ca_file => $crl ? '@trust_with_crls@' : '@trust@', SSL_check_crl => $crl, %own);
    if (!$s) { print "$SSL_ERROR\\n"; next; }
    print $s "GET / HTTP/1.0\\r\\n\\r\\n";
    print $s->peer_certificate("subject"), " ", scalar <$s>;
    close $s;
}
"""}, with_certificate=(), with_crl=()),
    Client("Perl, HTTP::Tiny", "libio-socket-ssl-perl", ("perl", "-MHTTP::Tiny", "-e",
           'for (1 .. 3) { my $r = HTTP::Tiny->new(verify_SSL => 1, SSL_options => {SSL_ca_file => q(@trust@)})->get(q(@url@)); print "$r->{status} $r->{content}\\n" }')),
    Client("Node, fetch of https", "nodejs", ("node", "@folder@/client.js"), {"client.js": """const fs = require('fs'), https = require('https');
const own = '@with_certificate@' ? {cert: fs.readFileSync('@chain@'), key: fs.readFileSync('@key@')} : {};
const crl = '@with_crl@' ? {crl: fs.readFileSync('@crls@').toString().split(/(?=# )/)} : {};
const ca = fs.readFileSync('@trust@').toString().split(/(?=# )/);
const get = () => new Promise((done) => https.get('@url@', {ca, agent: false, ...own, ...crl}, (answer) => {
  console.log(answer.statusCode, answer.socket.getPeerCertificate().subject.CN);
  answer.resume().on('end', done);
}).on('error', (error) => { console.log(error.code); done(); }));
get().then(get).then(get);
"""}, with_certificate=(), with_crl=(), note="OpenSSL is inside the program"),
    Client("Lua, LuaSec", "lua-sec", ("lua5.4", "@folder@/client.lua"), {"client.lua": """local https = require("ssl.https")
for i = 1, 3 do
  local own = "@with_certificate@" ~= ""
  print(https.request{url = "@url@", cafile = "@trust@", verify = "peer", options = "all", protocol = "any",
    certificate = own and "@chain@" or nil, key = own and "@key@" or nil, sink = function() return 1 end})
end
"""}, with_certificate=(), noise=((rb"table: 0x\w+", b"<table>"),)),
    Client("Tcl, tls", "tcl-tls", ("tclsh", "@folder@/client.tcl"), {"client.tcl": """package require tls
package require http
for {set i 0} {$i < 3} {incr i} {
    if {[catch {
        set own [expr {"@with_certificate@" ne "" ? [list -certfile @chain@ -keyfile @key@] : {}}]
        set s [tls::socket -cafile @trust@ -require 1 -request 1 -servername localhost {*}$own localhost @port@]
        fconfigure $s -translation binary
        puts -nonewline $s "GET / HTTP/1.0\\r\\n\\r\\n"
        flush $s
        puts [read $s]
        array set facts [tls::status $s]
        puts $facts(subject)
        close $s
    } error]} { puts $error }
}
"""}, with_certificate=(), noise=((rb"sock\w+", b"<sock>"),)),
)
