//! [`Narvi`]: the command `narvi` as a process on a data folder, started, stopped or killed.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use crate::client::{Ask, Client};
use crate::commands;
use crate::push::Body;

/// A running `narvi` on a free port. Killed when dropped.
#[derive(Debug)]
pub struct Narvi {
    child: Child,
    client: Client,
    log: Arc<Mutex<String>>,
}

impl Narvi {
    /// Starts it on `data`, with a configuration file or all defaults, and waits until it is ready.
    ///
    /// # Panics
    /// Where it ends instead; the text is what it said.
    #[must_use]
    pub fn start(data: &Path, config: Option<&Path>) -> Self {
        let config = config.map(|file| ("--config", file));
        Self::start_on(data, config.as_slice())
    }

    /// Starts it with further options, each with its file.
    fn start_on(data: &Path, options: &[(&str, &Path)]) -> Self {
        Self::start_by(Command::new(commands::path("narvi")), data, options)
    }

    /// Starts it where no file may have more than `bytes`, as on a disk that is full soon: what is
    /// written beyond that fails.
    #[must_use]
    pub fn start_in_little_room(data: &Path, yaml: &str, bytes: u64) -> Self {
        let file = data.with_extension("yaml");
        std::fs::write(&file, yaml).expect("the configuration can be written");
        // Without the trap the system ends the process in the place of the write.
        let script = "trap '' XFSZ; exec prlimit --fsize=\"$0\": -- \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", script, &bytes.to_string()]);
        command.arg(commands::path("narvi"));
        Self::start_by(command, data, &[("--config", &file)])
    }

    /// Ends what [`Narvi::start_in_little_room`] has begun: there is room again.
    ///
    /// # Panics
    /// Where the system refuses.
    pub fn give_room(&self) {
        let id = self.child.id().to_string();
        let mut command = Command::new("prlimit");
        let done = command.args(["--pid", &id, "--fsize=unlimited:"]).status();
        assert!(done.expect("there is `prlimit`").success());
    }

    fn start_by(mut command: Command, data: &Path, options: &[(&str, &Path)]) -> Self {
        command
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data);
        for (option, file) in options {
            command.arg(option).arg(file);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .expect("narvi starts");
        let mut output = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
        let mut said = String::new();
        let address = loop {
            let start = said.len();
            let read = output.read_line(&mut said).expect("narvi writes text");
            assert_ne!(read, 0, "narvi ended before it was ready: {said}");
            if let Some(address) = address(&said[start..]) {
                break address;
            }
        };
        let log = Arc::new(Mutex::new(String::new()));
        keep_reading(output, Arc::clone(&log));
        Self {
            child,
            client: Client::new(&format!("http://{address}")),
            log,
        }
    }

    /// Starts it with the text of a configuration, which is kept beside its data.
    #[must_use]
    pub fn start_with(data: &Path, yaml: &str) -> Self {
        let file = data.with_extension("yaml");
        std::fs::write(&file, yaml).expect("the configuration can be written");
        Self::start(data, Some(&file))
    }

    /// Starts it with the texts of a configuration and of credentials, which are kept beside its
    /// data.
    #[must_use]
    pub fn start_closed(data: &Path, yaml: &str, credentials: &str) -> Self {
        let (config, file) = (data.with_extension("yaml"), data.with_extension("users"));
        std::fs::write(&config, yaml).expect("the configuration can be written");
        std::fs::write(&file, credentials).expect("the credentials can be written");
        Self::start_on(data, &[("--config", &config), ("--credentials", &file)])
    }

    /// Asks it, without a tenant.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Pushes as a tenant (nobody where the name is empty), and fails the test unless it is
    /// acknowledged.
    #[track_caller]
    pub fn push(&self, tenant: &str, body: &Body) {
        let answer = self.client.tenant(tenant).ask(&body.ask());
        assert_eq!(answer.status, 204, "{}", answer.text());
    }

    /// Runs a scheduled function now and answers with its report.
    ///
    /// # Panics
    /// Where the run fails.
    #[track_caller]
    #[must_use]
    pub fn run(&self, job: &str) -> String {
        let path = format!("/narvi/run/{job}");
        let answer = self.client.ask(&Ask {
            method: "POST",
            path: &path,
            ..Ask::default()
        });
        assert_eq!(answer.status, 200, "{job}: {}", answer.text());
        answer.text()
    }

    /// Compacts now; answers how many merges were done.
    ///
    /// # Panics
    /// Where the run fails, as a whole or in a part.
    #[track_caller]
    #[must_use]
    pub fn compact(&self) -> u64 {
        let report = self.run("compact");
        for trouble in ["failed", "lost"] {
            assert_eq!(counted(&report, trouble), Some(0), "{report}");
        }
        counted(&report, "merges").expect("the report counts merges")
    }

    /// The most memory that it has had at once, in bytes, where the system tells.
    #[must_use]
    pub fn peak_memory(&self) -> Option<u64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
        Some(kilobytes << 10)
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it has logged since it was ready.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().expect("nobody panics with the log").clone()
    }

    /// Ends it as a loss of power of the process would: SIGKILL, nothing is finished.
    pub fn kill(mut self) {
        self.child.kill().expect("it still runs");
        self.child.wait().expect("it ends");
    }

    /// Asks it to stop and answers how it ended.
    #[must_use]
    pub fn stop(mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.expect("there is `kill`").success());
        self.child.wait().expect("it ends")
    }
}

impl Drop for Narvi {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("narvi said:\n{}", self.log());
        }
    }
}

/// Where it listens, from the line that says that it is ready.
fn address(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(" is ready: ")?;
    let (_, rest) = rest.split_once("http://")?;
    rest.split('/').next()
}

/// A full pipe must not stop the process.
fn keep_reading(mut output: BufReader<ChildStderr>, log: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        let mut line = String::new();
        while matches!(output.read_line(&mut line), Ok(read) if read > 0) {
            log.lock()
                .expect("nobody panics with the log")
                .push_str(&line);
            line.clear();
        }
    });
}

/// The number of `name: 7` in the report of a job.
#[must_use]
pub fn counted(report: &str, name: &str) -> Option<u64> {
    let rest = report.split(&format!(" {name}: ")).nth(1)?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}
