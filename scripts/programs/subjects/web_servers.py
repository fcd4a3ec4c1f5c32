# SPDX-License-Identifier: Apache-2.0
"""Web servers and proxies. Each demands a client's certificate, and most check a CRL."""

from __future__ import annotations

import signal

from ..subject import Server


def apache(mpm: str) -> str:
    modules = "".join(
        f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
        for name in (f"mpm_{mpm}", "authz_core", "dir", "socache_shmcb", "ssl")
    )
    return f"""ServerRoot @folder@
ServerName localhost
PidFile @folder@/pid
ErrorLog @folder@/error.log
LogLevel ssl:info
{modules}Mutex sem
User www-data
Group www-data
StartServers 1
Listen 127.0.0.1:@port@
DocumentRoot @folder@/www
SSLSessionCache none
<VirtualHost 127.0.0.1:@port@>
SSLEngine on
SSLCertificateFile @chain@
SSLCertificateKeyFile @key@
SSLCACertificateFile @trust@
SSLCARevocationFile @crls@
SSLCARevocationCheck chain
SSLVerifyClient require
SSLVerifyDepth 4
</VirtualHost>
"""


KEEP = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
WSGI = "def app(environ, start_response):\n    start_response('200 OK', [('Content-Length', '6')])\n    return [b'hello\\n']\n"
ASGI = """async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"6")]})
        await send({"type": "http.response.body", "body": b"hello\\n"})
"""

