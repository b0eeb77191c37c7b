//! Values between rows of this crate and columns of SQLite, one after the other in the order in
//! which the statement names them.

use std::fmt::Display;
use std::str::FromStr;

use schemas::{Digest, Fingerprint, Money, Timestamp};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row as _, Sqlite};
use uuid::Uuid;

use super::fault::{damaged, fault};
use crate::store::StoreError;

/// A statement whose values are being bound.
pub(super) type Statement = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

/// Binds what sqlx has no name for.
pub(super) trait Bind: Sized {
    /// An unsigned number, bit for bit: offsets and counters stay far below 2^63.
    fn unsigned(self, value: u64) -> Self;
    /// 16 bytes, big-endian.
    fn digest(self, value: Option<Digest>) -> Self;
    /// 16 bytes.
    fn id(self, value: Uuid) -> Self;
    /// A point in time.
    fn time(self, value: Option<Timestamp>) -> Self;
    /// Amount and currency.
    fn money(self, value: Option<Money>) -> Self;
    /// A text.
    fn text(self, value: Option<&str>) -> Self;
}

impl Bind for Statement {
    fn unsigned(self, value: u64) -> Self {
        self.bind(value.cast_signed())
    }

    fn digest(self, value: Option<Digest>) -> Self {
        self.bind(value.map(|digest| digest.0.to_be_bytes().to_vec()))
    }

    fn id(self, value: Uuid) -> Self {
        self.bind(value.as_bytes().to_vec())
    }

    fn time(self, value: Option<Timestamp>) -> Self {
        self.bind(value.map(Timestamp::as_millis))
    }

    fn money(self, value: Option<Money>) -> Self {
        let (amount, currency) = (value.map(|it| it.amount), value.map(|it| it.currency));
        self.bind(amount).text(currency.as_ref().map(schemas::money::Currency::as_str))
    }

    fn text(self, value: Option<&str>) -> Self {
        self.bind(value.map(str::to_owned))
    }
}

/// The columns of a row that was read, from left to right.
pub(super) struct Columns<'r> {
    row: &'r SqliteRow,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn of(row: &'r SqliteRow) -> Self {
        Self { row, next: 0 }
    }

    /// The next column, as sqlx has it.
    pub(super) fn value<T>(&mut self) -> Result<T, StoreError>
    where
        T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
    {
        let index = self.next;
        self.next += 1;
        self.row.try_get(index).map_err(fault)
    }

    /// An integer of a smaller or unsigned type.
    pub(super) fn number<T: TryFrom<i64, Error: Display>>(&mut self) -> Result<T, StoreError> {
        T::try_from(self.value()?).map_err(|fault| self.bad(fault))
    }

    /// An unsigned number, bit for bit.
    pub(super) fn unsigned(&mut self) -> Result<u64, StoreError> {
        self.value().map(i64::cast_unsigned)
    }

    /// 0 or 1.
    pub(super) fn flag(&mut self) -> Result<bool, StoreError> {
        match self.value::<i64>()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.bad(format_args!("{other} is neither 0 nor 1"))),
        }
    }

    /// Exactly so many bytes, if there are any.
    pub(super) fn bytes<const N: usize>(&mut self) -> Result<Option<[u8; N]>, StoreError> {
        let bytes = self.value::<Option<&[u8]>>()?.map(<[u8; N]>::try_from);
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
        self.value().map(Timestamp::from_millis)
    }

    pub(super) fn optional_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.value::<Option<i64>>()?.map(Timestamp::from_millis))
    }

    pub(super) fn text(&mut self) -> Result<Box<str>, StoreError> {
        self.value::<&str>().map(Into::into)
    }

    pub(super) fn optional_text(&mut self) -> Result<Option<Box<str>>, StoreError> {
        Ok(self.value::<Option<&str>>()?.map(Into::into))
    }

    /// A text that stands for something.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&mut self) -> Result<T, StoreError> {
        let parsed = self.optional_parsed()?;
        self.present(parsed)
    }

    pub(super) fn optional_parsed<T: FromStr<Err: Display>>(
        &mut self,
    ) -> Result<Option<T>, StoreError> {
        let text = self.value::<Option<&str>>()?;
        text.map(str::parse).transpose().map_err(|fault| self.bad(fault))
    }

    /// A text out of a closed list.
    pub(super) fn listed<T>(
        &mut self,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        let Some(text) = self.value::<Option<&str>>()? else { return Ok(None) };
        parse(text).map(Some).ok_or_else(|| self.bad(format_args!("{text:?} is not known")))
    }

    /// Amount and currency: both, or neither.
    pub(super) fn optional_money(&mut self) -> Result<Option<Money>, StoreError> {
        match (self.value::<Option<i64>>()?, self.optional_parsed()?) {
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
        use sqlx::Column as _;
        let index = self.next.saturating_sub(1);
        let name = self.row.columns().get(index).map_or("?", |column| column.name());
        damaged(format_args!("column {name}: {what}"))
    }
}
