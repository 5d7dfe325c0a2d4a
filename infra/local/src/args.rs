//! [`Args`]: the command line, and the configuration file that it names.

use std::path::PathBuf;

use clap::Parser;
use narvi_gateway::{Config, Defaults};

use crate::HostError;

/// Where to listen when neither the command line nor the configuration says; Loki's port.
const DEFAULT_ADDRESS: &str = "127.0.0.1";
const DEFAULT_PORT: u16 = 3100;

/// Grafana Loki's job in one process: takes logs over Loki's HTTP API and answers LogQL.
///
/// Keeps everything in a folder; the same code runs on AWS Lambda with S3 and DynamoDB. Services
/// outside of the process take the credentials of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
/// AWS_SESSION_TOKEN. NARVI_LOG sets the log level, such as `debug`.
#[derive(Clone, Debug, Parser)]
#[command(name = "narvi", version)]
pub struct Args {
    /// Address and port to listen on [default: 127.0.0.1:3100, or `server` of the configuration]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,

    /// Folder that everything is kept in
    #[arg(long, value_name = "FOLDER", default_value = "narvi-data")]
    pub data: PathBuf,

    /// Configuration in YAML, with Loki's key names [default: Loki's defaults, without
    /// authentication]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Let in only the users and tokens of this file, in YAML [default: everybody]
    #[arg(long, value_name = "FILE")]
    pub credentials: Option<PathBuf>,

    /// Keep objects in this S3 instead of the folder
    #[arg(long, value_name = "URL")]
    pub s3_endpoint: Option<String>,

    /// Bucket of --s3-endpoint
    #[arg(long, value_name = "NAME", default_value = "narvi")]
    pub bucket: String,

    /// Keep the catalog in this DynamoDB instead of the folder
    #[arg(long, value_name = "URL")]
    pub dynamodb_endpoint: Option<String>,

    /// What the names of the DynamoDB tables begin with
    #[arg(long, value_name = "PREFIX", default_value = "narvi")]
    pub table_prefix: String,

    /// Region of services outside of the process
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    pub region: String,
}

impl Args {
    /// The configuration: the file of `--config`, or all defaults.
    ///
    /// # Errors
    /// [`HostError::ReadConfig`] and [`HostError::Config`].
    pub(crate) fn configuration(&self) -> Result<Config, HostError> {
        let Some(path) = &self.config else {
            return Ok(Config::new(Defaults::Local));
        };
        let text = std::fs::read_to_string(path).map_err(|source| HostError::ReadConfig {
            path: path.clone(),
            source,
        })?;
        Config::from_yaml_for(Defaults::Local, &text).map_err(|source| HostError::Config {
            path: path.clone(),
            source,
        })
    }

    /// Where to listen: the command line, else the configuration, else the default.
    pub(crate) fn address(&self, config: &Config) -> String {
        if let Some(listen) = &self.listen {
            return listen.clone();
        }
        let server = &config.server;
        let address = server
            .http_listen_address
            .as_deref()
            .unwrap_or(DEFAULT_ADDRESS);
        let port = server.http_listen_port.unwrap_or(DEFAULT_PORT);
        // IPv6 addresses hold colons themselves.
        if address.contains(':') {
            format!("[{address}]:{port}")
        } else {
            format!("{address}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: &[&str], yaml: &str, want: &str) {
        let args = Args::parse_from(command);
        let config = Config::from_yaml_for(Defaults::Local, yaml).unwrap();
        assert_eq!(args.address(&config), want);
    }

    #[test]
    fn addresses() {
        check(&["narvi"], "", "127.0.0.1:3100");
        check(&["narvi"], "server: {http_listen_port: 80}", "127.0.0.1:80");
        check(
            &["narvi"],
            "server: {http_listen_address: \"::1\"}",
            "[::1]:3100",
        );
        check(
            &["narvi", "--listen", "0.0.0.0:1"],
            "server: {http_listen_port: 80}",
            "0.0.0.0:1",
        );
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
    }
}
