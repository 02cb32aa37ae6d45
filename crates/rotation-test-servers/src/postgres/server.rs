//! One temporary cluster.

use std::fmt;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::certificates::Authority;
use super::error::{PostgresError, io_error};

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
    pub(super) folder: PathBuf,
    pub(super) bin: PathBuf,
    pub(super) account: Option<(u32, u32)>,
    pub(super) keeper: Option<(Child, ChildStdin)>,
    pub(super) major: u32,
    pub(super) port: u16,
    pub(super) authority: Authority,
}

impl PostgresServer {
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

    pub(super) fn init(&self) -> Result<(), PostgresError> {
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

    pub(super) fn configure(
        &self,
        settings: &[(String, String)],
        plaintext: bool,
    ) -> Result<(), PostgresError> {
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

    pub(super) fn run(&mut self) -> Result<(), PostgresError> {
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

    pub(super) fn end(&mut self, keep: bool) {
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

    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), PostgresError> {
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
