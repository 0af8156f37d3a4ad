//! nginx, HAProxy and Caddy in front of a gateway, as Debian has them; each with a folder of its own.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    process::Command,
};

use crate::harness::{
    Gateway, Process, PusherApi, eventually,
    files::TestDirectory,
    namespace::{is_there, skip},
    tokens::key_file,
    tunnel::certificate_file,
};

/// A proxy at work.
pub(crate) struct Proxy {
    /// Where it takes HTTP/1.1.
    pub(crate) http: SocketAddr,
    /// Where it takes TLS, with HTTP/2 where the client wants it.
    pub(super) tls: SocketAddr,
    /// Where it passes bytes on, by the PROXY protocol; the same as `http` where it does not.
    pub(super) tcp: SocketAddr,
    _process: Process,
    _folder: TestDirectory,
}

/// Addresses that nobody else has.
fn free_addresses() -> [SocketAddr; 3] {
    // All at once, so that they differ.
    let free = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    free.map(|listener| listener.local_addr().unwrap())
}

/// The program's path: not everybody has in PATH what is meant for root.
fn found(program: &str) -> Option<String> {
    let places = ["", "/usr/sbin/", "/usr/local/sbin/"];
    let paths = places.map(|place| format!("{place}{program}"));
    paths.into_iter().find(|path| is_there(path, "-v"))
}

fn folder(name: &str) -> TestDirectory {
    let folder = TestDirectory::new(name);
    fs::create_dir(folder.path()).unwrap();
    folder
}

/// Starts one, if the program is there, and waits until it listens.
fn start(
    test: &str,
    program: &str,
    configure: impl FnOnce(&TestDirectory, [SocketAddr; 3]) -> Vec<String>,
) -> Option<Proxy> {
    let Some(path) = found(program) else {
        skip(test, program);
        return None;
    };
    let (folder, [http, tls, tcp]) = (folder(program), free_addresses());
    let mut command = Command::new(path);
    // Caddy keeps what it wants to remember there.
    command.args(configure(&folder, [http, tls, tcp])).env("HOME", folder.path());
    let process = Process::spawn(command);
    for address in [http, tls] {
        eventually("the proxy listens", || TcpStream::connect(address).ok());
    }
    Some(Proxy { http, tls, tcp, _process: process, _folder: folder })
}

/// Writes a configuration; the file's path.
fn configuration(folder: &TestDirectory, name: &str, text: &str) -> String {
    let file = folder.path().join(name);
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

/// nginx, which names clients in X-Forwarded-For, and gives up who is silent for three seconds.
pub(super) fn nginx(test: &str, gateway: &Gateway, pusher: &PusherApi) -> Option<Proxy> {
    start(test, "nginx", |folder, [http, tls, _]| {
        let place = folder.path().display();
        let scratch: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {place}/{kind};\n"))
            .concat();
        let text = format!(
            "pid {place}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{scratch}\
             map $http_upgrade $upgrade_or_close {{ default upgrade; '' close; }}\n\
             server {{\nlisten {http};\nlisten {tls} ssl http2;\n\
             ssl_certificate {cert};\nssl_certificate_key {key};\n\
             location / {{\nproxy_pass http://{gateway};\nproxy_http_version 1.1;\n\
             proxy_set_header Host $host;\nproxy_set_header Upgrade $http_upgrade;\n\
             proxy_set_header Connection $upgrade_or_close;\n\
             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
             proxy_read_timeout 3s;\n}}\n\
             location /v1/push {{\nproxy_pass http://{pusher};\nproxy_http_version 1.1;\n\
             proxy_set_header Connection '';\nproxy_request_buffering off;\n}}\n}}\n}}\n",
            cert = key_file("tls.certificate.pem"),
            key = key_file("tls.key.pem"),
            gateway = gateway.http,
            pusher = pusher.address,
        );
        let file = configuration(folder, "nginx.conf", &text);
        // One process, so that none is left behind when it is killed.
        let more = "daemon off; master_process off;";
        let log = format!("{place}/error.log");
        ["-e", &log, "-c", &file, "-g", more].map(str::to_owned).to_vec()
    })
}

/// Caddy, which names clients in X-Forwarded-For, and leaves who is silent to the gateway.
pub(super) fn caddy(test: &str, gateway: &Gateway, pusher: &PusherApi) -> Option<Proxy> {
    start(test, "caddy", |folder, [http, tls, _]| {
        let text = format!(
            "{{\nadmin off\nauto_https off\n}}\n\
             (served) {{\nbind 127.0.0.1\n\
             handle /v1/push* {{\nreverse_proxy {pusher}\n}}\n\
             handle {{\nreverse_proxy {gateway}\n}}\n}}\n\
             http://:{http} {{\nimport served\n}}\n\
             https://:{tls} {{\nimport served\ntls {cert} {key}\n}}\n",
            http = http.port(),
            tls = tls.port(),
            cert = key_file("tls.certificate.pem"),
            key = key_file("tls.key.pem"),
            gateway = gateway.http,
            pusher = pusher.address,
        );
        let file = configuration(folder, "Caddyfile", &text);
        ["run", "--adapter", "caddyfile", "--config", &file].map(str::to_owned).to_vec()
    })
}

