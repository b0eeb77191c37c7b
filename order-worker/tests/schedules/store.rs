//! An object store in memory that is silent or broken when a test says so.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, stream};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What a store answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    /// What is asked.
    #[default]
    Well,
    /// Every request is refused.
    Broken,
    /// No request is answered.
    Silent,
    /// An object's metadata, and none of its bytes.
    Stuck,
}

/// The store.
#[derive(Debug, Default)]
pub(crate) struct MoodyStore {
    memory: InMemory,
    mood: Mutex<Mood>,
    uploads: AtomicUsize,
}

impl MoodyStore {
    pub(crate) fn turn(&self, mood: Mood) {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    /// How many uploads in parts were begun.
    pub(crate) fn uploads(&self) -> usize {
        self.uploads.load(Ordering::Relaxed)
    }

    fn mood(&self) -> Mood {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gets through only if the store is well enough to answer.
    async fn pass(&self) -> Result<()> {
        match self.mood() {
            Mood::Well | Mood::Stuck => Ok(()),
            Mood::Broken => Err(broken()),
            Mood::Silent => std::future::pending().await,
        }
    }
}

fn broken() -> Error {
    Error::Generic { store: "moody", source: "it is broken".into() }
}

impl fmt::Display for MoodyStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MoodyStore")
    }
}

impl ObjectStore for MoodyStore {
    fn put_opts<'a, 'b, 'c>(
        &'a self,
        location: &'b Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> BoxFuture<'c, Result<PutResult>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.memory.put_opts(location, payload, options)
    }

    fn put_multipart_opts<'a, 'b, 'c>(
        &'a self,
        location: &'b Path,
        options: PutMultipartOptions,
    ) -> BoxFuture<'c, Result<Box<dyn MultipartUpload>>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.uploads.fetch_add(1, Ordering::Relaxed);
        self.memory.put_multipart_opts(location, options)
    }

    fn get_opts<'a, 'b, 'c>(
        &'a self,
        location: &'b Path,
        options: GetOptions,
    ) -> BoxFuture<'c, Result<GetResult>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        async move {
            self.pass().await?;
            let got = self.memory.get_opts(location, options).await?;
            if self.mood() != Mood::Stuck {
                return Ok(got);
            }
            Ok(GetResult { payload: GetResultPayload::Stream(stream::pending().boxed()), ..got })
        }
        .boxed()
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.memory.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.mood() {
            Mood::Well | Mood::Stuck => self.memory.list(prefix),
            Mood::Broken => stream::iter([Err(broken())]).boxed(),
            Mood::Silent => stream::pending().boxed(),
        }
    }

    fn list_with_delimiter<'a, 'b, 'c>(
        &'a self,
        prefix: Option<&'b Path>,
    ) -> BoxFuture<'c, Result<ListResult>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        async move {
            self.pass().await?;
            self.memory.list_with_delimiter(prefix).await
        }
        .boxed()
    }

    fn copy_opts<'a, 'b, 'c, 'd>(
        &'a self,
        from: &'b Path,
        to: &'c Path,
        options: CopyOptions,
    ) -> BoxFuture<'d, Result<()>>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
        Self: 'd,
    {
        self.memory.copy_opts(from, to, options)
    }
}
