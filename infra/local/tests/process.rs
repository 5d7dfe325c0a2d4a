//! The built command as a process: start, stop, refusals, and what is left after `kill -9`.
#![cfg(test)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// A running `narvi` on a free port; killed when dropped.
struct Narvi {
    child: Child,
    address: String,
}

impl Narvi {
    fn start(data: &Path) -> Self {
        let mut child = command(data).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains(" is ready: ") {
            line.clear();
            assert_ne!(
                lines.read_line(&mut line).unwrap(),
                0,
                "narvi ended before it was ready"
            );
        }
        // Nothing else is read, and a full pipe must not stop the process.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let address = line
            .split("http://")
            .nth(1)
            .and_then(|rest| rest.split('/').next());
        Self {
            child,
            address: address.unwrap().to_owned(),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn get(&self, path: &str) -> (u16, String) {
        told(agent().get(self.url(path)).call())
    }

    fn post(&self, path: &str) -> (u16, String) {
        told(agent().post(self.url(path)).send_empty())
    }

    /// Pushes one line of the stream `{app="test"}`.
    fn push(&self, nanos: u128, line: &str) -> (u16, String) {
        let body = format!(
            r#"{{"streams":[{{"stream":{{"app":"test"}},"values":[["{nanos}","{line}"]]}}]}}"#
        );
        let request = agent().post(self.url("/loki/api/v1/push"));
        told(request.content_type("application/json").send(body))
    }

    /// How often `{app="test"}` holds each of `lines`.
    fn count(&self, lines: &[&str]) -> Vec<usize> {
        let path = "/loki/api/v1/query_range?query=%7Bapp%3D%22test%22%7D&limit=1000";
        let (status, text) = self.get(path);
        assert_eq!(status, 200, "{text}");
        lines
            .iter()
            .map(|line| text.matches(&format!("\"{line}\"")).count())
            .collect()
    }

    fn stop(mut self, signal: &str) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap()
    }
}

impl Drop for Narvi {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into()
}

fn told(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> (u16, String) {
    let mut response = response.unwrap();
    (
        response.status().as_u16(),
        response.body_mut().read_to_string().unwrap(),
    )
}

/// Nanoseconds since the epoch.
fn clock() -> u128 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_nanos()
}

fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_narvi"));
    command
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(data);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// What a start that fails says.
fn refusal(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn starts_answers_and_stops() {
    let data = tempfile::tempdir().unwrap();
    for signal in ["-TERM", "-INT"] {
        let narvi = Narvi::start(data.path());
        assert_eq!(narvi.get("/ready"), (200, "ready\n".to_owned()));
        assert_eq!(narvi.stop(signal).code(), Some(0));
    }
}

#[test]
fn a_data_folder_has_one_process() {
    let data = tempfile::tempdir().unwrap();
    let first = Narvi::start(data.path());
    let text = refusal(&mut command(data.path()));
    let (folder, id) = (data.path().display(), first.child.id());
    let want = format!(
        "narvi: data folder `{folder}` is in use by another narvi (process {id}); \
         stop it or give another with --data\n"
    );
    assert_eq!(text, want);
    // The system lets go of the lock, however the process ended.
    assert_eq!(first.stop("-KILL").code(), None);
    let second = Narvi::start(data.path());
    assert_eq!(second.get("/ready").0, 200);
}

#[test]
fn what_was_acknowledged_outlives_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..30).map(|n| format!("line {n}.")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    for (round, part) in lines.chunks(10).enumerate() {
        let narvi = Narvi::start(data.path());
        for line in part {
            assert_eq!(narvi.push(clock(), line), (204, String::new()));
        }
        assert_eq!(narvi.stop("-KILL").code(), None, "round {round}");
    }
    let narvi = Narvi::start(data.path());
    assert_eq!(narvi.count(&lines), vec![1; lines.len()]);
    assert_eq!(narvi.count(&["no such line"]), [0]);
}

#[test]
fn jobs_run_on_demand_and_lose_nothing() {
    let data = tempfile::tempdir().unwrap();
    let narvi = Narvi::start(data.path());
    for line in ["one", "two", "three"] {
        assert_eq!(narvi.push(clock(), line).0, 204);
    }
    for job in ["compact", "retention", "rules"] {
        let (status, report) = narvi.post(&format!("/narvi/run/{job}"));
        assert_eq!(status, 200, "{job}: {report}");
    }
    assert_eq!(narvi.count(&["one", "two", "three"]), [1, 1, 1]);
}

#[test]
fn an_address_in_use_is_named() {
    let data = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut narvi = Command::new(env!("CARGO_BIN_EXE_narvi"));
    let text = refusal(
        narvi
            .args(["--listen", &address, "--data"])
            .arg(data.path()),
    );
    assert!(
        text.starts_with(&format!("narvi: cannot listen on `{address}`: ")),
        "{text}"
    );
    assert!(text.ends_with("; give another with --listen\n"), "{text}");
    assert_eq!(
        std::fs::read_dir(data.path()).unwrap().count(),
        0,
        "nothing was made"
    );
}

#[test]
fn mistakes_in_the_configuration_are_named() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("narvi.yaml");
    std::fs::write(&file, "limits_config:\n  max_qery_series: 7\n").unwrap();
    let text = refusal(command(data.path()).arg("--config").arg(&file));
    for want in [
        "narvi.yaml`",
        "line 2",
        "max_qery_series",
        "max_query_series",
    ] {
        assert!(text.contains(want), "{text:?} lacks {want:?}");
    }
    let text = refusal(command(data.path()).args(["--config", "/no/such/file"]));
    assert!(
        text.starts_with("narvi: cannot read `/no/such/file`: "),
        "{text}"
    );
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_sent() {
    let data = tempfile::tempdir().unwrap();
    let narvi = Narvi::start(data.path());
    let mut stream = TcpStream::connect(&narvi.address).unwrap();
    let head = "POST /loki/api/v1/push HTTP/1.1\r\nhost: x\r\ncontent-length: 104857601\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let want = "request body too large: message size too large than max (104857601 vs 104857600)\n";
    assert!(answer.ends_with(want), "{answer}");
}

#[test]
fn paths_that_cannot_be_decoded_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let narvi = Narvi::start(data.path());
    let (status, text) = narvi.get("/loki/api/v1/label/%FF/values");
    assert_eq!((status, text.starts_with("path: ")), (400, true), "{text}");
}

#[test]
fn local_calls() {
    let data = tempfile::tempdir().unwrap();
    let narvi = Narvi::start(data.path());
    let (status, text) = narvi.post("/narvi/run/dishes");
    assert_eq!(status, 404);
    assert!(
        text.starts_with("there is no job `dishes`; there are: "),
        "{text}"
    );
    let (status, text) = narvi.get("/narvi/requests");
    assert!(status == 200 && text.contains("\"dynamodb."), "{text}");
}
