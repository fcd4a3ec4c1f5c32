# SPDX-License-Identifier: Apache-2.0
"""Databases, caches, brokers, and their clients."""

from __future__ import annotations

import signal

from ..subject import NUMBERS, Client, Server

POSTGRES = "/usr/lib/postgresql/$(ls /usr/lib/postgresql | sort -V | tail -n1)/bin"

REDIS = Server(
    "Redis",
    "redis-server",
    ("redis-server", "--port", "0", "--tls-port", "@port@", "--bind", "127.0.0.1", "--tls-cert-file", "@chain@", "--tls-key-file", "@key@", "--tls-ca-cert-file", "@trust@",
     "--save", "", "--logfile", ""),
    request=b"PING\r\n",
    checks_crl=False,
    noise=((rb"(?m)^.*( # WARNING|User requested|ready to exit|Redis is starting|SIGTERM).*", b""), (rb"(?m)^\d+:\w .{20,26} [*#.-] ", b"")),
)
MOSQUITTO = Server(
    "Mosquitto",
    "mosquitto",
    ("mosquitto", "-c", "@folder@/m.conf"),
    {"m.conf": "listener @port@ 127.0.0.1\ncafile @trust@\ncertfile @chain@\nkeyfile @key@\nrequire_certificate true\nuse_identity_as_username true\ncrlfile @crls@\nuser root\n"},
    request=b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01a",
)
POSTGRESQL = Server(
    "PostgreSQL",
    "postgresql",
    ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "bash", "@folder@/start.sh"),
    {
        "start.sh": f"exec {POSTGRES}/postgres -D @folder@/data -p @port@ -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c ssl=on -c ssl_cert_file=@chain@ "
        "-c ssl_key_file=@folder@/pg.key -c ssl_ca_file=@trust@ -c ssl_crl_file=@crls@ -c fsync=off\n",
        "hba": "hostssl all all 127.0.0.1/32 trust clientcert=verify-ca\n",
    },
    prepare=f"rm -rf data; mkdir data; chown postgres data; p=$(echo {POSTGRES}); setpriv --reuid=postgres --regid=postgres --clear-groups $p/initdb -D data -A trust -U postgres "
    "-N -E UTF8 --locale=C.UTF-8 >/dev/null; cp hba data/pg_hba.conf; install -o postgres -m 600 @key@ pg.key",
    opening="postgres",
    request=(lambda body: (len(body) + 4).to_bytes(4, "big") + body)(b"\0\3\0\0user\0postgres\0database\0postgres\0\0"),
    ready="pg_isready -q -h 127.0.0.1 -p @port@",
    stop=signal.SIGINT,
    noise=((rb"(?m)^[\d-]+ [\d:.]+ \w+ \[\d+\] ", b""), (rb".*(starting up|no encryption|checkpoint|last known|was shut down|buffers).*", b"")),
    note="a process for each connection",
)
MARIADB = Server(
    "MariaDB",
    "mariadb-server",
    ("mariadbd", "--no-defaults", "--user=mysql", "--datadir=@folder@/data", "--port=@port@", "--bind-address=127.0.0.1", "--socket=@folder@/s", "--pid-file=@folder@/pid",
     "--ssl-ca=@trust@", "--ssl-crl=@crls@", "--ssl-cert=@chain@", "--ssl-key=@folder@/my.key", "--init-file=@folder@/init.sql", "--innodb-flush-log-at-trx-commit=0"),
    {"init.sql": "create user if not exists t@'%' require x509;\ncreate user if not exists t@localhost require x509;\n"},
    prepare="rm -rf data; mkdir data; chown mysql . data; mariadb-install-db --no-defaults --user=mysql --datadir=$PWD/data --skip-test-db >/dev/null 2>&1; "
    "install -o mysql -m 600 @key@ my.key",
    ready="mariadb-admin --no-defaults --socket=@folder@/s -uroot ping && test -e @folder@/s",
    visitor=Client("mariadb", "mariadb-client", ("mariadb", "--no-defaults", "--protocol=tcp", "-h127.0.0.1", "-P@port@", "-ut", "--ssl-ca=@trust@", "@more@",
                   "-Ne", "show status like 'Ssl_cipher'"), with_certificate=("--ssl-cert=@chain@", "--ssl-key=@key@"), noise=((rb"ERROR \d+ .*", b"refused"),)),
    noise=((rb"(?m)^[\d-]+ +[\d:]+ \d+ ", b""), (rb".*(InnoDB|pages|Aborted).*", b"")),
)

