//! The model against the reference's own answers.

mod corpus;
