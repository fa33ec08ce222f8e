//! The model against the reference's own answers.

#[cfg(test)]
mod corpus;
mod labels;
#[cfg(test)]
mod schema;
