//! Types of the log as a request must write them: without unknown fields. In the log the same types
//! pass over what they do not know, because a newer writer may have added it.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::request::TEXT;
use crate::limits::{DESCRIPTION_CHARS_MAX, IMAGE_URL_BYTES_MAX, PRICE_MAX, TITLE_CHARS_MAX};
use crate::log::Product;
use crate::object::objects;
use crate::{Currency, Money};

/// An `https` address with a host.
const IMAGE_URL: &str = "^https://[!-.0-~][!-~]*$";

/// An amount in minor units of a currency: `{"amount": 1990, "currency": "EUR"}` is 19.90 €.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[schemars(rename = "PriceRequest")]
pub(super) struct StrictMoney {
    /// Minor units, not negative.
    #[schemars(range(min = 0, max = PRICE_MAX))]
    amount: i64,
    /// What the units are of.
    currency: Currency,
}

/// A product as the catalogue shows it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[schemars(rename = "ProductRequest")]
pub(super) struct StrictProduct {
    /// 1 to [`crate::limits::TITLE_CHARS_MAX`] characters.
    #[schemars(length(min = 1, max = TITLE_CHARS_MAX), extend("pattern" = TEXT))]
    name: Box<str>,
    /// At most [`crate::limits::DESCRIPTION_CHARS_MAX`] characters.
    #[schemars(length(max = DESCRIPTION_CHARS_MAX), extend("pattern" = TEXT))]
    description: Box<str>,
    /// `https` address of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = IMAGE_URL_BYTES_MAX), extend("pattern" = IMAGE_URL))]
    image_url: Option<Box<str>>,
}

objects!(StrictMoney, StrictProduct);

pub(super) fn money<'de, D: Deserializer<'de>>(source: D) -> Result<Money, D::Error> {
    let StrictMoney { amount, currency } = Deserialize::deserialize(source)?;
    Ok(Money { amount, currency })
}

pub(super) fn product<'de, D: Deserializer<'de>>(source: D) -> Result<Product, D::Error> {
    let StrictProduct { name, description, image_url } = Deserialize::deserialize(source)?;
    Ok(Product { name, description, image_url })
}
