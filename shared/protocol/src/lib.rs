//! Loki's and OTLP's wire formats: decode pushes, encode answers and errors. No IO.
