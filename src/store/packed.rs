//! Rows as an analysis keeps them in memory: text that comes again and again is there once for each segment. That takes half
//! the memory, so logs of twice the size can be judged without a temporary archive. Queries make it plain where they read it.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, RecordBatch, StringDictionaryBuilder,
};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt16Type};
use arrow::error::ArrowError;

/// Text of which every row has another.
const UNIQUE: [&str; 3] = ["sign_in_id", "correlation_id", "session_id"];

/// So many rows never have more values than a dictionary with keys of 16 bits can hold.
pub(super) const MOST_ROWS: usize = 1 << 15;

/// The columns of `schema`, packed.
pub(super) fn packed(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let is_packed =
            *field.data_type() == DataType::Utf8 && !UNIQUE.contains(&field.name().as_str());
        match is_packed {
            true => {
                let keys = Box::new(DataType::UInt16);
                let dictionary = DataType::Dictionary(keys, Box::new(DataType::Utf8));
                Field::new(field.name(), dictionary, field.is_nullable())
            }
            false => field.as_ref().clone(),
        }
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The rows of small batches in pieces that have the columns of `schema`, which are the same but packed.
pub(super) fn pack(
    batches: &[RecordBatch],
    schema: &SchemaRef,
) -> Result<Vec<RecordBatch>, ArrowError> {
    let slices = batches.iter().flat_map(|batch| {
        let from = (0..batch.num_rows()).step_by(MOST_ROWS);
        from.map(|from| batch.slice(from, MOST_ROWS.min(batch.num_rows() - from)))
    });
    let (mut pieces, mut piece, mut rows) = (Vec::new(), Vec::new(), 0);
    for slice in slices {
        if rows + slice.num_rows() > MOST_ROWS {
            pieces.push(packed_piece(&std::mem::take(&mut piece), schema)?);
            rows = 0;
        }
        rows += slice.num_rows();
        piece.push(slice);
    }
    if !piece.is_empty() {
        pieces.push(packed_piece(&piece, schema)?);
    }
    Ok(pieces)
}

fn packed_piece(batches: &[RecordBatch], schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = schema.fields().iter().enumerate().map(|(at, field)| {
        let column = batches.iter().map(|batch| batch.column(at).as_ref());
        let column: Vec<&dyn Array> = column.collect();
        match field.data_type() {
            DataType::Dictionary(..) => Ok(Arc::new(dictionary(&column)?) as ArrayRef),
            _ => concat(&column),
        }
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)
}

/// One dictionary of columns of text, of at most [`MOST_ROWS`] rows together. Of equal values in a row only the first is looked
/// up.
fn dictionary(columns: &[&dyn Array]) -> Result<DictionaryArray<UInt16Type>, ArrowError> {
    let rows = columns.iter().map(|column| column.len()).sum();
    let mut dictionary = StringDictionaryBuilder::<UInt16Type>::with_capacity(rows, 256, 4096);
    for column in columns {
        let not_text = || ArrowError::CastError(format!("{} is not text", column.data_type()));
        let values = column.as_string_opt::<i32>().ok_or_else(not_text)?;
        let mut at = 0;
        while at < values.len() {
            let value = values.is_valid(at).then(|| values.value(at));
            let mut end = at + 1;
            while end < values.len() && values.is_valid(end).then(|| values.value(end)) == value {
                end += 1;
            }
            match value {
                Some(value) => {
                    dictionary.append_n(value, end - at)?;
                }
                None => dictionary.append_nulls(end - at),
            }
            at = end;
        }
    }
    Ok(dictionary.finish())
}

/// The rows with plain text.
pub(super) fn unpack(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    if !is_packed(&schema) {
        return Ok(batch.clone());
    }
    let fields = schema.fields().iter().map(|field| {
        let kind = match field.data_type() {
            DataType::Dictionary(_, values) => values.as_ref(),
            kind => kind,
        };
        Field::new(field.name(), kind.clone(), field.is_nullable())
    });
    as_schema(batch, &Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

/// One column with plain text.
pub(super) fn plain(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        DataType::Dictionary(_, values) => cast(column, values),
        _ => Ok(Arc::clone(column)),
    }
}

/// Whether any column is packed.
pub(super) fn is_packed(schema: &Schema) -> bool {
    let mut fields = schema.fields().iter();
    fields.any(|field| matches!(field.data_type(), DataType::Dictionary(..)))
}

fn as_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = schema.fields().iter().zip(batch.columns());
    let columns = columns.map(
        |(field, column)| match column.data_type() == field.data_type() {
            true => Ok(Arc::clone(column)),
            false => cast(column, field.data_type()),
        },
    );
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::signin::{Columns, Signin, SigninBatch};

    #[test]
    fn what_was_packed_is_the_same_unpacked_however_many_values_there_are() {
        let mut batch = SigninBatch::new(Columns::ALL);
        for row in 0..MOST_ROWS + 10 {
            batch.push(&Signin {
                sign_in_id: Some(row.to_string().into()),
                city: (row % 3 != 0).then(|| (row % 2).to_string().into()),
                user_agent: Some(format!("agent {row}").into()),
                asn: Some(row as i64),
                risk_event_types: (row % 5 == 0).then(|| vec!["a".into()]),
                ..Signin::default()
            });
        }
        let plain = batch.take().unwrap().unwrap();
        let fields = plain.schema();
        let fields = fields.fields().iter();
        let bare: Vec<Field> = fields
            .map(|field| field.as_ref().clone().with_metadata(HashMap::new()))
            .collect();
        let schema = Arc::new(Schema::new(bare));
        let plain = RecordBatch::try_new(schema, plain.columns().to_vec()).unwrap();
        let pieces = pack(std::slice::from_ref(&plain), &packed(&plain.schema())).unwrap();
        let rows: Vec<_> = pieces.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(rows, [MOST_ROWS, 10]);
        for (piece, from) in pieces.iter().zip([0, MOST_ROWS]) {
            let city = piece.column_by_name("city").unwrap();
            assert_eq!(city.as_any_dictionary().values().len(), 2);
            let id = piece.column_by_name("sign_in_id").unwrap();
            assert_eq!(*id.data_type(), DataType::Utf8);
            assert_eq!(unpack(piece).unwrap(), plain.slice(from, piece.num_rows()));
        }
        assert_eq!(unpack(&plain).unwrap(), plain);
    }
}
