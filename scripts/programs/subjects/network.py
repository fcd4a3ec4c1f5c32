# SPDX-License-Identifier: Apache-2.0
"""Names, logs, chat, files, voice, authentication, tunnels."""

from __future__ import annotations

from ..subject import NUMBERS, Client, Server

# A question for localhost.test, as a message behind its length.
QUESTION = (lambda q: len(q).to_bytes(2, "big") + q)(b"\0\1\1\0\0\1\0\0\0\0\0\0\5local\4test\0\0\1\0\1")

OPENVPN_CLIENT = Client(
    "openvpn",
    "openvpn",
    ("timeout", "8", "openvpn", "--dev", "null", "--tls-client", "--proto", "tcp-client", "--remote", "127.0.0.1", "@port@", "--nobind", "--ca", "@trust@", "--remote-cert-tls", "server",
     "--cert", "@cert@", "--extra-certs", "@above@", "--key", "@key@", "--verb", "1", "--connect-retry-max", "1", "--connect-timeout", "4", "--tls-exit", "--suppress-timestamps",
     "--ifconfig-noexec", "--route-noexec", "--inactive", "2", "1", "--single-session"),
    with_certificate=(),
    noise=NUMBERS,
)
OPENVPN = Server(
    "OpenVPN",
    "openvpn",
    ("openvpn", "--dev", "null", "--tls-server", "--proto", "tcp-server", "--port", "@port@", "--local", "127.0.0.1", "--ca", "@trust@", "--cert", "@cert@", "--key", "@key@",
     "--extra-certs", "@above@", "--dh", "none", "--remote-cert-tls", "client", "--verb", "3", "--suppress-timestamps", "--persist-tun"),
    visitor=OPENVPN_CLIENT,
    checks_crl=False,
    noise=((rb"(?m).*(MSS|MTU|buffer|Inactivity|tls-crypt|sid=|Data Channel|Initialization|peer-id|move_session|tls_multi|Control Channel|Connection).*", b""),),
)
RADIUS = Server(
    "FreeRADIUS, EAP-TLS",
    "freeradius",
    ("freeradius", "-f", "-d", "@folder@/raddb", "-l", "@folder@/log"),
    {
        "raddb/radiusd.conf": """prefix = /usr
libdir = /usr/lib/freeradius
run_dir = @folder@
pidfile = @folder@/pid
max_request_time = 30
security { allow_core_dumps = no }
client local { ipaddr = 127.0.0.1 secret = s }
modules {
  eap {
    default_eap_type = tls
    tls-config x { private_key_file = @folder@/r.key certificate_file = @chain@ ca_file = @trust_with_crls@ check_crl = no cipher_list = "DEFAULT" tls_min_version = "1.2" tls_max_version = "1.2"
      cache { enable = no } verify { } ocsp { enable = no } }
    tls { tls = x }
  }
}
server default {
  listen { type = auth ipaddr = 127.0.0.1 port = @port@ }
  authorize { eap }
  authenticate { eap }
}
thread pool { start_servers = 1 max_servers = 2 min_spare_servers = 1 max_spare_servers = 1 max_requests_per_server = 0 }
""".replace("; ", "\n"),
    },
    prepare="sed -E -i 's/ (private_key_file|certificate_file|ca_file|check_crl|cipher_list|tls_min_version|tls_max_version|secret|port|ipaddr|max_servers|min_spare_servers|"
    "max_spare_servers|max_requests_per_server|allow_core_dumps|cache|verify|ocsp|tls-config|enable|tls|eap|type|start_servers) /\\n\\1 /g; s/ \\}/\\n}/g' raddb/radiusd.conf; "
    "cp @key@ r.key; chmod 755 . raddb; chmod 644 r.key raddb/*",
    ready="ss -uln | grep -q ':@port@ '",
    visitor=Client("eapol_test", "eapoltest", ("eapol_test", "-c", "@folder@/e.conf", "-p", "@port@", "-s", "s", "-t", "4", "-n"), {
        "e.conf": 'network={\nssid="x"\nkey_mgmt=WPA-EAP\neap=TLS\nidentity="u"\nca_cert="@trust@"\nclient_cert="@chain@"\nprivate_key="@key@"\neapol_flags=0\n}\n'},
        with_certificate=(), noise=((rb"(?s).*", b""),)),
    checks_crl=False,
    logs=("log",),
    noise=((rb"(?m)^\w{3} \w{3} +\d+ [\d:]+ \d+ : ", b""), (rb"\(\d+\)", b"")),
)

