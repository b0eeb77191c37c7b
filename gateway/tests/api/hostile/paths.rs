//! Addresses: too long, encoded twice, climbing out of where they are.

use super::raw::statuses;
use crate::client::Ask;
use crate::world::World;

/// A GET of this target, after which the connection closes.
fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn an_address_is_what_it_says_letter_by_letter() {
    let world = World::usual().await;
    for target in [
        "/v1/%64eals",
        "/v1%2fdeals",
        "/%76%31/deals",
        "//v1/deals",
        "/v1//deals",
        "/v1/deals/",
        "/./v1/deals",
        "/v1/./deals",
        "/v1/x/../deals",
        "/v1/%2e%2e/v1/deals",
        "/v1/deals%00",
        "/v1/deals%20",
        "/v1/deals;a=b",
        "/v1/DEALS",
        "/V1/deals",
        "/../../../../etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%5c..%5cetc%5cpasswd",
        "/%c0%ae%c0%ae/etc/passwd",
        "/%252e%252e/etc/passwd",
        "/v1/deals/../../openapi.json",
        "/v1/deals/x/stream/y",
        "/v1/%",
        "/v1/%zz",
        "/v1/deals\\x",
        "/livez",
        "/metrics",
        "/partitions/0/resume",
    ] {
        assert_eq!(statuses(&world, &get(target)).await, [404], "{target}");
    }
    for target in ["/v1/deals?%77ait=1", "/v1/deals?wait=%31", "/v1/deals?limit=%ff"] {
        assert_eq!(statuses(&world, &get(target)).await, [400], "{target}");
    }
    assert_eq!(statuses(&world, &get("/v1/deals?limit=%32%30")).await, [200]);
    assert_eq!(statuses(&world, &get("/v1/deals#x")).await.len(), 1);
}

#[tokio::test]
async fn an_id_of_any_form_but_the_canonical_is_unknown() {
    let world = World::usual().await;
    let token = world.shopper();
    let long = "a".repeat(20_000);
    for id in [
        "%00",
        "%2e%2e",
        "..",
        ".",
        "null",
        "0",
        "-1",
        "%F0%9F%92%A9",
        "urn:uuid:6d1f5a0e-2c4b-8e6f-9a7d-31c840b297e5",
        "%7B6d1f5a0e-2c4b-8e6f-9a7d-31c840b297e5%7D",
        "6D1F5A0E-2C4B-8E6F-9A7D-31C840B297E5",
        "6d1f5a0e-2c4b-8e6f-9a7d-31c840b297e5%00",
        "6d1f5a0e%2d2c4b-8e6f-9a7d-31c840b297e5",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "ffffffff-ffff-8fff-bfff-ffffffffffff",
        &long,
    ] {
        let order = Ask::get(format!("/v1/orders/{id}")).token(&token);
        assert_eq!(order.send(world.address).await.code(), "order-not-found", "{id}");
        let command = Ask::get(format!("/v1/commands/{id}")).token(&token);
        assert_eq!(command.send(world.address).await.code(), "not-found", "{id}");
        let deal = Ask::get(format!("/v1/deals/{id}"));
        assert_eq!(deal.send(world.address).await.code(), "deal-not-found", "{id}");
    }
}

#[tokio::test]
async fn an_address_is_as_long_as_a_head_may_be_and_no_longer() {
    let world = World::usual().await;
    for (length, status) in [(30_000, 404), (40_000, 431), (70_000, 431), (200_000, 431)] {
        let path = format!("/{}", "a".repeat(length));
        assert_eq!(statuses(&world, &get(&path)).await, [status], "{length}");
        let segments = "/a".repeat(length / 2);
        assert_eq!(statuses(&world, &get(&segments)).await, [status], "{length}");
    }
    for (query, status) in [
        ("a=1&".repeat(7_000), 400),
        ("limit=20&".repeat(3_000), 400),
        ("&".repeat(30_000), 200),
        (format!("cursor={}", "A".repeat(30_000)), 400),
        (format!("cursor={}", "%41".repeat(10_000)), 400),
        (format!("limit={}", "9".repeat(30_000)), 422),
        (format!("status={}", "x".repeat(30_000)), 422),
        ("=".repeat(30_000), 400),
        ("?".repeat(30_000), 400),
    ] {
        let shown: String = query.chars().take(40).collect();
        let target = format!("/v1/deals?{query}");
        assert_eq!(statuses(&world, &get(&target)).await, [status], "{shown}");
    }
}
