//! Values between rows of this crate and columns of a table, one after the other in the order in
//! which the statement names them. To a database they are integers, bytes and texts.

use std::fmt::Display;
use std::str::FromStr;

use schemas::{Digest, Fingerprint, Money, Timestamp};
use sqlx::query::Query;
use sqlx::{ColumnIndex, Database, Decode, Encode, Type};
use uuid::Uuid;

use super::damaged;
use crate::store::StoreError;

/// A statement whose values are being bound.
pub(crate) trait Bind: Sized + Send {
    /// An integer.
    fn integer(self, value: Option<i64>) -> Self;

    /// Bytes.
    fn bytes(self, value: Option<&[u8]>) -> Self;

    /// A text.
    fn text(self, value: Option<&str>) -> Self;

    /// An integer of a smaller type, or 0 and 1.
    fn number(self, value: impl Into<i64>) -> Self {
        self.integer(Some(value.into()))
    }

    /// An unsigned number, bit for bit: offsets and counters stay far below 2^63.
    fn unsigned(self, value: u64) -> Self {
        self.number(value.cast_signed())
    }

    /// 16 bytes, big-endian.
    fn digest(self, value: Option<Digest>) -> Self {
        self.bytes(value.map(|digest| digest.0.to_be_bytes()).as_ref().map(|it| it.as_slice()))
    }

    /// 16 bytes.
    fn id(self, value: Uuid) -> Self {
        self.bytes(Some(value.as_bytes()))
    }

    /// A point in time.
    fn time(self, value: Option<Timestamp>) -> Self {
        self.integer(value.map(Timestamp::as_millis))
    }

    /// Amount and currency.
    fn money(self, value: Option<Money>) -> Self {
        let (amount, currency) = (value.map(|it| it.amount), value.map(|it| it.currency));
        self.integer(amount).text(currency.as_ref().map(schemas::money::Currency::as_str))
    }
}

impl<DB: Database> Bind for Query<'static, DB, <DB as Database>::Arguments>
where
    for<'v> Option<i64>: Encode<'v, DB> + Type<DB>,
    for<'v> Option<&'v [u8]>: Encode<'v, DB> + Type<DB>,
    for<'v> Option<&'v str>: Encode<'v, DB> + Type<DB>,
{
    fn integer(self, value: Option<i64>) -> Self {
        self.bind(value)
    }

    fn bytes(self, value: Option<&[u8]>) -> Self {
        self.bind(value)
    }

    fn text(self, value: Option<&str>) -> Self {
        self.bind(value)
    }
}

/// A row that was read.
pub(crate) trait Row: Send + Sync {
    /// An integer.
    fn integer(&self, index: usize) -> Result<Option<i64>, sqlx::Error>;

    /// Bytes.
    fn bytes(&self, index: usize) -> Result<Option<&[u8]>, sqlx::Error>;

    /// A text.
    fn text(&self, index: usize) -> Result<Option<&str>, sqlx::Error>;

    /// How the column is called.
    fn name(&self, index: usize) -> &str;
}

impl<R: sqlx::Row> Row for R
where
    usize: ColumnIndex<R>,
    for<'v> Option<i64>: Decode<'v, R::Database> + Type<R::Database>,
    for<'v> Option<&'v [u8]>: Decode<'v, R::Database> + Type<R::Database>,
    for<'v> Option<&'v str>: Decode<'v, R::Database> + Type<R::Database>,
{
    fn integer(&self, index: usize) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(index)
    }

    fn bytes(&self, index: usize) -> Result<Option<&[u8]>, sqlx::Error> {
        self.try_get(index)
    }

    fn text(&self, index: usize) -> Result<Option<&str>, sqlx::Error> {
        self.try_get(index)
    }

    fn name(&self, index: usize) -> &str {
        use sqlx::Column as _;
        self.columns().get(index).map_or("?", |column| column.name())
    }
}

/// The columns of a row that was read, from left to right.
pub(crate) struct Columns<'r, R> {
    row: &'r R,
    next: usize,
}

impl<'r, R: Row> Columns<'r, R> {
    pub(super) fn of(row: &'r R) -> Self {
        Self { row, next: 0 }
    }

