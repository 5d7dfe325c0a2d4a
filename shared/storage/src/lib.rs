//! Objects (S3 or a directory) and the DynamoDB catalog.
