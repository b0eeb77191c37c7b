//! Where snapshots go, by address: a directory or a bucket of S3.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;

/// The object store at `file:///PATH` or `s3://BUCKET/PREFIX`.
///
/// # Errors
/// If the address is neither, the directory cannot be made, or this build has no S3.
pub(crate) fn at(url: &str) -> anyhow::Result<Arc<dyn ObjectStore>> {
    if let Some(path) = url.strip_prefix("file://") {
        return in_directory(Path::new(path));
    }
    if url.starts_with("s3://") {
        return in_bucket(url);
    }
    bail!("snapshots go to file:///PATH or s3://BUCKET/PREFIX, not to {url}")
}

/// A directory, made if it is not there. What is written is on the disk for good, or a crash could
/// leave torn snapshots behind.
pub(crate) fn in_directory(folder: &Path) -> anyhow::Result<Arc<dyn ObjectStore>> {
    std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    let store = LocalFileSystem::new_with_prefix(folder)
        .with_context(|| format!("open {}", folder.display()))?;
    Ok(Arc::new(store.with_fsync(true)))
}

/// A bucket, with the credentials that AWS gives this process: by environment, web identity, task
/// or instance.
#[cfg(feature = "cloud")]
fn in_bucket(url: &str) -> anyhow::Result<Arc<dyn ObjectStore>> {
    bucket(object_store::aws::AmazonS3Builder::from_env(), url)
}

#[cfg(feature = "cloud")]
fn bucket(
    builder: object_store::aws::AmazonS3Builder,
    url: &str,
) -> anyhow::Result<Arc<dyn ObjectStore>> {
    use object_store::prefix::PrefixStore;

    let prefix = url.trim_start_matches("s3://").split_once('/').map_or("", |(_, prefix)| prefix);
    let store = builder.with_url(url).build();
    let store = store.with_context(|| format!("reach {url}"))?;
    Ok(Arc::new(PrefixStore::new(store, prefix)))
}

#[cfg(not(feature = "cloud"))]
fn in_bucket(url: &str) -> anyhow::Result<Arc<dyn ObjectStore>> {
    bail!("this build has no S3, which {url} needs: build with `--features cloud`")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use object_store::ObjectStoreExt;

    use super::at;

    #[tokio::test]
    async fn a_directory_is_made_and_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/snapshots");
        let store = at(&format!("file://{}", path.display())).unwrap();
        store.put(&"a/b".into(), "bytes".into()).await.unwrap();
        assert!(path.join("a/b").is_file());
    }

    /// What a worker does with its snapshots, on something that answers as S3 does.
    #[cfg(feature = "cloud")]
    #[tokio::test]
    async fn a_bucket_keeps_the_newest_snapshots_and_gives_them_back() {
        use futures_util::TryStreamExt;
        use object_store::aws::AmazonS3Builder;
        use order_worker::Snapshots;
        use schemas::log::FilterState;

        const BYTES: usize = 20 << 20;
        crate::process::install_cryptography();
        let endpoint = test_servers::Server::Aws.address();
        let name = test_servers::unique("snapshots").replace('_', "-");
        let (at, path) = (endpoint.clone(), format!("/{name}"));
        let made = move || crate::partition::call(&at, "PUT", &path, "");
        tokio::task::spawn_blocking(made).await.unwrap().unwrap();
        let builder = AmazonS3Builder::new()
            .with_endpoint(&endpoint)
            .with_allow_http(true)
            .with_region("eu-central-1")
            .with_access_key_id("test")
            .with_secret_access_key("test");
        let store = super::bucket(builder, &format!("s3://{name}/shop/one")).unwrap();
        let snapshots = Snapshots::new(store.clone(), 3);
        for read_offset in [5, 900, 1_000] {
            let filter =
                FilterState { log_id: Some(3), read_offset, epoch: 1, ..FilterState::default() };
            // Several parts, the last one smaller than the others.
            snapshots.save(7, &filter, vec![0; BYTES]).await.unwrap();
        }
        let kept: Vec<_> = store.list(None).try_collect().await.unwrap();
        assert_eq!(kept.len(), 2, "{kept:?}");
        assert!(kept.iter().all(|object| object.size == BYTES as u64), "{kept:?}");
        // What is no snapshot is skipped, not believed.
        assert!(snapshots.load(7).await.unwrap().is_none());
        let newer = Snapshots::new(store, 4);
        assert_eq!(newer.other_log(7).await.unwrap(), Some(3));
    }

    /// One that is not whole must not be taken for the newest, nor be in the way for ever.
    #[tokio::test]
    async fn a_snapshot_that_finds_no_room_leaves_the_one_before_it_and_no_trace() {
        use futures_util::TryStreamExt;
        use order_worker::Snapshots;
        use schemas::log::FilterState;

        const BYTES: usize = 10 << 20;
        // Where nobody may mount anything, the tests of the programs say so.
        let Some(disk) = test_servers::SmallDisk::mount(32).unwrap() else { return };
        let store = super::in_directory(&disk.path().join("snapshots")).unwrap();
        let snapshots = Snapshots::new(store.clone(), 3);
        let save = async |read_offset: u64, bytes: usize| {
            let filter =
                FilterState { log_id: Some(3), read_offset, epoch: 1, ..FilterState::default() };
            snapshots.save(7, &filter, vec![1; bytes]).await
        };
        save(5, BYTES).await.unwrap();
        let room = 1 << 20;
        disk.fill_but(room).unwrap();
        // In several parts, and in one.
        save(900, BYTES).await.unwrap_err();
        save(900, 2 << 20).await.unwrap_err();
        let kept: Vec<_> = store.list(None).try_collect().await.unwrap();
        assert_eq!(kept.len(), 1, "{kept:?}");
        assert_eq!(kept[0].size, BYTES as u64);
        // What was begun takes no room, once no child that another test just started has its file.
        for attempt in 1.. {
            match save(900, 600_000).await {
                Ok(()) => break,
                Err(fault) => assert!(attempt < 50, "{fault:?}"),
            }
            // tidy: allow sleep, because nothing tells when the other process lets the file go.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        disk.empty().unwrap();
        save(1_000, BYTES).await.unwrap();
        let kept: Vec<_> = store.list(None).try_collect().await.unwrap();
        assert_eq!(kept.len(), 2, "{kept:?}");
    }

    #[test]
    fn another_address_is_refused() {
        assert!(at("ftp://somewhere").unwrap_err().to_string().contains("s3://BUCKET"));
    }
}
