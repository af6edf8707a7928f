//! Where tasks come from: articles and a generator of problems.

pub mod context;
pub mod corpus;
pub mod math;
