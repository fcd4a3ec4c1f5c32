# SPDX-License-Identifier: Apache-2.0
"""Rust clients, built with a distribution's own crates (librust-...-dev), so that nothing is downloaded. Each makes three requests, as those of
languages.py do.
"""

from __future__ import annotations

from ..subject import Client

MAIN = """
fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    for _ in 0..3 {
        match get(&words) {
            Ok(answer) => println!("{answer}"),
            Err(error) => println!("{error}"),
        }
    }
}
"""
ASK = """    stream.write_all(b"GET / HTTP/1.0\\r\\n\\r\\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
"""
# The crates that Debian installs are a registry. All clients have one target folder, so that a crate is
# compiled once.
BUILD = (
    "CARGO_TARGET_DIR=../rust-target cargo build --quiet --release --offline --config 'source.crates-io.replace-with=\"debian\"'"
    " --config 'source.debian.directory=\"/usr/share/cargo/registry\"'; cp ../rust-target/release/{name} client"
)


def rust(name: str, program: str, package: str, crates: tuple[str, ...], body: str, note: str = "") -> Client:
    depends = "".join(f'{crate} = "*"\n' for crate in crates)
    manifest = f'[package]\nname = "{program}"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n{depends}'
    return Client(name, package, ("@built@/client", "@port@", "@trust@"), with_certificate=("@chain@", "@key@"),
                  needs=("cargo", *(f"librust-{crate}-dev" for crate in crates if f"librust-{crate}-dev" != package)),
                  sources={"Cargo.toml": manifest, "src/main.rs": body + ASK + MAIN}, build=BUILD.format(name=program), note=note)


RUST = (
    rust("Rust, native-tls", "rust-native-tls", "librust-native-tls-dev", ("native-tls",), """use native_tls::{Certificate, Identity, TlsConnector};
use std::{env, error::Error, fs, io::{Read, Write}, net::TcpStream};

fn get(words: &[String]) -> Result<String, Box<dyn Error>> {
    let mut builder = TlsConnector::builder();
    for block in fs::read_to_string(&words[1])?.split_inclusive("-----END CERTIFICATE-----").filter(|b| b.contains("BEGIN CERTIFICATE")) {
        builder.add_root_certificate(Certificate::from_pem(block[block.find("-----BEGIN").unwrap()..].as_bytes())?);
    }
    if words.len() > 3 {
        builder.identity(Identity::from_pkcs8(&fs::read(&words[2])?, &fs::read(&words[3])?)?);
    }
    let mut stream = builder.build()?.connect("localhost", TcpStream::connect(format!("127.0.0.1:{}", words[0]))?)?;
"""),
    rust("Rust, openssl", "rust-openssl", "librust-openssl-dev", ("openssl",), """use openssl::ssl::{SslConnector, SslFiletype, SslMethod};
use std::{env, error::Error, io::{Read, Write}, net::TcpStream};

fn get(words: &[String]) -> Result<String, Box<dyn Error>> {
    let mut builder = SslConnector::builder(SslMethod::tls())?;
    builder.set_ca_file(&words[1])?;
    if words.len() > 3 {
        builder.set_certificate_chain_file(&words[2])?;
        builder.set_private_key_file(&words[3], SslFiletype::PEM)?;
    }
    let mut stream = builder.build().connect("localhost", TcpStream::connect(format!("127.0.0.1:{}", words[0]))?)?;
"""),
    rust("Rust, rustls", "rust-rustls", "librust-rustls-dev", ("rustls", "rustls-pemfile"), """use rustls::{Certificate, ClientConfig, ClientConnection, PrivateKey, RootCertStore, StreamOwned};
use std::{convert::TryInto, env, error::Error, fs::File, io::{BufReader, Read, Write}, net::TcpStream, sync::Arc};

fn certificates(path: &str) -> Result<Vec<Certificate>, Box<dyn Error>> {
    Ok(rustls_pemfile::certs(&mut BufReader::new(File::open(path)?))?.into_iter().map(Certificate).collect())
}

fn get(words: &[String]) -> Result<String, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    for one in certificates(&words[1])? {
        roots.add(&one)?;
    }
    let builder = ClientConfig::builder().with_safe_defaults().with_root_certificates(roots);
    let config = if words.len() > 3 {
        let key = rustls_pemfile::pkcs8_private_keys(&mut BufReader::new(File::open(&words[3])?))?.remove(0);
        builder.with_single_cert(certificates(&words[2])?, PrivateKey(key))?
    } else {
        builder.with_no_client_auth()
    };
    let connection = ClientConnection::new(Arc::new(config), "localhost".try_into()?)?;
    let mut stream = StreamOwned::new(connection, TcpStream::connect(format!("127.0.0.1:{}", words[0]))?);
""", note="its TLS is rustls, inside the program"),
)
