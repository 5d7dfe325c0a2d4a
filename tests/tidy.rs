//! Holds the house style.
