//! Files in, project or findings out.

mod corpus;
mod files;
