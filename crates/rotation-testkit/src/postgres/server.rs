//! One temporary cluster.

use std::fmt;
use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::certificates::{Authority, Certificate};
use super::{PostgresError, find, io_error};

/// Runs the server until its standard input ends, which it does with the process that started it,
/// however that ends. Then the folder goes too, unless it is to be kept for another start.
const KEEPER: &str = r#"folder=$1; shift
"$@" </dev/null & server=$!
trap '' INT TERM
read -r word
kill -QUIT $server 2>/dev/null
wait $server
[ "$word" = keep ] || rm -rf "$folder""#;

/// A PostgreSQL server of this test's own. Ends when dropped.
pub struct PostgresServer {
    folder: PathBuf,
    bin: PathBuf,
    account: Option<(u32, u32)>,
    keeper: Option<(Child, ChildStdin)>,
    major: u32,
    port: u16,
    authority: Authority,
}

/// How a server is to be.
#[derive(Debug, Default)]
pub struct PostgresBuilder {
    settings: Vec<(String, String)>,
    hba: Vec<String>,
    certificate: Option<Certificate>,
    authority: Option<Authority>,
    plaintext: bool,
}

impl PostgresBuilder {
    /// A setting of `postgresql.conf`.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// A line of `pg_hba.conf`, before those that admit every user from this machine by password.
    #[must_use]
    pub fn hba(mut self, line: impl Into<String>) -> Self {
        self.hba.push(line.into());
        self
    }

    /// The certificate that the server shows, and who signed it. Unless given, one for `localhost`.
    #[must_use]
    pub fn certificate(mut self, authority: Authority, certificate: Certificate) -> Self {
        (self.authority, self.certificate) = (Some(authority), Some(certificate));
        self
    }

    /// A server that does not offer TLS.
    #[must_use]
    pub fn without_tls(mut self) -> Self {
        self.plaintext = true;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// As for [`PostgresServer::start`].
    pub fn start(self) -> Result<PostgresServer, PostgresError> {
        let bin = find::bin_dir()?;
        let account = account()?;
        let authority = self.authority.map_or_else(Authority::new, Ok)?;
        let certificate = match self.certificate {
            Some(certificate) => certificate,
            None => authority.issue(&["localhost", "127.0.0.1"])?,
        };
        let folder = folder(account)?;
        let mut server = PostgresServer {
            major: major(&bin)?,
            folder,
            bin,
            account,
            keeper: None,
            port: 0,
            authority,
        };
        server.init()?;
        server.write("server.crt", &certificate.chain)?;
        server.write("server.key", &certificate.key)?;
        server.write("data/pg_hba.conf", &hba(&self.hba))?;
        server.configure(&self.settings, self.plaintext)?;
        for _ in 0..5 {
            server.port = free_port()?;
            match server.run() {
                // Somebody else may have taken the port in between.
                Err(PostgresError::NotStarted(said)) if said.contains("could not bind") => server.end(true),
                result => return result.map(|()| server),
            }
        }
        Err(PostgresError::NotStarted("five free ports were taken".to_owned()))
    }
}

impl PostgresServer {
    /// Starts a server with TLS and SCRAM passwords: the one whose folder `ROTATION_POSTGRES_BIN` names,
    /// or the newest that is installed. Takes about a second.
    ///
    /// # Errors
    ///
    /// [`PostgresError`]; where no server is installed, with the command that gets one.
    pub fn start() -> Result<Self, PostgresError> {
        Self::builder().start()
    }

    /// A server with other settings.
    #[must_use]
    pub fn builder() -> PostgresBuilder {
        PostgresBuilder::default()
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The name of the superuser.
    #[must_use]
    pub fn superuser(&self) -> &'static str {
        "postgres"
    }

    /// The superuser's password, no secret.
    #[must_use]
    pub fn superuser_password(&self) -> &'static str {
        "the-superuser's-password"
    }