NETWORK = (
    Server(
        "Unbound, DNS over TLS",
        "unbound",
        ("unbound", "-d", "-p", "-c", "@folder@/u.conf"),
        {
            "u.conf": 'server:\n  interface: 127.0.0.1@@port@\n  tls-port: @port@\n  tls-service-key: "@key@"\n  tls-service-pem: "@chain@"\n  username: ""\n  chroot: ""\n  directory: "@folder@"\n'
            '  use-syslog: no\n  logfile: ""\n  do-daemonize: no\n  local-zone: "test." static\n  local-data: "local.test. A 192.0.2.1"\n  auto-trust-anchor-file: ""\n  module-config: "iterator"\n'
            "remote-control:\n  control-enable: no\n"
        },
        request=QUESTION,
        asks=False,
    ),
    Server(
        "BIND, DNS over TLS",
        "bind9",
        ("named", "-f", "-c", "@folder@/n.conf", "-n", "1", "-U", "1"),
        {
            "n.conf": 'tls t { cert-file "@chain@"; key-file "@key@"; ca-file "@trust@"; };\noptions { directory "@folder@"; pid-file none; session-keyfile none; recursion no; listen-on-v6 { none; };\n'
            "managed-keys-directory \"@folder@\"; listen-on port @port@ tls t { 127.0.0.1; }; };\ncontrols { };\n"
            'zone "test" { type primary; file "@folder@/zone"; };\n',
            "zone": "$TTL 60\n@ SOA local.test. x.test. 1 60 60 60 60\n NS local.test.\nlocal A 192.0.2.1\n",
        },
        request=QUESTION,
    ),
    Server(
        "dnsdist, DNS over TLS",
        "dnsdist",
        ("dnsdist", "--supervised", "--disable-syslog", "-C", "@folder@/d.conf"),
        {"d.conf": 'setACL("127.0.0.0/8")\naddTLSLocal("127.0.0.1:@port@", "@chain@", "@key@", {provider="openssl"})\naddAction(AllRule(), RCodeAction(DNSRCode.NXDOMAIN))\nsetSecurityPollSuffix("")\n'},
        request=QUESTION,
        asks=False,
        noise=((rb".*(port range|descriptor|Console).*", b""),),
    ),
    Client("dig +tls", "bind9-dnsutils", ("dig", "+tls", "+tries=1", "+time=5", "+nocookie", "@127.0.0.1", "-p", "@port@", "local.test"), accent="dns",
           noise=((rb"(?m)^;; (Query time|WHEN|SERVER|MSG).*|.*DiG.*|id: \d+", b""),)),
    Client("kdig +tls", "knot-dnsutils", ("kdig", "+tls-ca=@trust@", "+tls-hostname=localhost", "+retry=0", "+timeout=5", "@more@", "@127.0.0.1", "-p", "@port@", "local.test"), accent="dns",
           with_certificate=("+tls-certfile=@chain@", "+tls-keyfile=@key@"), noise=((rb"id: \d+|in [\d.]+ ms", b""), (rb"(?m)^;; (Received|From|Time).*", b""))),
    Server("vsftpd, implicit TLS", "vsftpd", ("vsftpd", "@folder@/v.conf"), {
        "v.conf": "listen=YES\nlisten_address=127.0.0.1\nlisten_port=@port@\nbackground=NO\nanonymous_enable=YES\nno_anon_password=YES\nanon_root=/srv\nssl_enable=YES\nimplicit_ssl=YES\nallow_anon_ssl=YES\n"
        "force_anon_logins_ssl=YES\nrequire_cert=YES\nvalidate_cert=YES\nca_certs_file=@trust@\nrsa_cert_file=@chain@\nrsa_private_key_file=@key@\nrequire_ssl_reuse=NO\nsecure_chroot_dir=/run/vsftpd/empty\n"
        "vsftpd_log_file=@folder@/vs.log\nxferlog_enable=YES\ndebug_ssl=YES\nlog_ftp_protocol=YES\nssl_tlsv1_3=YES\n".replace("ssl_tlsv1_3=YES\n", "")},
        prepare="mkdir -p /run/vsftpd/empty", request=b"USER anonymous\r\n", checks_crl=False, note="a process for each connection"),
    Server("ngIRCd", "ngircd", ("ngircd", "-n", "-f", "@folder@/n.conf"), {
        "n.conf": "[Global]\nName = irc.ibid.test\nInfo = x\nListen = 127.0.0.1\nPorts =\n[Limits]\nMaxConnectionsIP = 0\n[Options]\nIdent = no\nPAM = no\nDNS = no\n"
        "[SSL]\nCertFile = @chain@\nKeyFile = @key@\nPorts = @port@\n"}, request=b"CAP LS\r\n", asks=False, noise=((rb".*(Ping|seconds|uptime).*", b""),)),
    Server("Prosody, LuaSec", "prosody", ("prosody", "-F", "--config", "@folder@/p.lua"), {
        "p.lua": 'run_as_root = true\npidfile = "@folder@/pid"\ndata_path = "@folder@"\nlog = { error = "*console" }\nmodules_enabled = { "tls", "saslauth" }\nmodules_disabled = { "s2s", "offline", "posix" }\ninterfaces = { "127.0.0.1" }\n'
        'c2s_ports = { @port@ }\nc2s_require_encryption = true\nssl = { certificate = "@chain@", key = "@key@", cafile = "@trust@", verify = { "peer", "fail_if_no_peer_cert" } }\nVirtualHost "localhost"\n'},
        opening="xmpp", request=b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>", checks_crl=False, compares=12),
    Server("coturn", "coturn", ("turnserver", "-c", "@folder@/t.conf"), {
        "t.conf": "listening-ip=127.0.0.1\nrelay-ip=127.0.0.1\nlistening-port=@other@\ntls-listening-port=@port@\ncert=@chain@\npkey=@key@\nCA-file=@trust@\nno-cli\nlt-cred-mech\nuser=u:p\nrealm=ibid.test\npidfile=@folder@/pid\n"
        "log-file=stdout\nrelay-threads=1\nno-udp\nno-dtls\nno-tcp\nuserdb=@folder@/db\nallow-loopback-peers\n"},
        request=b"\0\1\0\0\x21\x12\xa4\x42" + b"\0" * 12, checks_crl=False, compares=8, noise=((rb"(?m)^\d+: *(\(\d+\))?:? ?", b""), (rb".*(session|cpu|descriptors).*", b""))),
    Server("Kamailio", "kamailio-tls-modules", ("kamailio", "-DD", "-E", "-m", "64", "-M", "16", "-f", "@folder@/k.cfg", "-Y", "@folder@"), {
        "k.cfg": "#!KAMAILIO\ndebug=1\nlog_stderror=yes\nchildren=1\ntcp_children=2\nauto_aliases=no\nenable_tls=yes\nlisten=tls:127.0.0.1:@port@\nmpath=\"/usr/lib/x86_64-linux-gnu/kamailio/modules/\"\n"
        'loadmodule "tls.so"\nloadmodule "sl.so"\nmodparam("tls", "config", "@folder@/tls.cfg")\nrequest_route { sl_send_reply("200", "ok"); }\n',
        "tls.cfg": "[server:default]\nmethod = TLSv1.2+\nverify_certificate = yes\nrequire_certificate = yes\nprivate_key = @key@\ncertificate = @chain@\nca_list = @trust@\n"},
        request=b"OPTIONS sip:a@localhost SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        checks_crl=False, noise=((rb"(?m)^ *\d+\(\d+\) ", b""), (rb".*(tls_dump|connection id|tcp_read_req).*", b""),
                                 (rb"(?m)^CRITICAL: <core> \[core/pass_fd\.c.*\n", b"")), note="its OpenSSL lives in memory that processes share: ibid is disabled"),
    Server("NRPE", "nagios-nrpe-server", ("nrpe", "-c", "@folder@/n.cfg", "-f"), {
        "n.cfg": "server_port=@port@\nserver_address=127.0.0.1\nallowed_hosts=127.0.0.1\nnrpe_user=nobody\nnrpe_group=nogroup\npid_file=@folder@/pid\nlog_file=@folder@/log\nssl_cert_file=@chain@\nssl_privatekey_file=@folder@/n.key\n"
        "ssl_cacert_file=@trust@\nssl_client_certs=2\nssl_logging=0x2f\nssl_version=TLSv1.2+\ncommand[x]=/bin/echo hello\n"}, prepare="install -m 644 @key@ n.key; chmod 777 .",
        visitor=Client("check_nrpe", "nagios-nrpe-plugin", ("/usr/lib/nagios/plugins/check_nrpe", "-H", "127.0.0.1", "-p", "@port@", "-A", "@trust@", "@more@", "-c", "x"),
                       with_certificate=("-C", "@chain@", "-K", "@key@"), noise=((rb"CHECK_NRPE: (Error|Receive).*", b"refused"),)), checks_crl=False, logs=("log",), noise=((rb"(?m)^\[\d+\] ", b""),), note="a process for each connection"),
    OPENVPN,
    RADIUS,
    Server("slapd, ldaps", "slapd", ("slapd", "-d0", "-h", "ldaps://127.0.0.1:@port@", "-f", "@folder@/s.conf"), {
        "s.conf": "include /etc/ldap/schema/core.schema\nTLSCertificateFile @chain@\nTLSCertificateKeyFile @key@\nTLSCACertificateFile @trust@\nTLSVerifyClient demand\npidfile @folder@/pid\nmoduleload back_ldif\ndatabase ldif\n"
        "directory @folder@/db\nsuffix dc=test\n"}, prepare="mkdir -p db", request=b"0\x0c\x02\1\1`\7\2\1\3\4\0\x80\0", checks_crl=False, note="GnuTLS"),
)
