//! The table of operations: what there is to call, for the edge (405, OPTIONS, metrics) and for the
//! check against the OpenAPI document.

use http::Method;

use crate::web;

/// One method of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// The method, as it is written.
    pub(crate) method: &'static str,
    /// The path; `{…}` stands for any one segment.
    pub(crate) path: &'static str,
}

const fn get(path: &'static str) -> Operation {
    Operation { method: "GET", path }
}

const fn post(path: &'static str) -> Operation {
    Operation { method: "POST", path }
}

/// Every operation of the public server but the files of the page, the busiest first.
pub(crate) const OPERATIONS: &[Operation] = &[
    post("/v1/purchases"),
    get("/v1/orders/{order_id}"),
    get("/v1/orders/{order_id}/stream"),
    get("/v1/deals/{deal_id}"),
    get("/v1/deals/{deal_id}/stream"),
    get("/v1/deals"),
    get("/v1/orders"),
    post("/v1/orders/{order_id}/cancellation"),
    get("/v1/commands/{command_id}"),
    post("/v1/webhooks/payments"),
    Operation { method: "PUT", path: "/v1/admin/products/{product_id}/deals/{deal_key}" },
    post("/v1/admin/deals/{deal_id}/stock-adjustments"),
    post("/v1/admin/deals/{deal_id}/schedule"),
    post("/v1/admin/deals/{deal_id}/pause"),
    post("/v1/admin/deals/{deal_id}/resume"),
    post("/v1/admin/deals/{deal_id}/closure"),
    post("/v1/accounts"),
    post("/v1/sessions"),
    get("/openapi.json"),
    get("/demo.json"),
    post("/demo/session"),
    post("/demo/payments"),
];

/// Index of the purchase in [`OPERATIONS`].
pub(crate) const PURCHASE: usize = 0;

/// What a method and a path are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Matched {
    /// An operation, by its index in [`OPERATIONS`].
    Operation(usize),
    /// A file of the page.
    Asset,
    /// A path that has other methods: these.
    OtherMethod(String),
    /// No path of ours.
    Nothing,
}

/// What a method and a path are. HEAD is GET without the body.
pub(crate) fn find(method: &Method, path: &str) -> Matched {
    let name = if *method == Method::HEAD { "GET" } else { method.as_str() };
    let mut methods = Vec::new();
    for (index, operation) in OPERATIONS.iter().enumerate() {
        if !fits(operation.path, path) {
            continue;
        }
        if operation.method == name {
            return Matched::Operation(index);
        }
        methods.push(operation.method);
    }
    if web::find(path).is_some() {
        if name == "GET" || *method == Method::OPTIONS {
            return Matched::Asset;
        }
        methods.push("GET");
    }
    if methods.is_empty() {
        return Matched::Nothing;
    }
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    Matched::OtherMethod(methods.join(", "))
}

/// Whether the path is one of the template.
fn fits(template: &str, path: &str) -> bool {
    if template == path {
        return true;
    }
    let (mut expected, mut found) = (template.split('/'), path.split('/'));
    loop {
        match (expected.next(), found.next()) {
            (None, None) => return true,
            (Some(expected), Some(found)) => {
                let any = expected.starts_with('{') && !found.is_empty();
                if !any && expected != found {
                    return false;
                }
            }
            (Some(_), None) | (None, Some(_)) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::{Matched, OPERATIONS, PURCHASE, find};

    #[test]
    fn methods_and_paths_are_told_apart() {
        let other = |methods: &str| Matched::OtherMethod(methods.to_owned());
        assert_eq!(find(&Method::POST, "/v1/purchases"), Matched::Operation(PURCHASE));
        assert_eq!(find(&Method::GET, "/v1/purchases"), other("POST, OPTIONS"));
        assert_eq!(find(&Method::GET, "/v1/orders/x"), Matched::Operation(1));
        assert_eq!(find(&Method::HEAD, "/v1/orders/x"), Matched::Operation(1));
        assert_eq!(find(&Method::OPTIONS, "/v1/orders/x"), other("GET, HEAD, OPTIONS"));
        assert_eq!(find(&Method::GET, "/"), Matched::Asset);
        assert_eq!(find(&Method::POST, "/"), other("GET, HEAD, OPTIONS"));
        for path in ["", "//", "/v1", "/v1/orders/", "/v1/orders/x/", "/v1/purchases/x", "*"] {
            assert_eq!(find(&Method::GET, path), Matched::Nothing, "{path}");
        }
    }

    #[test]
    fn no_operation_hides_another() {
        for (index, operation) in OPERATIONS.iter().enumerate() {
            let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
            assert_eq!(find(&method, operation.path), Matched::Operation(index));
        }
    }
}
