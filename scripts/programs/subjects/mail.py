# SPDX-License-Identifier: Apache-2.0
"""Mail: programs that send, fetch or serve it."""

from __future__ import annotations

from ..subject import NUMBERS, Client, Server

LETTER = b"From: a@ibid.test\nTo: b@ibid.test\nSubject: x\n\ntext\n"

MAIL = (
    Client("msmtp", "msmtp", ("msmtp", "--host=localhost", "--port=@port@", "--tls=on", "--tls-starttls=off", "--tls-trust-file=@trust@", "--from=a@ibid.test",
           "--auth=off", "@more@", "b@ibid.test"), input=LETTER, accent="smtps", with_certificate=("--tls-cert-file=@chain@", "--tls-key-file=@key@"),
           with_crl=("--tls-crl-file=@crls@",)),
    Client("swaks", "swaks", ("swaks", "--server=localhost", "--port=@port@", "--to=b@ibid.test", "--from=a@ibid.test", "--tls", "--tls-verify",
           "--tls-ca-path=@trust@", "@more@"), accent="smtp", with_certificate=("--tls-cert=@chain@", "--tls-key=@key@"),
           noise=((rb"(?m)^ [~-]>\s+(Date|Message-Id|Subject|X-Mailer|EHLO).*", b""),)),
    Client("s-nail", "s-nail", ("s-nail", "-:/", "-Sv15-compat", "-Smta=smtps://localhost:@port@", "-Ssmtp-auth=none", "-Stls-ca-file=@trust@", "-Stls-ca-no-defaults",
           "-Stls-verify=strict", "-Sfrom=a@ibid.test", "-Ssendwait", "-Snosave", "@more@", "-sx", "b@ibid.test"), input=b"text\n", accent="smtps",
           with_certificate=("-Stls-config-pairs=Certificate=@chain@,PrivateKey=@key@",), noise=NUMBERS),
    Client("fetchmail", "fetchmail", ("fetchmail", "--fetchmailrc", "@folder@/.rc", "--nosyslog", "--nodetach", "-v"), {
           ".rc": 'set no bouncemail\npoll localhost port @port@ protocol pop3 user "u" password "p" ssl sslcertck sslcertfile "@trust@" mda "/bin/cat"\n'},
           accent="pop3s", noise=((rb"(?m)^fetchmail: \d\..*(querying|poll).*", b""), (rb"on \w+$", b""), (rb".*at \w{3} .*", b""), *NUMBERS)),
    Client("getmail6", "getmail6", ("getmail", "--getmaildir=@folder@", "--rcfile=@folder@/.rc"), {
           ".rc": "[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = @port@\nusername = u\npassword = p\nca_certs = @trust@\n"
           "[destination]\ntype = MDA_external\npath = /bin/cat\nallow_root_commands = true\n[options]\nverbose = 1\n"}, accent="pop3s", noise=NUMBERS),
    Client("mpop", "mpop", ("mpop", "--file=@folder@/.rc", "a"), {
           ".rc": "account a\nhost localhost\nport @port@\nuser u\npassword p\nauth user\ntls on\ntls_starttls off\ntls_trust_file @trust@\n"
           "delivery maildir @folder@/m\n", "m/cur/.x": "", "m/new/.x": "", "m/tmp/.x": ""}, accent="pop3s"),
    Client("mbsync", "isync", ("mbsync", "-c", "@folder@/.rc", "-a", "-l"), {
           ".rc": "IMAPAccount a\nHost localhost\nPort @port@\nUser u\nPass p\nSSLType IMAPS\nCertificateFile @trust@\nSystemCertificates no\nAuthMechs LOGIN\n\n"
           "IMAPStore r\nAccount a\n\nMaildirStore l\nPath @folder@/l/\nInbox @folder@/l/inbox\n\nChannel c\nFar :r:\nNear :l:\n", "l/.x": ""}, accent="imaps"),
    Client("curl, smtps", "curl", ("curl", "-sS", "--cacert", "@trust@", "@more@", "smtps://localhost:@port@", "--mail-from", "a@ibid.test", "--mail-rcpt", "b@ibid.test",
           "-T", "-"), input=LETTER, accent="smtps", with_certificate=("--cert", "@chain@", "--key", "@key@"), with_crl=("--crlfile", "@crls@")),
    Server(
        "Postfix, smtpd",
        "postfix",
        ("postfix", "-c", "@folder@/conf", "start-fg"),
        {
            "conf/main.cf": """compatibility_level = 3.6
queue_directory = @folder@/queue
data_directory = @folder@/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = localhost
mydestination =
local_recipient_maps =
relay_domains = ibid.test
inet_interfaces = loopback-only
smtpd_tls_chain_files = @key@, @chain@
smtpd_tls_CAfile = @trust@
smtpd_tls_security_level = encrypt
smtpd_tls_req_ccert = yes
smtpd_tls_loglevel = 1
smtpd_relay_restrictions = permit_tls_all_clientcerts, reject
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C LD_PRELOAD IBID_STATISTICS
maillog_file = /dev/stdout
maillog_file_prefixes = /dev
""",
            "conf/master.cf": """127.0.0.1:@port@ inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
""",
        },
        prepare="mkdir -p queue data && chown postfix data && postfix -c $PWD/conf set-permissions >/dev/null 2>&1 || true",
        opening="smtp",
        request=b"EHLO localhost\r\n",
        checks_crl=False,
        noise=((rb"(?s).*", b""),),  # its logger is another process, which starts late
    ),
    Server(
        "Dovecot, imaps",
        "dovecot-imapd",
        ("dovecot", "-F", "-c", "@folder@/d.conf"),
        {
            "d.conf": """base_dir = @folder@/run
state_dir = @folder@/state
log_path = @folder@/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <@chain@
ssl_key = <@key@
ssl_ca = <@trust_with_crls@
ssl_verify_client_cert = yes
auth_ssl_require_client_cert = yes
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = @port@
    ssl = yes
  }
}
passdb {
  driver = static
  args = password=x
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=/tmp
}
mail_location = maildir:/tmp/%u
import_environment = $import_environment LD_PRELOAD IBID_STATISTICS
"""
        },
        request=b"a LOGIN u x\r\n",
        compares=4,  # "* OK": whether its authentication process has already started is random
        logs=("log",),
        noise=((rb"(?m)^\w{3} \d+ [\d:]+ ", b""), (rb"session=<[^>]*>", b""), (rb"(imap-login.*(reset by peer|secs|auth failed|no auth)|imap\(u\)|Info: Login).*", b"")),
    ),
)