/// HAProxy, which names clients in Forwarded, or in PROXY headers, and gives up who is silent for three seconds.
pub(super) fn haproxy(
    test: &str,
    gateway: &Gateway,
    pusher: &PusherApi,
    by_header: bool,
) -> Option<Proxy> {
    let (named, header) = match by_header {
        true => ("", "send-proxy-v2 check-send-proxy"),
        false => ("http-request add-header Forwarded for=%[src]\n", ""),
    };
    haproxy_with(test, |certificate, [http, tls, tcp]| {
        format!(
            "frontend http\nmode http\nbind {http}\nbind {tls} ssl crt {certificate} alpn h2,http/1.1\n\
             {named}use_backend pusher_apis if {{ path_beg /v1/push }}\ndefault_backend gateways\n\
             backend gateways\nmode http\noption httpchk GET /nothing\nhttp-check expect status 404\n\
             server g {gateway} {header} check inter 100ms\n\
             backend pusher_apis\nmode http\nserver p {pusher}\n\
             frontend tcp\nmode tcp\nbind {tcp}\ndefault_backend gateways_tcp\n\
             backend gateways_tcp\nmode tcp\nserver g {gateway_tcp} {header}\n",
            gateway = gateway.http,
            gateway_tcp = gateway.tcp,
            pusher = pusher.address,
        )
    })
}

/// HAProxy in front of a gateway's listeners of TLS, with PROXY headers: at `http` it speaks TLS with the gateway
/// itself, at `tls` and `tcp` it passes on what clients seal.
pub(super) fn haproxy_to_tls(test: &str, gateway: &Gateway) -> Option<Proxy> {
    let [sealed, sealed_tcp] = gateway.tls.unwrap();
    haproxy_with(test, |_, [http, tls, tcp]| {
        format!(
            "frontend http\nmode http\nbind {http}\ndefault_backend gateways\n\
             backend gateways\nmode http\noption httpchk GET /nothing\nhttp-check expect status 404\n\
             server g {sealed} ssl ca-file {authority} verifyhost localhost sni str(localhost) \
             send-proxy-v2 check-send-proxy check inter 100ms\n\
             frontend tls\nmode tcp\nbind {tls}\ndefault_backend gateways_tls\n\
             backend gateways_tls\nmode tcp\n\
             server g {sealed} send-proxy-v2 check-send-proxy check inter 100ms\n\
             frontend tcp\nmode tcp\nbind {tcp}\ndefault_backend gateways_tcp\n\
             backend gateways_tcp\nmode tcp\n\
             server g {sealed_tcp} send-proxy-v2 check-send-proxy check inter 100ms\n",
            authority = certificate_file("authority.pem").display(),
        )
    })
}

/// HAProxy in front of pusher-apis, each request to the next of them, the connection of the last one whoever it was.
pub(crate) fn haproxy_to_pusher_apis(test: &str, pushers: [&PusherApi; 2]) -> Option<Proxy> {
    let [first, second] = pushers.map(|pusher| pusher.address);
    haproxy_with(test, |certificate, [http, tls, _]| {
        format!(
            "frontend http\nmode http\nbind {http}\nbind {tls} ssl crt {certificate}\n\
             default_backend pusher_apis\n\
             backend pusher_apis\nmode http\nbalance roundrobin\nhttp-reuse always\n\
             option redispatch\noption httpchk GET /readyz\n\
             server first {first} check inter 100ms\nserver second {second} check inter 100ms\n",
        )
    })
}

/// HAProxy with this behind its times; `configure` is given a certificate with its key.
fn haproxy_with(
    test: &str,
    configure: impl FnOnce(&str, [SocketAddr; 3]) -> String,
) -> Option<Proxy> {
    start(test, "haproxy", |folder, addresses| {
        let both = ["tls.certificate.pem", "tls.key.pem"]
            .map(|name| fs::read_to_string(key_file(name)).unwrap());
        let certificate = configuration(folder, "both.pem", &both.concat());
        let times = "timeout connect 5s\ntimeout client 3s\ntimeout server 3s\ntimeout tunnel 3s\n";
        let text = format!("defaults\n{times}{}", configure(&certificate, addresses));
        let file = configuration(folder, "haproxy.cfg", &text);
        ["-db", "-f", &file].map(str::to_owned).to_vec()
    })
}

/// curl with HTTP/2 from an address of this machine, if there is one that speaks it.
pub(super) fn curl(test: &str, from: &str, more: &[&str]) -> Option<Process> {
    let version = Command::new("curl").arg("-V").output();
    if !version.is_ok_and(|it| String::from_utf8_lossy(&it.stdout).contains("HTTP2")) {
        skip(test, "curl with HTTP/2");
        return None;
    }
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--no-buffer", "--insecure", "--http2"]);
    command.args(["--interface", from, "--max-time", "60"]).args(more);
    Some(Process::spawn(command))
}
