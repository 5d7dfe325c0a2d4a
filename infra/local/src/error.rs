//! [`HostError`]: why the local host does not start, with what to do about it.

use std::io;
use std::path::PathBuf;

use narvi_authorizer::CredentialsError;
use narvi_gateway::ConfigError;
use narvi_storage::StorageError;

/// Why `narvi` stops instead of serving.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The file of `--config` or `--credentials` cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    ReadConfig {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file of `--config` is wrong.
    #[error("`{}`: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The key and its place.
        source: ConfigError,
    },
    /// The file of `--credentials` is wrong.
    #[error("`{}`: {source}", path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        source: CredentialsError,
    },
    /// The data folder cannot be made or used.
    #[error("data folder `{}`: {source}; give another with --data", path.display())]
    DataFolder {
        /// The folder or what is in it.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process has the data folder.
    #[error(
        "data folder `{}` is in use by another narvi ({holder}); \
         stop it or give another with --data",
        path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// What the other process wrote into the lock file.
        holder: String,
    },
    /// The embedded DynamoDB does not start.
    #[error("embedded DynamoDB in `{}`: {reason}", path.display())]
    Dynamo {
        /// Its folder.
        path: PathBuf,
        /// What it says.
        reason: String,
    },
    /// S3 or DynamoDB does not answer as it should.
    #[error("{0}")]
    Storage(#[from] StorageError),
    /// A function does not start.
    #[error("function {function}: {reason}")]
    Function {
        /// Its name.
        function: &'static str,
        /// What it says.
        reason: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`: {source}; give another with --listen")]
    Listen {
        /// The address as asked for.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The HTTP server broke.
    #[error("serving HTTP: {0}")]
    Serve(io::Error),
    /// The system does not let us listen to signals.
    #[error("cannot listen to signals: {0}")]
    Signals(io::Error),
}
