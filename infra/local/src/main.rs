//! Narvi in one process: the same handlers, objects in a directory, an embedded DynamoDB.
fn main() {}
