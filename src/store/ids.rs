//! Which sign-ins a store holds of one error code.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int32Type;

use super::Store;
use crate::error::Result;

impl Store {
    /// The ids of the sign-ins of which a copy has `code`. Column `error_code` must have been asked for.
    ///
    /// # Errors
    /// A temporary file that cannot be read.
    pub fn ids_of_code(&self, code: i32) -> Result<Vec<String>> {
        let inner = self.lock();
        let mut ids = Vec::new();
        let mut add = |batch: &RecordBatch| {
            let codes = batch.column_by_name("error_code");
            let codes = codes.and_then(|codes| codes.as_primitive_opt::<Int32Type>());
            let of_batch = batch.column_by_name("sign_in_id");
            let of_batch = of_batch.and_then(|ids| ids.as_string_opt::<i32>());
            let (Some(codes), Some(of_batch)) = (codes, of_batch) else {
                return;
            };
            let rows = codes.iter().zip(of_batch);
            let found = rows.filter_map(|(of_row, id)| id.filter(|_| of_row == Some(code)));
            ids.extend(found.map(str::to_owned));
        };
        for day in inner.days.values() {
            day.pending.iter().for_each(&mut add);
            for segment in &day.segments {
                add(&inner.load(segment)?);
            }
        }
        Ok(ids)
    }
}
