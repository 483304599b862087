//! One document for each corner.
