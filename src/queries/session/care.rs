//! What is done when queries run out of memory: fewer at a time, then operators that take what is free.

use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryLimit};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::SessionContext;

use crate::error::Error;
use crate::queries::kept::with_runtime;

/// What has been done since queries ran out of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Care {
    /// Nothing: they have not.
    None,
    /// One query runs at a time, and on one thread, so that few operators share what there is.
    OneAtATime,
    /// One query runs at a time, and its operators take what is free, where before each had the same share: that of a sort
    /// among ten is less than one batch of it may need.
    FirstCome,
}

/// The same engine, whose operators take memory as they come.
pub(super) fn first_come(context: &SessionContext) -> Result<SessionContext, DataFusionError> {
    let runtime = context.runtime_env();
    let MemoryLimit::Finite(bytes) = runtime.memory_pool.memory_limit() else {
        return Ok(context.clone());
    };
    let runtime = RuntimeEnvBuilder::from_runtime_env(&runtime)
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(bytes)))
        .build_arc()?;
    Ok(with_runtime(context, runtime))
}

pub(super) fn is_out_of_memory(error: &Error) -> bool {
    matches!(error, Error::Query { source, .. } if is_exhausted(source))
}

pub(super) fn is_exhausted(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}
