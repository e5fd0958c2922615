//! The way to a server that is not this machine: encrypted, and only to the server that the URL names. Its certificates are
//! made here, by OpenSSL, which Debian's PostgreSQL brings along.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use flashsale::store::postgres::{Role, Session, Step};
use tempfile::TempDir;

use super::cluster::{Cluster, as_nobody, folder_of_nobody};
use crate::server::{Premises, Ran};
use crate::waiting::wait_until;

/// Certificates, and their keys, which the server alone may read.
struct Authority(TempDir);

impl Authority {
    fn new() -> Authority {
        let authority = Authority(folder_of_nobody());
        for name in ["ours", "theirs"] {
            authority.make(name, "CA:TRUE", "ours.example", None);
        }
        authority.make("right", "CA:FALSE", "db.example", Some("ours"));
        authority.make("alone", "CA:TRUE", "db.example", None);
        authority
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// For this host, and signed by the authority of that name, or by itself.
    fn make(&self, name: &str, kind: &str, host: &str, signed_by: Option<&str>) {
        let text = format!(
            "[req]\ndistinguished_name = dn\nx509_extensions = extensions\nprompt = no\n[dn]\nCN = {name}\n\
             [extensions]\nbasicConstraints = critical, {kind}\nsubjectAltName = DNS:{host}\n"
        );
        let config = self.file("openssl.cnf");
        fs::write(&config, text).unwrap();
        let key = format!("{name}.key");
        let mut openssl = as_nobody(Path::new("openssl"));
        openssl.current_dir(self.0.path()).args([
            "req", "-x509", "-nodes", "-days", "2", "-newkey", "ec", "-pkeyopt",
        ]);
        openssl.args(["ec_paramgen_curve:prime256v1", "-config", "openssl.cnf"]);
        openssl.args(["-keyout", &key, "-out", &format!("{name}.pem")]);
        if let Some(authority) = signed_by {
            openssl.args(["-CA", &format!("{authority}.pem")]);
            openssl.args(["-CAkey", &format!("{authority}.key")]);
        }
        let made = openssl.output().unwrap();
        let told = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{told}");
    }
}

/// A server that is reached by a network address: this machine's, under the name of another one.
struct Remote {
    cluster: Cluster,
    address: String,
    certificates: Authority,
}

impl Remote {
    fn start() -> Option<Remote> {
        // Without PostgreSQL there may be no OpenSSL either.
        Cluster::shared()?;
        let certificates = Authority::new();
        let access = certificates.file("access");
        let rules = "local all all trust\nhostssl all ada all scram-sha-256\nhostnossl all flashsale all trust\n";
        fs::write(&access, rules).unwrap();
        fs::set_permissions(&access, fs::Permissions::from_mode(0o644)).unwrap();
        let [_, one, two, three] = std::process::id().to_be_bytes();
        let address = format!("127.{one}.{two}.{three}");
        let listens = format!("listen_addresses={address}");
        let rules = format!("hba_file={}", access.display());
        let cluster = Cluster::start(&[&listens, &rules])?;
        let remote = Remote {
            cluster,
            address,
            certificates,
        };
        remote.execute("create role ada superuser login password 's3cret'");
        Some(remote)
    }

    fn session(&self) -> Session {
        Session::connect(&self.cluster.server(""), Role::Read).unwrap()
    }

    fn execute(&self, sql: &str) {
        self.session().execute(sql).unwrap();
    }

    /// From now on it has this certificate.
    fn shows(&self, name: &str) {
        let certificate = self.certificates.file(&format!("{name}.pem"));
        let key = self.certificates.file(&format!("{name}.key"));
        for (setting, value) in [
            ("ssl_cert_file", certificate.to_str().unwrap()),
            ("ssl_key_file", key.to_str().unwrap()),
            ("ssl", "on"),
        ] {
            self.execute(&format!("alter system set {setting} = '{value}'"));
        }
        self.execute("select pg_reload_conf()");
        // A session has the settings that the server had when it began.
        let is_shown = || {
            let asked = Step::new("select current_setting('ssl_cert_file') as file");
            let answers = self.session().run(&[asked]).unwrap();
            answers[0][0].get::<_, &str>("file") == certificate.to_str().unwrap()
        };
        wait_until("a session has the settings", is_shown);
    }

    /// `seed` of a product, by a user who is let in with TLS alone, or by one without.
    fn seed(&self, user: &str, host: &str, options: &str) -> Ran {
        let premises = premises(&self.url(user, host, options));
        premises.seed("sku,name,price,total_stock\ntee,Tee,99.99,7\n")
    }

    fn url(&self, user: &str, host: &str, options: &str) -> String {
        let address = &self.address;
        format!("postgres://{user}@{host}/postgres?hostaddr={address}&{options}")
    }

    fn root(&self, name: &str) -> String {
        let file = self.certificates.file(&format!("{name}.pem"));
        format!("sslrootcert={}", file.display())
    }
}

fn premises(url: &str) -> Premises {
    let premises = Premises::new();
    let file = premises.file("flash_sale.toml", &format!("db = \"{url}\"\n"));
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    premises
}

const ADA: &str = "ada:s3cret";

#[test]
fn a_server_elsewhere_is_reached_by_tls_and_only_if_it_is_the_one_that_is_named() {
    let Some(remote) = Remote::start() else {
        return;
    };
    let ours = remote.root("ours");
    let refused = |host: &str, options: &str, advice: &str| {
        let ran = remote.seed(ADA, host, options).exited(78).complains(advice);
        assert!(!ran.stderr().contains("s3cret"), "{}", ran.stderr());
    };

    refused("db.example", &ours, "switch TLS on there");
    let plain = remote.seed("flashsale", "db.example", "sslmode=disable");
    plain.succeeded();
    let here = remote.address.clone();
    remote.seed("flashsale", &here, "").succeeded();

    remote.shows("right");
    remote.seed(ADA, "db.example", &ours).succeeded();
    for mode in ["require", "verify-ca", "verify-full"] {
        let options = format!("sslmode={mode}&{ours}");
        remote.seed(ADA, "db.example", &options).succeeded();
        refused("shop.example", &options, "subjectAltName");
    }
    refused("db.example", &remote.root("theirs"), "sslrootcert=FILE");
    refused("db.example", "", "sslrootcert");
    refused("db.example", &remote.root("none"), "sslrootcert");

    let premises = premises(&remote.url(ADA, "db.example", &ours));
    let server = premises.serve();
    let (status, hold) = server.hold(1);
    assert_eq!(status, 201, "{hold}");
    server.stop();
    premises.run(&["verify"]).succeeded();

    remote.shows("alone");
    refused("db.example", &remote.root("alone"), "its own authority");
}
