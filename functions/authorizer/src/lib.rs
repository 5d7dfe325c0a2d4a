//! The Lambda that API Gateway asks before each request: who calls, and may they?
//!
//! Reading order: [`Credentials`] (the document: users, tokens, their tenants), [`Gate`] with
//! [`Ask`] and [`Verdict`] (the decision, which local mode asks for as well), `access` (what reads
//! and what writes), `password` and `apr1` (hashes of htpasswd), [`Handler`] (events in, answers
//! out; [`Policy`] is that for a WebSocket API), [`Source`] with `ssm` (where the document comes
//! from).
//!
//! No secret is logged or part of an error. Where the document cannot be read, nothing starts and
//! nobody is let in. Knows no endpoint beyond its path, and does not read bodies.

mod access;
mod apr1;
mod credentials;
mod gate;
mod handler;
pub mod limits;
mod password;
mod policy;
mod source;
mod ssm;

pub use access::Access;
pub use credentials::{Credentials, CredentialsError};
pub use gate::{Ask, Gate, Verdict};
pub use handler::{Answer, Handler};
pub use policy::Policy;
pub use source::{Source, SourceError};
