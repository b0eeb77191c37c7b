//! Attacks on a whole gateway over real sockets. Every one of them asserts the bound that holds:
//! the status, the end of the connection, that nothing else was understood, nothing appended.

mod bodies;
mod floods;
mod headers;
mod identities;
mod notices;
mod paging;
mod paths;
mod raw;
mod smuggling;
