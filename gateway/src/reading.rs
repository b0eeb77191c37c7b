//! Reading requests: bodies within their limits, JSON with the field at fault named, headers and
//! query parameters. Everything wrong here is the client's fault and a 4xx; nothing panics. Must
//! not know what a request is for.

mod body;
mod check;
mod cursor;
mod json;
mod key;
mod query;

pub(crate) use body::{expect_json, expect_no_body, read_body};
pub(crate) use check::{
    Signup, check_account, check_adjustment, check_credentials, check_deal, check_payment,
    check_quantity, check_schedule,
};
pub(crate) use cursor::{
    DealCursor, read_cursor, read_deal_cursor, write_cursor, write_deal_cursor,
};
pub(crate) use json::{parse_json, read_json};
pub(crate) use key::idempotency_key;
pub(crate) use query::Query;
