//! Ranges: every number and text of a request against its stated limit, naming the field. What
//! passes here fits every type of the log.

use schemas::Timestamp;
use schemas::http::{
    AccountRequest, DealRequest, PaymentNotice, ScheduleRequest, SessionRequest,
    StockAdjustmentRequest,
};
use schemas::limits::{
    DEAL_DURATION_MS_MAX, DESCRIPTION_CHARS_MAX, HOLD_SECONDS_MAX, IMAGE_URL_BYTES_MAX,
    LIMIT_PER_CUSTOMER_MAX, PAYMENT_ID_BYTES_MAX, PRICE_MAX, STOCK_MAX, TITLE_CHARS_MAX,
};
use schemas::log::{DealTerms, Product};

use super::query::out_of_range;
use crate::problem::Refusal;

const EMAIL_CHARS_MAX: usize = 254;
const PASSWORD_CHARS_MIN: usize = 10;
const PASSWORD_CHARS_MAX: usize = 128;
const NAME_CHARS_MAX: usize = 100;

/// The quantity of a purchase, as far as it can be judged without the deal: the log has 32 bits.
pub(crate) fn check_quantity(quantity: i64) -> Result<u32, Refusal> {
    whole(quantity, 1, LIMIT_PER_CUSTOMER_MAX, "/quantity")
}

/// The terms that a request announces.
pub(crate) fn check_deal(request: DealRequest) -> Result<DealTerms, Refusal> {
    let DealRequest { product, title, price, opens_at, closes_at, .. } = request;
    check_text(&product.name, 1, TITLE_CHARS_MAX, "/product/name")?;
    check_text(&product.description, 0, DESCRIPTION_CHARS_MAX, "/product/description")?;
    check_image(&product)?;
    check_text(&title, 1, TITLE_CHARS_MAX, "/title")?;
    if !(0..=PRICE_MAX).contains(&price.amount) {
        return Err(out_of_range("/price/amount", &format!("not 0 to {PRICE_MAX} minor units")));
    }
    let stock = whole(request.stock, 0, STOCK_MAX, "/stock")?;
    let limit = request.limit_per_customer;
    let limit_per_customer = whole(limit, 1, LIMIT_PER_CUSTOMER_MAX, "/limit_per_customer")?;
    let hold_seconds = whole(request.hold_seconds, 0, HOLD_SECONDS_MAX, "/hold_seconds")?;
    check_times(opens_at, closes_at)?;
    Ok(DealTerms {
        product,
        title,
        price,
        stock,
        limit_per_customer,
        opens_at,
        closes_at,
        hold_seconds,
    })
}

/// An adjustment of stock.
pub(crate) fn check_adjustment(request: &StockAdjustmentRequest) -> Result<(), Refusal> {
    if request.delta == 0 || request.delta.unsigned_abs() > STOCK_MAX {
        let detail = format!("not -{STOCK_MAX} to {STOCK_MAX} without 0");
        return Err(out_of_range("/delta", &detail));
    }
    Ok(())
}

/// New times of a deal. One of them alone can only be judged beside the other: `kept` has the
/// deal's present times, if the deal is known.
pub(crate) fn check_schedule(
    request: &ScheduleRequest,
    kept: Option<(Timestamp, Timestamp)>,
) -> Result<(), Refusal> {
    if request.opens_at.is_none() && request.closes_at.is_none() {
        return Err(out_of_range("", "neither opens_at nor closes_at is there"));
    }
    let opens_at = request.opens_at.or(kept.map(|(opens_at, _)| opens_at));
    let closes_at = request.closes_at.or(kept.map(|(_, closes_at)| closes_at));
    match (opens_at, closes_at) {
        (Some(opens_at), Some(closes_at)) => check_times(opens_at, closes_at),
        _ => Ok(()),
    }
}

