//! A server on loopback that answers what a test tells it to, and keeps what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What to do with a request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Status, and the body.
    Status(u16, String),
    /// A head that promises more than comes.
    Cut,
    /// Close the connection without a word.
    Hang,
    /// Say nothing until the client gives up.
    Silence,
}

/// A server that gives each request the next answer, and the last one for ever.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (seen_by_all, answers) = (Arc::clone(&seen), Arc::new(answers));
        tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(
                    connection,
                    Arc::clone(&answers),
                    Arc::clone(&seen_by_all),
                ));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Heads of the requests so far, in lower case.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(
    mut connection: TcpStream,
    answers: Arc<Vec<Answer>>,
    seen: Arc<Mutex<Vec<String>>>,
) {
    while let Some(head) = read_request(&mut connection).await {
        let answer = {
            let mut seen = seen.lock().unwrap();
            seen.push(head);
            answers[(seen.len() - 1).min(answers.len() - 1)].clone()
        };
        let (text, stay) = match answer {
            Answer::Status(status, body) => (response(status, &body), true),
            Answer::Cut => (
                "HTTP/1.1 206 X\r\ncontent-length: 10\r\n\r\nabc".to_owned(),
                false,
            ),
            Answer::Hang => return,
            Answer::Silence => {
                let _ = connection.read(&mut [0; 1]).await;
                return;
            }
        };
        if connection.write_all(text.as_bytes()).await.is_err() || !stay {
            return;
        }
    }
}

fn response(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads a head and drops its body; `None` at the end of the connection.
async fn read_request(connection: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |digits| digits.parse().unwrap())];
    connection.read_exact(&mut body).await.ok()?;
    Some(head)
}
