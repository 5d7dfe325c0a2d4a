//! [`Function`]: the binary of a Lambda function under a Lambda Runtime API.
//!
//! The binary asks for events (`GET …/invocation/next`), which waits until a test has one, and
//! posts what it made of them. Protocol:
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::{Reply, Request, Server};
use crate::{cloud::Cloud, commands};

/// No event takes longer; Lambda would have ended the function.
const TIMEOUT: Duration = Duration::from_secs(120);
const INVOCATIONS: &str = "/2018-06-01/runtime/invocation/";

/// A running function. Killed when dropped.
#[derive(Debug)]
pub struct Function {
    name: String,
    child: Child,
    output: PathBuf,
    events: Sender<String>,
    outcomes: Receiver<Outcome>,
    started: Instant,
    /// From the start of the process to the answer to the first event.
    pub first_answer: Option<Duration>,
}

/// What a function made of an event: its answer, or the error that it reported.
pub type Outcome = Result<Value, Value>;

impl Function {
    /// Starts `narvi-{name}` in a cloud, with a configuration in YAML.
    ///
    /// # Panics
    /// Where the binary is not built.
    #[must_use]
    pub fn start(name: &str, cloud: &Cloud, yaml: &str) -> Self {
        Self::start_with(name, cloud, &[("NARVI_CONFIG", yaml)])
    }

    /// Starts `narvi-{name}` in a cloud, with further variables.
    ///
    /// # Panics
    /// Where the binary is not built.
    #[must_use]
    pub fn start_with(name: &str, cloud: &Cloud, variables: &[(&str, &str)]) -> Self {
        let (events, waiting) = channel();
        let (post, outcomes) = channel();
        let api = Server::start(runtime_api(waiting, post));
        let folder = tempfile::tempdir().expect("there is room").keep();
        let output = folder.join(format!("{name}.log"));
        let file = File::create(&output).expect("the log can be made");
        let mut command = Command::new(commands::path(&format!("narvi-{name}")));
        command
            .env_clear()
            .envs(cloud.environment())
            .envs(variables.iter().copied())
            .env("AWS_LAMBDA_RUNTIME_API", api.address().to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", format!("narvi-{name}"))
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env(
                "AWS_LAMBDA_LOG_GROUP_NAME",
                format!("/aws/lambda/narvi-{name}"),
            )
            .env("AWS_LAMBDA_LOG_STREAM_NAME", format!("test/{name}"))
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("files can be shared"))
            .stderr(file);
        let started = Instant::now();
        Self {
            name: name.to_owned(),
            child: command.spawn().expect("the function starts"),
            output,
            events,
            outcomes,
            started,
            first_answer: None,
        }
    }

    /// Sends an event and waits for nothing; of what comes of it nobody hears.
    ///
    /// # Panics
    /// Never: the runtime API lives as long as the process.
    pub fn give(&self, event: &Value) {
        let sent = self.events.send(event.to_string());
        sent.expect("the runtime API lives as long as the process");
    }

    /// Sends an event and answers what came of it.
    ///
    /// # Panics
    /// Where nothing comes; the text is what the function has written.
    #[track_caller]
    pub fn send(&mut self, event: &Value) -> Outcome {
        let sent = self.events.send(event.to_string());
        sent.expect("the runtime API lives as long as the process");
        let outcome = self.outcomes.recv_timeout(TIMEOUT);
        let started = self.started;
        self.first_answer.get_or_insert_with(|| started.elapsed());
        outcome.unwrap_or_else(|error| {
            panic!(
                "{}: no answer ({error}); it has written:\n{}",
                self.name,
                self.log()
            )
        })
    }

    /// Sends an event of the schedule, which must succeed.
    #[track_caller]
    pub fn run(&mut self, event: &Value) -> Value {
        match self.send(event) {
            Ok(answer) => answer,
            Err(error) => panic!("{}: {error}; it has written:\n{}", self.name, self.log()),
        }
    }

    /// What it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// What it has written, for one that is expected to end by itself, which takes no event.
    ///
    /// # Panics
    /// Where the system cannot wait for it.
    #[must_use]
    pub fn log_at_end(&mut self) -> String {
        let status = self.child.wait().expect("it is a child of the test");
        assert!(!status.success(), "{}: {}", self.name, self.log());
        self.log()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may have ended already, and the folder is the system's to clean where this fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.output.parent().map(std::fs::remove_dir_all);
    }
}

/// The API for one function. Events wait under a lock: one function asks for one at a time.
fn runtime_api(
    waiting: Receiver<String>,
    post: Sender<Outcome>,
) -> impl Fn(&Request) -> Reply + Send + Sync {
    let (waiting, post) = (Mutex::new(waiting), Mutex::new(post));
    move |request| {
        let path = request.path.strip_prefix(INVOCATIONS).unwrap_or_default();
        if request.method == "GET" && path == "next" {
            let event = waiting.lock().expect("nobody panics with it").recv();
            return match event {
                Ok(event) => invocation(event),
                // The test is over.
                Err(_) => Reply::new(500, ""),
            };
        }
        let body = serde_json::from_slice(&request.body);
        let body = body.unwrap_or_else(|_| String::from_utf8_lossy(&request.body).into());
        let outcome = match path.rsplit('/').next() {
            Some("response") => Ok(body),
            _ => Err(body),
        };
        // Nobody listens once the test is over.
        let _ = post.lock().expect("nobody panics with it").send(outcome);
        Reply::new(202, "{}").header("content-type", "application/json")
    }
}

fn invocation(event: String) -> Reply {
    let deadline = crate::now() / 1_000_000 + 60_000;
    Reply::new(200, event)
        .header("content-type", "application/json")
        .header(
            "lambda-runtime-aws-request-id",
            "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        )
        .header("lambda-runtime-deadline-ms", &deadline.to_string())
        .header(
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:narvi",
        )
        .header(
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
        )
}
