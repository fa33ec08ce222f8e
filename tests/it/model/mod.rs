//! The model against the reference's own answers.

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod schema;
