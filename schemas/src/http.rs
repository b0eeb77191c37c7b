//! HTTP: bodies of requests and answers, and the one table of problems.

mod answer;
pub mod problem;
mod request;
mod strict;

pub use answer::{
    Account, CommandAnswer, CommandStatus, Deal, DealStatus, Order, OrderStatus, Page, Payment,
    Queue, Refund, RefundStatus, Rejection, Session,
};
pub use problem::{FieldFault, Problem, ProblemCode};
pub use request::{
    AccountRequest, DealRequest, PaymentNotice, PurchaseRequest, ScheduleRequest, SessionRequest,
    StockAdjustmentRequest,
};
