//! Files in, project or findings out.

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod files;