    /// The server's major version.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.major
    }

    /// The folder of the server's programs: where it was found.
    #[must_use]
    pub fn bin_dir(&self) -> &Path {
        &self.bin
    }

    /// The CA bundle that the server's certificate is verified by.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.authority.pem()
    }

    /// All that the server has logged since it was made.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Stops the server at once, as a crash would, and keeps its data for [`restart`](Self::restart).
    pub fn stop(&mut self) {
        self.end(true);
    }

    /// Starts it again on the same port.
    ///
    /// # Errors
    ///
    /// [`PostgresError::NotStarted`].
    pub fn restart(&mut self) -> Result<(), PostgresError> {
        self.end(true);
        self.run()
    }

    /// Starts it again as a replica is: in recovery, and read-only.
    ///
    /// # Errors
    ///
    /// [`PostgresError::NotStarted`].
    pub fn restart_read_only(&mut self) -> Result<(), PostgresError> {
        self.end(true);
        self.write("data/standby.signal", "")?;
        self.run()
    }

    fn init(&self) -> Result<(), PostgresError> {
        self.write("password", self.superuser_password())?;
        let path = |name: &str| self.folder.join(name);
        let mut initdb = self.command(&self.bin.join("initdb"));
        initdb.arg("-D").arg(path("data"));
        initdb.args(["-U", self.superuser(), "-A", "scram-sha-256", "-E", "UTF8"]);
        initdb
            .args(["--locale=C", "--no-sync", "--pwfile"])
            .arg(path("password"));
        let tried = match self.account {
            Some((user, _)) => format!("initdb as user {user}, who has to reach {}", self.bin.display()),
            None => "initdb".to_owned(),
        };
        let output = initdb.output().map_err(io_error(tried))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(PostgresError::NotStarted(
                String::from_utf8_lossy(&output.stderr).into_owned(),
            )),
        }
    }

    fn configure(&self, settings: &[(String, String)], plaintext: bool) -> Result<(), PostgresError> {
        let path = |name: &str| self.folder.join(name).display().to_string();
        let ours = [
            ("listen_addresses", "127.0.0.1".to_owned()),
            ("unix_socket_directories", String::new()),
            ("fsync", "off".to_owned()),
            ("ssl", (if plaintext { "off" } else { "on" }).to_owned()),
            ("ssl_cert_file", path("server.crt")),
            ("ssl_key_file", path("server.key")),
        ];
        let ours = ours.into_iter().map(|(name, value)| (name.to_owned(), value));
        let lines: String = ours
            .chain(settings.iter().cloned())
            .map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''")))
            .collect();
        let file = self.folder.join("data/postgresql.conf");
        let mut file = File::options()
            .append(true)
            .open(file)
            .map_err(io_error("postgresql.conf"))?;
        file.write_all(lines.as_bytes())
            .map_err(io_error("postgresql.conf"))
    }

    fn run(&mut self) -> Result<(), PostgresError> {
        let logged = self.log().len();
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"));
        let log = log.map_err(io_error("the log"))?;
        let mut keeper = self.command(Path::new("sh"));
        keeper.args(["-c", KEEPER, "sh"]).arg(&self.folder);
        keeper
            .arg(self.bin.join("postgres"))
            .arg("-D")
            .arg(self.folder.join("data"));
        keeper.args(["-p", &self.port.to_string()]);
        keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        let mut keeper = keeper.spawn().map_err(io_error("postgres"))?;
        let Some(stdin) = keeper.stdin.take() else {
            return Err(PostgresError::NotStarted(
                "its standard input is not there".to_owned(),
            ));
        };
        self.keeper = Some((keeper, stdin));
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            if self.is_ready() {
                return Ok(());
            }
            let said = self.log().split_off(logged);
            if said.contains("FATAL:") {
                return Err(PostgresError::NotStarted(said));
            }
            sleep(Duration::from_millis(10));
        }
        Err(PostgresError::NotStarted(self.log().split_off(logged)))
    }

    /// Its eighth line says whether the server takes connections; that the port is open does not.
    fn is_ready(&self) -> bool {
        let status = fs::read_to_string(self.folder.join("data/postmaster.pid"));
        status.is_ok_and(|text| {
            text.lines()
                .nth(7)
                .is_some_and(|line| matches!(line.trim(), "ready" | "standby"))
        })
    }

    fn end(&mut self, keep: bool) {
        if let Some((mut keeper, mut stdin)) = self.keeper.take() {
            if keep {
                _ = stdin.write_all(b"keep\n");
            }
            drop(stdin);
            _ = keeper.wait();
            _ = fs::remove_file(self.folder.join("data/postmaster.pid"));
        }
    }

    /// A command of the server's account, in its folder.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env("LC_ALL", "C");
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }

    fn write(&self, name: &str, text: &str) -> Result<(), PostgresError> {
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(io_error(name))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(io_error(name))?;
        match self.account {
            Some((user, group)) => chown(&path, Some(user), Some(group)).map_err(io_error(name)),
            None => Ok(()),
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.end(false);
        _ = fs::remove_dir_all(&self.folder);
    }
}

impl fmt::Debug for PostgresServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresServer")
            .field("major", &self.major)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

fn hba(lines: &[String]) -> String {
    let mut text = lines.join("\n");
    text.push_str("\nhost all all 127.0.0.1/32 scram-sha-256\n");
    text
}

/// PostgreSQL refuses to run as root: another account of this machine, if that is who we are.
fn account() -> Result<Option<(u32, u32)>, PostgresError> {
    let id = Command::new("id").arg("-u").output().map_err(io_error("id"))?;
    if String::from_utf8_lossy(&id.stdout).trim() != "0" {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").map_err(io_error("/etc/passwd"))?;
    let find = |name: &str| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let found = fields.next() == Some(name);
            let (user, group) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            found.then_some((user, group))
        })
    };
    match find("postgres").or_else(|| find("nobody")) {
        Some(account) => Ok(Some(account)),
        None => Err(PostgresError::NotStarted(
            "PostgreSQL does not run as root, and there is neither a user postgres nor nobody".to_owned(),
        )),
    }
}

fn folder(account: Option<(u32, u32)>) -> Result<PathBuf, PostgresError> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("rotation-postgres-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    // Left by a process of the same id that had no time to tidy up.
    _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).map_err(io_error(format!("{}", folder.display())))?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).map_err(io_error("the folder"))?;
    if let Some((user, group)) = account {
        chown(&folder, Some(user), Some(group)).map_err(io_error("the folder"))?;
    }
    Ok(folder)
}

fn free_port() -> Result<u16, PostgresError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io_error("a free port"))?;
    let address = listener.local_addr().map_err(io_error("a free port"))?;
    Ok(address.port())
}

/// Of `postgres (PostgreSQL) 15.18 (Debian …)`.
fn major(bin: &Path) -> Result<u32, PostgresError> {
    let output = Command::new(bin.join("postgres")).arg("--version").output();
    let output = output.map_err(io_error("postgres --version"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let digits = |word: &str| {
        word.split(|c: char| !c.is_ascii_digit())
            .next()
            .map(str::to_owned)
    };
    let version = text.split_whitespace().nth(2).and_then(digits);
    version
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| PostgresError::NotStarted(format!("its version is not understood: {text}")))
}
