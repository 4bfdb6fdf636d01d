//! Parquet that others wrote.
