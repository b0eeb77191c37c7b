//! Types of the log as a request must write them: without unknown fields. In the log the same types
//! pass over what they do not know, because a newer writer may have added it.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::log::Product;
use crate::object::objects;
use crate::{Currency, Money};

/// An amount in minor units of a currency: `{"amount": 1990, "currency": "EUR"}` is 19.90 €.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[schemars(rename = "PriceRequest")]
pub(super) struct StrictMoney {
    /// Minor units, not negative.
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
    name: Box<str>,
    /// At most [`crate::limits::DESCRIPTION_CHARS_MAX`] characters.
    description: Box<str>,
    /// `https` address of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
