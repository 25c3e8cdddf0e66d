use crate::{
    Position, Store,
    batch::{Batch, Restore},
    error::{CommitError, StoreError},
    tools::RawRow,
};

/// How much is written to the target at a time, in bytes.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;

/// How far a copy has got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// The keyspace that is being copied; empty once all are.
    pub keyspace: String,
    /// How many rows were copied in all.
    pub rows: u64,
    /// The length of their keys and values, in bytes.
    pub bytes: u64,
    /// The position that the copy stands at when it is done.
    pub position: Position,
}

/// Why a store could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The target holds something already.
    #[error("the target store is not empty: copy into a new one")]
    NotEmpty,
    /// The source could not be read.
    #[error("reading the source: {0}")]
    Source(StoreError),
    /// The target could not be written. What was copied so far is of no use: delete it.
    #[error("writing the target: {0}; delete it and copy again")]
    Target(StoreError),
}

/// Copies everything of one store into another, empty one: rows, versions and the position. Clients'
/// sync tokens stay valid.
///
/// The copy is of one moment: what is committed to the source meanwhile is not in it. Until it is
/// complete, the target refuses to be opened, so that half a store can't be taken for a whole one.
/// `progress` is called after each chunk and at the end.
///
/// # Errors
/// When the target isn't empty or either store fails.
pub async fn copy(
    from: &Store,
    to: &Store,
    mut progress: impl FnMut(&Copied),
) -> Result<Copied, CopyError> {
    refuse_content(to).await?;
    let source = from.snapshot().await.map_err(CopyError::Source)?;
    let position = source.position();
    let mut copied = Copied { position, ..Copied::default() };
    for name in source.keyspaces().await.map_err(CopyError::Source)? {
        copied.keyspace.clone_from(&name);
        let mut chunk = Chunk::new(&name);
        let mut rows = source.raw_rows(&name, Vec::new());
        while let Some(row) = rows.next().await.map_err(CopyError::Source)? {
            copied.rows += 1;
            copied.bytes += (row.key.len() + row.value.len()) as u64;
            chunk.push(row);
            if chunk.bytes >= CHUNK_BYTES {
                chunk.write(to).await?;
                progress(&copied);
            }
        }
        chunk.write(to).await?;
        progress(&copied);
    }

    let done = Batch::restoring(Restore::Done(position));
    commit(to, done).await?;
    copied.keyspace.clear();
    progress(&copied);
    Ok(copied)
}

async fn refuse_content(store: &Store) -> Result<(), CopyError> {
    let target = store.snapshot().await.map_err(CopyError::Target)?;
    if target.position() > Position::ZERO {
        return Err(CopyError::NotEmpty);
    }
    for name in target.keyspaces().await.map_err(CopyError::Target)? {
        let mut rows = target.raw_rows(&name, Vec::new());
        if rows.next().await.map_err(CopyError::Target)?.is_some() {
            return Err(CopyError::NotEmpty);
        }
    }
    Ok(())
}

async fn commit(store: &Store, batch: Batch) -> Result<(), CopyError> {
    match store.commit(batch).await {
        Ok(_) => Ok(()),
        Err(CommitError::Store(error)) => Err(CopyError::Target(error)),
        Err(CommitError::Conflict(_)) => Err(CopyError::NotEmpty),
    }
}

/// Rows of one keyspace on their way.
struct Chunk {
    keyspace: &'static str,
    batch: Batch,
    bytes: usize,
}

impl Chunk {
    fn new(keyspace: &str) -> Self {
        // Batches name keyspaces by constants. A copy makes a few dozen more of them, once.
        let keyspace = Box::leak(keyspace.to_owned().into_boxed_str());
        Self { keyspace, batch: Batch::restoring(Restore::Rows), bytes: 0 }
    }

    fn push(&mut self, row: RawRow) {
        self.bytes += row.key.len() + row.value.len();
        self.batch.restore(self.keyspace, row);
    }

    async fn write(&mut self, to: &Store) -> Result<(), CopyError> {
        self.bytes = 0;
        let batch = std::mem::replace(&mut self.batch, Batch::restoring(Restore::Rows));
        if batch.is_empty() { Ok(()) } else { commit(to, batch).await }
    }
}
