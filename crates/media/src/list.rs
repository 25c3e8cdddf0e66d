use pli_store::Direction;
use ruma::{OwnedMxcUri, UserId};

use crate::{
    Media, MediaError,
    records::{FILES, FILES_OF_USER, FileRecord, USAGE},
};

/// One of a user's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserFile {
    /// The file's address.
    pub content_uri: OwnedMxcUri,
    /// What is known of it.
    pub file: FileRecord,
}

impl Media {
    /// The files that a user uploaded, newest first, at most `limit` of them; those before
    /// `older_than` if it is given: the last file of the page before.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn files_of(
        &self,
        user_id: &UserId,
        older_than: Option<&UserFile>,
        limit: usize,
    ) -> Result<Vec<UserFile>, MediaError> {
        let snapshot = self.0.store.snapshot().await?;
        let mut range = FILES_OF_USER.prefix((user_id,));
        if let Some(last) = older_than {
            let media_id = last.content_uri.media_id().map_err(|_| MediaError::NotFound)?;
            range = range.before((user_id, last.file.uploaded_at, media_id));
        }
        let rows = snapshot.scan(&FILES_OF_USER, range, limit, Direction::Backward).await?;
        let keys = rows.iter().map(|row| (&*self.0.server_name, &row.key.2));
        let files = snapshot.get_many(&FILES, keys).await?;
        Ok(rows
            .iter()
            .zip(files)
            .filter_map(|(row, found)| {
                let (file, _) = found?;
                Some(UserFile { content_uri: self.mxc_uri(&row.key.2), file })
            })
            .collect())
    }

    /// How many bytes a user's files have together.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn usage_of(&self, user_id: &UserId) -> Result<u64, MediaError> {
        let snapshot = self.0.store.snapshot().await?;
        let used = snapshot.get(&USAGE, user_id).await?.unwrap_or_default();
        Ok(u64::try_from(used.0).unwrap_or(0))
    }
}