    /// The next column.
    fn next<T>(
        &mut self,
        get: impl FnOnce(&'r R, usize) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let index = self.next;
        self.next += 1;
        get(self.row, index).map_err(|fault| self.bad(fault))
    }

    pub(super) fn optional_integer(&mut self) -> Result<Option<i64>, StoreError> {
        self.next(R::integer)
    }

    pub(super) fn integer(&mut self) -> Result<i64, StoreError> {
        let integer = self.optional_integer()?;
        self.present(integer)
    }

    fn any_text(&mut self) -> Result<Option<&'r str>, StoreError> {
        self.next(R::text)
    }

    /// Whether the next column has no value; it is still the next one.
    pub(super) fn at_null(&self) -> bool {
        matches!(self.row.integer(self.next), Ok(None))
    }

    /// An integer of a smaller or unsigned type.
    pub(super) fn number<T: TryFrom<i64, Error: Display>>(&mut self) -> Result<T, StoreError> {
        T::try_from(self.integer()?).map_err(|fault| self.bad(fault))
    }

    /// An unsigned number, bit for bit.
    pub(super) fn unsigned(&mut self) -> Result<u64, StoreError> {
        self.integer().map(i64::cast_unsigned)
    }

    /// 0 or 1.
    pub(super) fn flag(&mut self) -> Result<bool, StoreError> {
        match self.integer()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.bad(format_args!("{other} is neither 0 nor 1"))),
        }
    }

    /// Exactly so many bytes, if there are any.
    pub(super) fn bytes<const N: usize>(&mut self) -> Result<Option<[u8; N]>, StoreError> {
        let bytes = self.next(R::bytes)?.map(<[u8; N]>::try_from);
        bytes.transpose().map_err(|_| self.bad(format_args!("not {N} bytes")))
    }

    pub(super) fn id(&mut self) -> Result<Uuid, StoreError> {
        let bytes = self.bytes()?;
        self.present(bytes.map(Uuid::from_bytes))
    }

    pub(super) fn optional_digest(&mut self) -> Result<Option<Digest>, StoreError> {
        Ok(self.bytes()?.map(|bytes| Digest(u128::from_be_bytes(bytes))))
    }

    pub(super) fn digest(&mut self) -> Result<Digest, StoreError> {
        let digest = self.optional_digest()?;
        self.present(digest)
    }

    pub(super) fn fingerprint(&mut self) -> Result<Fingerprint, StoreError> {
        let bytes = self.bytes()?;
        self.present(bytes.map(|bytes| Fingerprint(u64::from_be_bytes(bytes))))
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, StoreError> {
        self.integer().map(Timestamp::from_millis)
    }

    pub(super) fn optional_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.optional_integer()?.map(Timestamp::from_millis))
    }

    pub(super) fn text(&mut self) -> Result<Box<str>, StoreError> {
        let text = self.any_text()?;
        self.present(text).map(Into::into)
    }

    pub(super) fn optional_text(&mut self) -> Result<Option<Box<str>>, StoreError> {
        Ok(self.any_text()?.map(Into::into))
    }

    /// A text that stands for something.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&mut self) -> Result<T, StoreError> {
        let parsed = self.optional_parsed()?;
        self.present(parsed)
    }

    pub(super) fn optional_parsed<T: FromStr<Err: Display>>(
        &mut self,
    ) -> Result<Option<T>, StoreError> {
        let text = self.any_text()?;
        text.map(str::parse).transpose().map_err(|fault| self.bad(fault))
    }

    /// A text out of a closed list.
    pub(super) fn listed<T>(
        &mut self,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        let Some(text) = self.any_text()? else { return Ok(None) };
        parse(text).map(Some).ok_or_else(|| self.bad(format_args!("{text:?} is not known")))
    }

    /// Amount and currency: both, or neither.
    pub(super) fn optional_money(&mut self) -> Result<Option<Money>, StoreError> {
        match (self.optional_integer()?, self.optional_parsed()?) {
            (Some(amount), Some(currency)) => Ok(Some(Money { amount, currency })),
            (None, None) => Ok(None),
            (Some(_), None) | (None, Some(_)) => Err(self.bad("an amount goes with a currency")),
        }
    }

    pub(super) fn money(&mut self) -> Result<Money, StoreError> {
        let money = self.optional_money()?;
        self.present(money)
    }

    /// What the last column read must have.
    pub(super) fn present<T>(&self, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| self.bad("missing"))
    }

    /// A fault in the last column read.
    pub(super) fn bad(&self, what: impl Display) -> StoreError {
        let name = self.row.name(self.next.saturating_sub(1));
        damaged(format_args!("column {name}: {what}"))
    }
}
