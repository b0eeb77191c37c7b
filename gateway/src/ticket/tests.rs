//! Tickets: vectors that hold the layout for ever, and forgeries.

use super::{Kind, Ticket, Tickets, pack, unpack};
use platform::secrets::{KeyRing, SecretBytes};
use proptest::prelude::*;
use schemas::{CustomerId, Position};
use uuid::Uuid;

const ALICE: CustomerId = CustomerId(Uuid::from_u128(0xa11ce));
const BOB: CustomerId = CustomerId(Uuid::from_u128(0xb0b));

fn tickets() -> Tickets {
    of(&[1, 2])
}

/// Key number n has 32 bytes n.
fn of(numbers: &[u8]) -> Tickets {
    let key = |number: &u8| (u16::from(*number), SecretBytes::new(vec![*number; 32]));
    Tickets::new(KeyRing::new(numbers.iter().map(key)).unwrap())
}

fn position() -> impl Strategy<Value = Position> {
    (0u16..1 << 14, 0u64..1 << 44).prop_map(|(partition, offset)| Position { partition, offset })
}

#[test]
fn the_layout_is_fixed() {
    let position = Position { partition: 0x2abc, offset: 0x0def_0123_4567 };
    let id = pack(0x5e, position, 0x0089_abcd_ef01_2345);
    // 8 + 14 + 26 bits | version, 12 bits | variant, 6 + 56 bits.
    assert_eq!(id.to_string(), "5eaaf37b-c048-8d15-a789-abcdef012345");
    assert_eq!(id.get_version_num(), 8);
    assert_eq!(unpack(id), Some((0x5e, position, 0x0089_abcd_ef01_2345)));
}

#[test]
fn ids_of_known_keys_never_change() {
    // hmac.new(bytes([1]) * 32, b"order" + bytes([3]) + (5).to_bytes(2, "big")
    //          + (812).to_bytes(8, "big") [+ customer], "sha256"), the first 28 bits of each.
    let position = Position { partition: 5, offset: 812 };
    let order = tickets().order_id(3, position, 1, ALICE);
    let command = tickets().command_id(3, position, 1, ALICE.0);
    assert_eq!([order, command].map(|id| id.to_string()), VECTORS);
}

const VECTORS: [&str; 2] =
    ["03001400-0000-800c-ac79-e42f7b3a0ec1", "03001400-0000-800c-ac63-db5239a2ffa6"];

#[test]
fn the_highest_key_issues_and_all_verify() {
    assert_eq!(tickets().issuing(), 2);
    let position = Position { partition: 0, offset: 1 };
    for key in [1, 2] {
        let id = tickets().order_id(7, position, key, ALICE);
        let ticket = Ticket { log_id: 7, position, key };
        assert_eq!(tickets().read_order(id, Some(ALICE)), Some(ticket));
    }
    let older = of(&[1]);
    assert!(!older.knows(2));
    let id = tickets().order_id(7, position, 2, ALICE);
    assert_eq!(older.read_order(id, Some(ALICE)), None);
}

#[test]
fn orders_and_commands_are_not_taken_for_each_other() {
    let position = Position { partition: 1, offset: 2 };
    let order = tickets().order_id(3, position, 2, ALICE);
    let command = tickets().command_id(3, position, 2, ALICE.0);
    assert_eq!(tickets().read_command(order, None), None);
    assert_eq!(tickets().read_order(command, None), None);
    assert_ne!(Kind::Order.domain(), Kind::Command.domain());
}

proptest! {
    #[test]
    fn a_ticket_reads_back_for_its_holder_only(
        log_id: u8,
        position in position(),
        key in 1u16..=2,
    ) {
        let ticket = Some(Ticket { log_id, position, key });
        let id = tickets().order_id(log_id, position, key, ALICE);
        prop_assert_eq!(tickets().read_order(id, Some(ALICE)), ticket);
        prop_assert_eq!(tickets().read_order(id, None), ticket);
        prop_assert_eq!(tickets().read_order(id, Some(BOB)), None);
        let id = tickets().command_id(log_id, position, key, ALICE.0);
        prop_assert_eq!(tickets().read_command(id, Some(ALICE.0)), ticket);
        prop_assert_eq!(tickets().read_command(id, Some(BOB.0)), None);
    }

    #[test]
    fn a_ticket_with_any_bit_flipped_was_never_issued(position in position(), bit in 0u32..128) {
        let id = tickets().order_id(3, position, 2, ALICE);
        let forged = Uuid::from_u128(id.as_u128() ^ 1 << bit);
        prop_assert_eq!(tickets().read_order(forged, Some(ALICE)), None);
        // The lowest 28 bits say whose it is; all others are checked for everybody.
        let read = tickets().read_order(forged, None);
        prop_assert_eq!(read.is_some(), bit < 28);
    }

    #[test]
    fn a_random_id_was_never_issued(id: u128) {
        prop_assert_eq!(tickets().read_order(Uuid::from_u128(id), None), None);
    }
}
