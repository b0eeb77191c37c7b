//! The shop page, embedded at compile time. Owns which files there are and what they are; must not
//! know what they show.

use std::sync::LazyLock;

use schemas::Fingerprint;

/// A file and what is said about it.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Its path on the server.
    pub(crate) path: &'static str,
    /// Its media type.
    pub(crate) media_type: &'static str,
    /// Its content.
    pub(crate) bytes: &'static [u8],
    /// Strong: it is the same bytes everywhere.
    pub(crate) etag: String,
}

impl Asset {
    /// A file of this program.
    pub(crate) fn new(path: &'static str, bytes: &'static [u8]) -> Self {
        let etag = format!("\"{}\"", Fingerprint::of(&[bytes]));
        Self { path, media_type: media_type(path), bytes, etag }
    }
}

macro_rules! files {
    ($($file:literal,)*) => {
        /// Every file of the page, by its path within the folder.
        const FILES: &[(&str, &[u8])] = &[
            $( (concat!("/", $file), include_bytes!(concat!("../web/", $file))), )*
        ];
    };
}

files! {
    "css/cards.css",
    "css/page.css",
    "favicon.svg",
    "index.html",
    "js/api.js",
    "js/attempts.js",
    "js/catalogue.js",
    "js/checkout.js",
    "js/clock.js",
    "js/config.js",
    "js/deal.js",
    "js/main.js",
    "js/money.js",
    "js/order.js",
    "js/problems.js",
    "js/purchase.js",
    "js/retry.js",
    "js/seen.js",
    "js/session.js",
    "js/sse.js",
    "js/stream.js",
    "js/texts.js",
    "js/texts/en.js",
    "js/texts/ko.js",
    "js/times.js",
    "js/tracking.js",
    "js/views/account.js",
    "js/views/deal-card.js",
    "js/views/dom.js",
    "js/views/order-card.js",
    "js/views/page.js",
    "js/words.js",
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let mut assets: Vec<Asset> =
        FILES.iter().map(|(path, bytes)| Asset::new(path, bytes)).collect();
    assets.sort_unstable_by_key(|asset| asset.path);
    assets
});

/// The file at a path of the server.
pub(crate) fn find(path: &str) -> Option<&'static Asset> {
    let path = if path == "/" { "/index.html" } else { path };
    let found = ASSETS.binary_search_by_key(&path, |asset| asset.path).ok()?;
    ASSETS.get(found)
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{FILES, find};

    /// Files of the folder that are for developers.
    const NOT_SERVED: [&str; 2] = ["/package.json", "/tests"];

    fn walk(root: &Path, folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("/{}", path.strip_prefix(root).unwrap().to_str().unwrap());
            if NOT_SERVED.contains(&name.as_str()) || name.ends_with(".md") {
                continue;
            }
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                found.insert(name);
            }
        }
    }

    #[test]
    fn every_file_of_the_page_is_served() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        let mut found = BTreeSet::new();
        walk(&root, &root, &mut found);
        let listed: BTreeSet<String> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(found, listed);
    }

    #[test]
    fn files_are_found_by_their_path_and_nothing_else_is() {
        assert_eq!(find("/").unwrap().media_type, "text/html; charset=utf-8");
        assert_eq!(find("/js/main.js").unwrap().media_type, "text/javascript; charset=utf-8");
        for path in ["", "/js", "/js/", "/../Cargo.toml", "/js/../index.html", "/package.json"] {
            assert!(find(path).is_none(), "{path}");
        }
    }
}