DATABASES = (
    POSTGRESQL,
    MARIADB,
    REDIS,
    MOSQUITTO,
    Server(
        "PgBouncer",
        "pgbouncer",
        ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "pgbouncer", "@folder@/b.ini"),
        {
            "b.ini": "[databases]\npgbouncer_none = host=127.0.0.1 port=1\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=@port@\nunix_socket_dir=\nauth_type=any\n"
            "client_tls_sslmode=verify-full\nclient_tls_key_file=@folder@/b.key\nclient_tls_cert_file=@chain@\nclient_tls_ca_file=@trust@\nadmin_users=postgres\n"
        },
        prepare="install -o postgres -m 600 @key@ b.key",
        opening="postgres",
        request=(lambda body: (len(body) + 4).to_bytes(4, "big") + body)(b"\0\3\0\0user\0postgres\0database\0pgbouncer\0\0"),
        checks_crl=False,
        noise=((rb"(?m)^[\d-]+ [\d:.]+ \w+ \[\d+\] ", b""), (rb"[CS]-0x\w+", b"")),
    ),
    Server(
        "memcached",
        "memcached",
        ("memcached", "-u", "root", "-l", "127.0.0.1", "-p", "@port@", "-Z", "-o", "ssl_chain_cert=@chain@,ssl_key=@key@,ssl_ca_cert=@trust@,ssl_verify_mode=2"),
        request=b"version\r\n",
        checks_crl=False,
    ),
    Client("redis-cli", "redis-tools", ("redis-cli", "-h", "localhost", "-p", "@port@", "--tls", "--cacert", "@trust@", "@more@", "PING"),
           with_certificate=("--cert", "@chain@", "--key", "@key@"), against=REDIS,
           noise=((rb"(?m)^Error: (Server closed|Connection reset).*", b"refused"),)),
    Client("mosquitto_pub", "mosquitto-clients", ("mosquitto_pub", "-h", "localhost", "-p", "@port@", "--cafile", "@trust@", "-t", "x", "-m", "y", "@more@"),
           with_certificate=("--cert", "@chain@", "--key", "@key@"), against=MOSQUITTO,
           noise=((rb"(?s)(Error|Unable).*", b"refused"), (rb"^(1|7|8)$", b"refused"))),
    Client("psql", "postgresql", ("psql", "-Atqc", "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()"), with_certificate=(),
           env={"PGHOST": "localhost", "PGHOSTADDR": "127.0.0.1", "PGPORT": "@port@", "PGUSER": "postgres", "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "@trust@", "PGSSLCRL": "@crls@"},
           env_with_certificate={"PGSSLCERT": "@chain@", "PGSSLKEY": "@key@"}, against=POSTGRESQL),
    Client("psycopg2", "python3-psycopg2", ("@python@", "@folder@/c.py"), {"c.py": """import psycopg2
for _ in range(3):
    try:
        with psycopg2.connect("") as c, c.cursor() as cursor:
            cursor.execute("select ssl, client_dn from pg_stat_ssl where pid = pg_backend_pid()")
            print(cursor.fetchone())
    except Exception as error:
        print(type(error).__name__, error)
"""}, with_certificate=(),
           env={"PGHOST": "localhost", "PGHOSTADDR": "127.0.0.1", "PGPORT": "@port@", "PGUSER": "postgres", "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "@trust@"},
           env_with_certificate={"PGSSLCERT": "@chain@", "PGSSLKEY": "@key@"}, against=POSTGRESQL),
    Client("PyMySQL", "python3-pymysql", ("@python@", "@folder@/c.py"), {"c.py": """import pymysql
own = {"ssl_cert": "@chain@", "ssl_key": "@key@"} if "@with_certificate@" else {}
for _ in range(3):
    try:
        c = pymysql.connect(host="localhost", port=@port@, user="t", ssl_ca="@trust@", ssl_verify_identity=True, **own)
        with c.cursor() as cursor:
            cursor.execute("show status like 'Ssl_cipher'")
            print(cursor.fetchone())
    except Exception as error:
        print(type(error).__name__, error)
"""}, with_certificate=(), against=MARIADB,
           noise=((rb"(?m)^(OperationalError|SSLError|\w*EOF|Connection).*", b"refused"),)),
    Client("mariadb, client", "mariadb-client", ("mariadb", "--no-defaults", "--protocol=tcp", "-hlocalhost", "-P@port@", "-ut", "--ssl-ca=@trust@", "--ssl-verify-server-cert",
           "@more@", "-Ne", "show status like 'Ssl_cipher'"), with_certificate=("--ssl-cert=@chain@", "--ssl-key=@key@"), against=MARIADB,
           noise=((rb"ERROR \d+ .*", b"refused"),)),
    Client("redis-py", "python3-redis", ("@python@", "@folder@/c.py"), {"c.py": """import redis
own = {"ssl_certfile": "@chain@", "ssl_keyfile": "@key@"} if "@with_certificate@" else {}
for _ in range(3):
    try:
        print(redis.Redis("localhost", @port@, ssl=True, ssl_ca_certs="@trust@", ssl_check_hostname=True, **own).ping())
    except Exception as error:
        print(type(error).__name__, error)
"""}, with_certificate=(), against=REDIS, noise=((rb"(?m)^\w*Error.*", b"refused"), (rb"_ssl\.c:\d+", b"_ssl.c"), *NUMBERS)),
    Client("paho-mqtt", "python3-paho-mqtt", ("@python@", "@folder@/c.py"), {"c.py": """import paho.mqtt.publish as publish
own = {"certfile": "@chain@", "keyfile": "@key@"} if "@with_certificate@" else {}
for _ in range(3):
    try:
        print(publish.single("x", "y", hostname="localhost", port=@port@, tls={"ca_certs": "@trust@", **own}))
    except Exception as error:
        print(type(error).__name__, error)
        break
"""}, with_certificate=(), against=MOSQUITTO, noise=((rb"(?m)^(\w*Error|\w*Exception|timeout).*", b"refused"), (rb"_ssl\.c:\d+", b"_ssl.c"),)),
)