WEB_SERVERS = (
    Server(
        "nginx",
        "nginx",
        ("nginx", "-p", "@folder@", "-e", "@folder@/error.log", "-c", "@folder@/nginx.conf"),
        {
            "nginx.conf": """daemon off; pid @folder@/pid; error_log @folder@/error.log info; user root; worker_rlimit_nofile 4000;
events { worker_connections 2000; }
http { access_log off; keepalive_timeout 300s; client_body_temp_path @folder@/body; proxy_temp_path @folder@/proxy;
    fastcgi_temp_path @folder@/fastcgi; uwsgi_temp_path @folder@/uwsgi; scgi_temp_path @folder@/scgi; server {
    listen 127.0.0.1:@port@ ssl; ssl_certificate @chain@; ssl_certificate_key @key@; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_client_certificate @trust@; ssl_crl @crls@; ssl_verify_client on; ssl_verify_depth 4;
    location / { return 200 "$ssl_client_verify $ssl_client_s_dn"; } } }
"""
        },
        request=KEEP,
        stop=signal.SIGQUIT,
        logs=("error.log",),
    ),
    Server("Apache, event", "apache2", ("apache2", "-f", "@folder@/a.conf", "-DFOREGROUND"), {"a.conf": apache("event"), "www/index.html": "hello\n"},
           request=KEEP, logs=("error.log",)),
    Server("Apache, prefork", "apache2", ("apache2", "-f", "@folder@/a.conf", "-DFOREGROUND"),
           {"a.conf": apache("prefork"), "www/index.html": "hello\n"}, request=KEEP, logs=("error.log",)),
    Server(
        "HAProxy",
        "haproxy",
        ("haproxy", "-db", "-f", "@folder@/ha.conf"),
        {
            "ha.conf": """global
    maxconn 2000
defaults
    mode http
    timeout client 90s
    timeout server 90s
    timeout connect 9s
frontend x
    bind 127.0.0.1:@port@ ssl crt @combined@ ca-file @trust@ crl-file @crls@ verify required
    http-request return status 200 content-type text/plain lf-string "%[ssl_c_s_dn] %[ssl_c_notafter]"
"""
        },
        request=KEEP,
        stop=signal.SIGUSR1,
    ),
    Server(
        "lighttpd, mod_openssl",
        "lighttpd-mod-openssl",
        ("lighttpd", "-D", "-f", "@folder@/l.conf"),
        {
            "l.conf": """server.modules=("mod_openssl")
server.document-root="@folder@/www"
server.bind="127.0.0.1"
server.port=@port@
server.max-keep-alive-idle=90
ssl.engine="enable"
ssl.pemfile="@chain@"
ssl.privkey="@key@"
ssl.ca-file="@trust@"
ssl.ca-crl-file="@crls@"
ssl.verifyclient.activate="enable"
ssl.verifyclient.enforce="enable"
ssl.verifyclient.depth=4
index-file.names=("index.html")
""",
            "www/index.html": "hello\n",
        },
        request=KEEP,
    ),
    Server(
        "stunnel",
        "stunnel4",
        ("stunnel", "@folder@/s.conf"),
        {
            "s.conf": "foreground=yes\npid=\n[x]\naccept=127.0.0.1:@port@\nconnect=127.0.0.1:@other@\ncert=@chain@\nkey=@key@\n"
            "CAfile=@trust@\nCRLfile=@crls@\nverifyChain=yes\n"
        },
        request=b"hello\n",
        beside=("socat", "TCP-LISTEN:@other@,bind=127.0.0.1,reuseaddr,fork", "EXEC:cat"),
    ),
    Server(
        "hitch",
        "hitch",
        ("hitch", "--config=@folder@/h.conf"),
        {
            "h.conf": 'frontend = {\n    host = "127.0.0.1"\n    port = "@port@"\n}\nbackend = "[127.0.0.1]:@other@"\npem-file = "@combined@"\n'
            'workers = 1\ndaemon = off\nuser = "nobody"\ntls-protos = TLSv1.2 TLSv1.3\nclient-verify = required\nclient-verify-ca = "@trust@"\n'
        },
        request=b"hello\n",
        checks_crl=False,
        beside=("socat", "TCP-LISTEN:@other@,bind=127.0.0.1,reuseaddr,fork", "EXEC:cat"),
    ),
    Server(
        "squid",
        "squid-openssl",
        ("squid", "-N", "-f", "@folder@/squid.conf", "-d0"),
        {
            "squid.conf": "https_port 127.0.0.1:@port@ tls-cert=@chain@ tls-key=@open_key@ clientca=@trust@ cafile=@trust@\n"
            "http_access allow all\npid_filename none\naccess_log none\ncache_log @folder@/cache.log\ncache_effective_user proxy\n"
            "cache deny all\nshutdown_lifetime 0 seconds\nnetdb_filename none\n"
        },
        request=b"GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n",
        prepare="rm -f /dev/shm/squid-*; chmod 777 .",
        checks_crl=False,
    ),
    Server(
        "nghttpx",
        "nghttp2-proxy",
        ("nghttpx", "--conf=/dev/null", "-f127.0.0.1,@port@", "-b127.0.0.1,@other@", "--verify-client", "--verify-client-cacert=@trust@",
         "--accesslog-file=/dev/null", "--no-ocsp", "@key@", "@chain@"),
        request=KEEP,
        noise=((rb"(?m)^.*(error:|BIO_|CONNECT|connect).*", b""), (rb"\b[0-9A-Fa-f]{8,16}\b", b"")),
        checks_crl=False,
        beside=("@python@", "-m", "http.server", "@other@", "--bind", "127.0.0.1"),
    ),
    Server(
        "openssl s_server",
        "openssl",
        ("openssl", "s_server", "-accept", "127.0.0.1:@port@", "-cert", "@cert@", "-cert_chain", "@above@", "-key", "@key@", "-CAfile",
         "@trust_with_crls@", "-crl_check", "-Verify", "4", "-verify_return_error", "-www", "-quiet"),
        holds=False,
        noise=((rb"(?m)^[0-9A-F]{16}:", b""),),
    ),
    Server(
        "socat, fork",
        "socat",
        ("socat", "OPENSSL-LISTEN:@port@,reuseaddr,fork,bind=127.0.0.1,cert=@combined@,cafile=@trust@,verify=1", "EXEC:cat"),
        request=b"hello\n",
        checks_crl=False,
        note="a process for each connection",
    ),
    Server(
        "ncat",
        "ncat",
        ("ncat", "--ssl", "-k", "-l", "127.0.0.1", "@port@", "--ssl-cert", "@chain@", "--ssl-key", "@key@", "-e", "/bin/cat"),
        request=b"hello\n",
        asks=False,
        checks_crl=False,
    ),
    Server(
        "gunicorn",
        "gunicorn",
        ("gunicorn", "--bind=127.0.0.1:@port@", "--certfile=@chain@", "--keyfile=@key@", "--ca-certs=@trust@", "--cert-reqs=2", "--worker-tmp-dir=/dev/shm",
         "--keep-alive=90", "--threads=8", "app:app"),
        {"app.py": WSGI},
        request=KEEP,
        checks_crl=False,
        noise=((rb"(?m)^\[[^\]]*\] ", b""),),
    ),
    Server(
        "uvicorn",
        "uvicorn",
        ("uvicorn", "--host=127.0.0.1", "--port=@port@", "--ssl-certfile=@chain@", "--ssl-keyfile=@key@", "--ssl-ca-certs=@trust@", "--ssl-cert-reqs=2",
         "--timeout-keep-alive=90", "--no-use-colors", "--app-dir=@folder@", "app:app"),
        {"app.py": ASGI},
        request=KEEP,
        checks_crl=False,
    ),
    Server(
        "Python, http.server",
        "python3",
        ("@python@", "@folder@/server.py"),
        {
            "server.py": """import http.server, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("@chain@", "@key@")
context.load_verify_locations("@trust_with_crls@")
context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
context.verify_mode = ssl.CERT_REQUIRED
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = repr(self.connection.getpeercert()["subject"][-1]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
class Server(http.server.ThreadingHTTPServer):
    def finish_request(self, request, address):
        Handler(context.wrap_socket(request, server_side=True), address, self)
    def handle_error(self, request, address):
        print(type(sys.exc_info()[1]).__name__, flush=True)
Server(("127.0.0.1", @port@), Handler).serve_forever()
"""
        },
        request=KEEP,
    ),
    Server(
        "tornado",
        "python3-tornado",
        ("@python@", "@folder@/server.py"),
        {
            "server.py": """import asyncio, ssl, tornado.web
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile="@trust@")
context.load_cert_chain("@chain@", "@key@")
context.verify_mode = ssl.CERT_REQUIRED
class Main(tornado.web.RequestHandler):
    def get(self):
        self.write(repr(self.request.get_ssl_certificate()["subject"][-1]))
async def main():
    tornado.web.Application([("/", Main)]).listen(@port@, "127.0.0.1", ssl_options=context)
    await asyncio.Event().wait()
asyncio.run(main())
"""
        },
        request=KEEP,
        checks_crl=False,
        noise=((rb"(?m)^(WARNING|ERROR|  File|    |Traceback).*", b""),),
    ),
    Server(
        "Twisted",
        "python3-twisted",
        ("@python@", "@folder@/server.py"),
        {
            "server.py": """from OpenSSL import SSL
from twisted.internet import endpoints, reactor, ssl
from twisted.web import resource, server
class Main(resource.Resource):
    isLeaf = True
    def render_GET(self, request):
        return request.transport.getPeerCertificate().get_subject().CN.encode()
class Factory(ssl.DefaultOpenSSLContextFactory):
    def cacheContext(self):
        super().cacheContext()
        self._context.use_certificate_chain_file("@chain@")
        self._context.load_verify_locations("@trust@")
        self._context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *a: bool(a[-1]))
reactor.listenSSL(@port@, server.Site(Main()), Factory("@key@", "@chain@", sslmethod=SSL.TLS_METHOD), interface="127.0.0.1")
reactor.run()
"""
        },
        request=KEEP,
        checks_crl=False,
    ),
    Server(
        "Node, https",
        "nodejs",
        ("node", "@folder@/server.js"),
        {
            "server.js": """const fs = require('fs'), https = require('https');
const read = (p) => fs.readFileSync(p);
https.createServer({key: read('@key@'), cert: read('@chain@'), ca: read('@trust@').toString().split(/(?=# )/), crl: read('@crls@').toString().split(/(?=# )/),
    requestCert: true, rejectUnauthorized: true}, (request, answer) => {
  answer.end(request.socket.getPeerCertificate().subject.CN);
}).on('tlsClientError', (e) => console.log(e.code)).listen(@port@, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
"""
        },
        note="OpenSSL is inside the program",
        request=KEEP,
    ),
    Server(
        "Traffic Server",
        "trafficserver",
        ("traffic_server",),
        {
            "records.config": """CONFIG proxy.config.http.server_ports STRING @port@:ssl:ip-in=127.0.0.1
CONFIG proxy.config.ssl.server.cert.path STRING /
CONFIG proxy.config.ssl.server.private_key.path STRING /
CONFIG proxy.config.ssl.CA.cert.filename STRING @trust@
CONFIG proxy.config.ssl.CA.cert.path STRING /
CONFIG proxy.config.ssl.client.certification_level INT 2
CONFIG proxy.config.admin.user_id STRING trafficserver
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 1
CONFIG proxy.config.diags.output.error STRING E
""",
            "ssl_multicert.config": "dest_ip=* ssl_cert_name=@chain@ ssl_key_name=@open_key@\n",
            "remap.config": "",
            "storage.config": "@folder@/cache 16M\n",
            "runroot.yaml": "prefix: @folder@\nexec_prefix: @folder@\nsysconfdir: @folder@\nlocalstatedir: @folder@\nruntimedir: @folder@\nlogdir: @folder@\n"
            "cachedir: @folder@/cache\nbindir: /usr/bin\nsbindir: /usr/sbin\ndatadir: @folder@\nlibexecdir: /usr/lib/trafficserver/modules\n",
        },
        env={"TS_RUNROOT": "@folder@/runroot.yaml"},
        prepare="mkdir -p cache; chown -R trafficserver .",
        request=KEEP,
        checks_crl=False,
    ),
    Server(
        "mini-httpd",
        "mini-httpd",
        ("mini_httpd", "-D", "-S", "-E", "@folder@/both.pem", "-p", "@port@", "-h", "127.0.0.1", "-d", "@folder@/www", "-u", "root", "-i", "@folder@/pid"),
        {"www/index.html": "hello\n"},
        prepare="cat @chain@ @key@ > both.pem",
        asks=False,
        holds=False,
        note="a process for each connection",
    ),
    Server(
        "monit",
        "monit",
        ("monit", "-I", "-c", "@folder@/monitrc"),
        {
            ".monitrc": "",
            "rc.sh": "set daemon 60\nset pidfile @folder@/pid\nset idfile @folder@/id\nset statefile @folder@/state\n"
            "set httpd port @port@ address 127.0.0.1 with ssl { pemfile: @folder@/both.pem }\n allow localhost\n",
        },
        prepare="cat @chain@ @key@ > both.pem; chmod 600 both.pem; install -m 600 rc.sh monitrc",
        noise=((rb"(?m)^ New Monit id.*", b""),),
        asks=False,
        holds=False,
    ),
    Server(
        "Icecast",
        "icecast2",
        ("icecast2", "-c", "@folder@/i.xml"),
        {
            "i.xml": "<icecast><location>x</location><admin>x</admin><limits><clients>400</clients></limits><hostname>localhost</hostname>"
            "<listen-socket><port>@port@</port><bind-address>127.0.0.1</bind-address><ssl>1</ssl></listen-socket>"
            "<authentication><source-password>x</source-password><admin-password>x</admin-password></authentication>"
            "<paths><basedir>@folder@</basedir><logdir>@folder@</logdir><webroot>@folder@/www</webroot><adminroot>@folder@/www</adminroot>"
            "<ssl-certificate>@folder@/both.pem</ssl-certificate></paths><logging><accesslog>a.log</accesslog><errorlog>e.log</errorlog></logging>"
            "<security><chroot>0</chroot><changeowner><user>nobody</user><group>nogroup</group></changeowner></security></icecast>",
            "www/index.html": "hello\n",
        },
        prepare="cat @chain@ @key@ > both.pem; chmod 777 .",
        asks=False,
        holds=False,
    ),
)
