//! [`Services`]: the objects and the catalog that the functions work on, in the folder or outside.

use std::sync::Arc;

use narvi_storage::{
    AccessKeys, Catalog, Connection, CountingObjects, DirectoryObjects, Objects, Requests, Settings,
};

use crate::data_folder::DataFolder;
use crate::dynamo::EmbeddedDynamo;
use crate::{Args, HostError};

/// Everything below the functions.
pub(crate) struct Services {
    /// Where segments are.
    pub(crate) objects: Arc<dyn Objects>,
    /// What segments there are.
    pub(crate) catalog: Catalog,
    /// What it would have cost.
    pub(crate) requests: Requests,
    /// To be stopped last; none where the catalog is outside.
    pub(crate) dynamo: Option<EmbeddedDynamo>,
    /// Held to the end; none where everything is outside.
    _folder: Option<DataFolder>,
}

impl Services {
    /// Takes the folder, starts what is embedded, and makes the tables where there are none.
    ///
    /// # Errors
    /// [`HostError`] for the folder, the embedded DynamoDB, or services that do not answer.
    pub(crate) async fn start(args: &Args) -> Result<Self, HostError> {
        let outside = args.s3_endpoint.is_some() && args.dynamodb_endpoint.is_some();
        let folder = if outside {
            None
        } else {
            Some(DataFolder::open(&args.data)?)
        };
        let dynamo = match (&args.dynamodb_endpoint, &folder) {
            (None, Some(folder)) => Some(EmbeddedDynamo::start(&folder.catalog())?),
            _ => None,
        };
        let embedded = dynamo.as_ref().map(|dynamo| dynamo.endpoint().to_owned());
        let requests = Requests::new();
        let settings = Settings {
            region: args.region.clone(),
            s3_endpoint: args.s3_endpoint.clone(),
            dynamodb_endpoint: args.dynamodb_endpoint.clone().or(embedded),
            bucket: args.bucket.clone(),
            table_prefix: args.table_prefix.clone(),
            shards: 1,
            access_keys: access_keys(args)?,
        };
        let connection = Connection::new(settings, requests.clone())?;
        let objects: Arc<dyn Objects> = match (&args.s3_endpoint, &folder) {
            (None, Some(folder)) => {
                let directory = Arc::new(DirectoryObjects::open(&folder.objects())?);
                Arc::new(CountingObjects::new(directory, requests.clone()))
            }
            _ => Arc::new(connection.objects()),
        };
        let catalog = connection.catalog();
        catalog.create_tables().await?;
        Ok(Self {
            objects,
            catalog,
            requests,
            dynamo,
            _folder: folder,
        })
    }
}

fn access_keys(args: &Args) -> Result<AccessKeys, HostError> {
    if args.s3_endpoint.is_none() && args.dynamodb_endpoint.is_none() {
        return Ok(AccessKeys::for_local_services());
    }
    Ok(AccessKeys::from_variables(|name| std::env::var(name).ok())?)
}
