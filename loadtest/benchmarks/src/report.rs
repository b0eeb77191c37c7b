//! How a run is shown: tables, charts, beside an earlier run, and as a page of the documentation.
//! Functions of records. Must not know how a figure is taken.

mod chart;
mod comparison;
mod page;
mod table;

pub(crate) use self::comparison::comparison;
pub(crate) use self::page::{put_figures, write as write_page};
pub(crate) use self::table::tables;
