//! [`start`]: the part of S3 that the functions use, with its objects in memory.
//!
//! Path style: `PUT` with `If-None-Match: *`, `GET` with `Range`, `POST ?delete`, `ListObjectsV2`.
//! Checks no signature. What S3 really does is held by the suite of `narvi-storage` against a
//! server of somebody else.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard};

use crate::server::{Reply, Request, Server};

/// Keys in one page of a list.
const PAGE: usize = 1000;

/// Objects by `bucket/key`.
#[derive(Default)]
struct Objects(Mutex<BTreeMap<String, Vec<u8>>>);

/// Starts an empty one; every bucket exists.
#[must_use]
pub fn start() -> Server {
    let objects = Objects::default();
    Server::start(move |request| objects.answer(request))
}

impl Objects {
    fn answer(&self, request: &Request) -> Reply {
        let path = request.path.trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        match (request.method.as_str(), key) {
            ("PUT", "") => Reply::new(200, ""),
            ("POST", "") if request.param("delete").is_some() => self.delete(bucket, request),
            ("GET", "") => self.list(bucket, request),
            ("PUT", _) => self.put(path, request),
            ("GET", _) => self.get(path, request),
            _ => error(501, "NotImplemented"),
        }
    }

    fn put(&self, path: &str, request: &Request) -> Reply {
        let mut objects = self.lock();
        if request.header("if-none-match").is_some() && objects.contains_key(path) {
            return error(412, "PreconditionFailed");
        }
        objects.insert(path.to_owned(), request.body.clone());
        Reply::new(200, "").header("etag", "\"stub\"")
    }

    fn get(&self, path: &str, request: &Request) -> Reply {
        let objects = self.lock();
        let Some(bytes) = objects.get(path) else {
            return error(404, "NoSuchKey");
        };
        let Some(range) = request.header("range") else {
            return Reply::new(200, bytes.clone());
        };
        let asked = range.trim_start_matches("bytes=").split_once('-');
        let numbers = asked.and_then(|(first, last)| {
            Some((first.parse::<usize>().ok()?, last.parse::<usize>().ok()?))
        });
        let Some((first, last)) = numbers.filter(|(first, _)| *first < bytes.len()) else {
            return error(416, "InvalidRange");
        };
        let last = last.min(bytes.len() - 1);
        let place = format!("bytes {first}-{last}/{}", bytes.len());
        Reply::new(206, &bytes[first..=last]).header("content-range", &place)
    }

    fn delete(&self, bucket: &str, request: &Request) -> Reply {
        let text = String::from_utf8_lossy(&request.body);
        let keys = text.split("<Key>").skip(1);
        let mut objects = self.lock();
        for key in keys.filter_map(|rest| rest.split("</Key>").next()) {
            objects.remove(&format!("{bucket}/{key}"));
        }
        Reply::new(200, "<DeleteResult/>").header("content-type", "application/xml")
    }

    fn list(&self, bucket: &str, request: &Request) -> Reply {
        let prefix = format!("{bucket}/{}", request.param("prefix").unwrap_or_default());
        let after = request.param("start-after").unwrap_or_default();
        let after = Bound::Excluded(format!("{bucket}/{after}"));
        let objects = self.lock();
        let found = objects
            .range::<String, _>((after, Bound::Unbounded))
            .filter(|(path, _)| path.starts_with(&prefix));
        let mut body = String::from("<ListBucketResult>");
        for (path, bytes) in found.take(PAGE) {
            let (key, size) = (&path[bucket.len() + 1..], bytes.len());
            // Writing to a string cannot fail.
            let _ = write!(
                body,
                "<Contents><Key>{key}</Key><Size>{size}</Size>\
                 <LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            );
        }
        body.push_str("</ListBucketResult>");
        Reply::new(200, body).header("content-type", "application/xml")
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().expect("nobody panics with the objects")
    }
}

fn error(status: u16, code: &str) -> Reply {
    let body = format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>");
    Reply::new(status, body).header("content-type", "application/xml")
}