/// A payment provider's notice.
pub(crate) fn check_payment(notice: &PaymentNotice) -> Result<(), Refusal> {
    let id = notice.payment_id.as_bytes();
    let sized = (1..=PAYMENT_ID_BYTES_MAX).contains(&id.len());
    if !sized || !id.iter().all(u8::is_ascii_graphic) {
        let detail = format!("not 1 to {PAYMENT_ID_BYTES_MAX} visible ASCII characters");
        return Err(out_of_range("/payment_id", &detail));
    }
    if notice.amount < 0 {
        return Err(out_of_range("/amount", "below 0"));
    }
    Ok(())
}

/// An account as it will be kept: the address in lower case.
#[derive(Debug)]
pub(crate) struct Signup {
    pub(crate) email: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) password: platform::secrets::Secret<Box<str>>,
}

/// A new account.
pub(crate) fn check_account(request: AccountRequest) -> Result<Signup, Refusal> {
    check_text(&request.email, 3, EMAIL_CHARS_MAX, "/email")?;
    let parts = request.email.rsplit_once('@');
    let spaceless = !request.email.contains(char::is_whitespace);
    if !spaceless || !parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty()) {
        return Err(out_of_range("/email", "not an e-mail address"));
    }
    let chars = request.password.chars().count();
    if !(PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&chars) {
        return Err(out_of_range("/password", "not 10 to 128 characters"));
    }
    check_text(&request.name, 1, NAME_CHARS_MAX, "/name")?;
    Ok(Signup {
        email: request.email.to_lowercase().into(),
        name: request.name,
        password: platform::secrets::Secret::new(request.password),
    })
}

/// A sign-in. What no account can have is not compared: hashing takes longer the longer it is.
pub(crate) fn check_credentials(request: &SessionRequest) -> Result<(), Refusal> {
    if request.email.chars().count() > EMAIL_CHARS_MAX {
        return Err(out_of_range("/email", "more than 254 characters"));
    }
    if request.password.chars().count() > PASSWORD_CHARS_MAX {
        return Err(out_of_range("/password", "more than 128 characters"));
    }
    Ok(())
}

fn check_times(opens_at: Timestamp, closes_at: Timestamp) -> Result<(), Refusal> {
    if closes_at <= opens_at {
        return Err(out_of_range("/closes_at", "not after opens_at"));
    }
    let millis = closes_at.as_millis().checked_sub(opens_at.as_millis());
    if millis.is_none_or(|millis| millis > DEAL_DURATION_MS_MAX) {
        return Err(out_of_range("/closes_at", "more than 366 days after opens_at"));
    }
    Ok(())
}

fn check_image(product: &Product) -> Result<(), Refusal> {
    let Some(url) = &product.image_url else {
        return Ok(());
    };
    let visible = url.bytes().all(|byte| byte.is_ascii_graphic());
    let host = url.strip_prefix("https://").is_some_and(|rest| !rest.starts_with('/'));
    if url.len() > IMAGE_URL_BYTES_MAX || !visible || !host || url.len() <= "https://".len() {
        let detail = format!("not an https address of at most {IMAGE_URL_BYTES_MAX} bytes");
        return Err(out_of_range("/product/image_url", &detail));
    }
    Ok(())
}

/// Text of so many characters, none of them a control character other than a line break.
fn check_text(text: &str, min: usize, max: usize, pointer: &str) -> Result<(), Refusal> {
    if !(min..=max).contains(&text.chars().count()) {
        return Err(out_of_range(pointer, &format!("not {min} to {max} characters")));
    }
    if text.chars().any(|char| char.is_control() && char != '\n') {
        return Err(out_of_range(pointer, "has a control character"));
    }
    Ok(())
}

fn whole<T>(number: i64, min: i64, max: T, pointer: &str) -> Result<T, Refusal>
where
    T: Copy + PartialOrd + TryFrom<i64> + std::fmt::Display,
{
    let fitting = T::try_from(number).ok().filter(|fitting| number >= min && *fitting <= max);
    fitting.ok_or_else(|| out_of_range(pointer, &format!("not {min} to {max}")))
}
